//! From the bytes of an image file to 8-bit RGB, by content and not by extension, within stated limits.

mod gif;
mod jpeg;
mod jpeg_header;
mod orientation;
mod tiff;

use std::io::Cursor;

use image::{
    DynamicImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Pixel, Rgb, RgbImage,
};

use super::DataError;
pub use orientation::{Decoded, Orientation};

/// The largest image file that is read, in bytes (after unpacking).
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The largest image that is decoded, in pixels.
pub const MAX_PIXELS: u64 = 64_000_000;
/// The longest side of an image that is decoded, in pixels: libjpeg's limit for JPEG, and so Keras'. Beyond it the sizes
/// that a JPEG decoder computes can exceed 16 bits.
pub const MAX_SIDE: u32 = 65_500;

/// Beside its pixels, what a file holds may take this much once it is unpacked: colour profiles are never used, and a
/// few kilobytes can unpack to gigabytes.
const MAX_UNPACKED_EXTRAS: u64 = 8 << 20;

/// Endings, in lower case, by which a data set's files count as images.
pub(super) const EXTENSIONS: [&str; 11] = [
    "bmp", "gif", "jfi", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp",
];

/// Whether a file of this path takes part in a data set: an image's ending, and no hidden file.
pub(super) fn is_image_path(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = file.rsplit_once('.') else {
        return false;
    };
    !stem.is_empty() && !file.starts_with('.') && EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// Decodes an image file's `bytes` to RGB as Keras' `load_img` does: grey becomes three equal channels, alpha is
/// dropped without blending, of 16 bits the upper eight are taken, of an animation the first frame and of a TIFF the
/// first page.
///
/// # Errors
/// [`DataError::PixelCount`] for no pixels, more than [`MAX_PIXELS`] or a side above [`MAX_SIDE`],
/// [`DataError::CutShort`] for a JPEG or WebP that isn't all there, [`DataError::Decode`] for anything else; all say
/// `name`.
pub fn decode(bytes: &[u8], name: &str) -> Result<Decoded, DataError> {
    by_content(bytes).map_err(|refusal| refusal.of(name))
}

fn by_content(bytes: &[u8]) -> Result<Decoded, Refusal> {
    match image::guess_format(bytes)? {
        ImageFormat::Jpeg => jpeg::decode(bytes),
        ImageFormat::Gif => Ok(Decoded::upright(gif::decode(bytes)?)),
        ImageFormat::Tiff => Ok(Decoded::upright(tiff::decode(bytes)?)),
        format => of_other_format(bytes, format),
    }
}

fn of_other_format(bytes: &[u8], format: ImageFormat) -> Result<Decoded, Refusal> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_UNPACKED_EXTRAS);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if format == ImageFormat::WebP && !has_webp_end(bytes) {
        return Err(Refusal::CutShort);
    }
    // EXIF data that can't be read say nothing of the pixels.
    let exif = decoder.exif_metadata().ok().flatten();
    Ok(Decoded {
        turn: exif.as_deref().map(orientation::turn).unwrap_or_default(),
        stored: rgb(DynamicImage::from_decoder(decoder)?),
    })
}

/// Why bytes are no image.
#[derive(Debug)]
enum Refusal {
    Size(u32, u32),
    CutShort,
    Image(ImageError),
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl Refusal {
    /// As an error that names the file.
    fn of(self, name: &str) -> DataError {
        let name = name.to_owned();
        match self {
            Self::Size(width, height) => DataError::PixelCount { name, width, height },
            Self::CutShort => DataError::CutShort { name },
            Self::Image(source) => DataError::Decode { name, source },
        }
    }
}

fn check_size(width: u32, height: u32) -> Result<(), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if !(1..=MAX_PIXELS).contains(&pixels) || width.max(height) > MAX_SIDE {
        return Err(Refusal::Size(width, height));
    }
    Ok(())
}

/// Whether a WebP file is as long as its first bytes say, not counting `RIFF` and the length itself. The decoder of the
/// lossy kind fills what is missing and says nothing of it; Pillow, and so Keras, refuses such files.
fn has_webp_end(bytes: &[u8]) -> bool {
    match *bytes {
        [_, _, _, _, a, b, c, d, ref rest @ ..] => rest.len() as u64 >= u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => false,
    }
}

/// Inks as Pillow mixes them.
fn cmyk([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let light = 255 - u32::from(black);
    [cyan, magenta, yellow].map(|ink| {
        let product = u32::from(ink) * light + 128;
        (light - (((product >> 8) + product) >> 8)) as u8
    })
}

fn rgb(image: DynamicImage) -> RgbImage {
    match image {
        DynamicImage::ImageLuma16(deep) => upper_bytes(&deep),
        DynamicImage::ImageLumaA16(deep) => upper_bytes(&deep),
        DynamicImage::ImageRgb16(deep) => upper_bytes(&deep),
        DynamicImage::ImageRgba16(deep) => upper_bytes(&deep),
        shallow => shallow.into_rgb8(),
    }
}

/// As Pillow does for colour; the crate's own conversion rounds.
fn upper_bytes<P: Pixel<Subpixel = u16>>(deep: &ImageBuffer<P, Vec<u16>>) -> RgbImage {
    RgbImage::from_fn(deep.width(), deep.height(), |x, y| {
        Rgb(deep.get_pixel(x, y).to_rgb().0.map(|value| value.to_be_bytes()[0]))
    })
}

#[cfg(test)]
mod tests {
    use super::{DataError, DynamicImage, Orientation, RgbImage, is_image_path};
    use std::io::Cursor;

    use image::{GrayImage, ImageFormat, Luma, Rgba, RgbaImage};

    fn decode(bytes: &[u8], name: &str) -> Result<RgbImage, DataError> {
        Ok(super::decode(bytes, name)?.oriented(Orientation::Ignore))
    }

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let grey = DynamicImage::from(GrayImage::from_pixel(2, 1, Luma([77])));
        assert_eq!(
            decode(&encoded(&grey, ImageFormat::Png), "a").unwrap().into_raw(),
            [77; 6]
        );
    }

    #[test]
    fn alpha_is_dropped_without_blending() {
        let clear = DynamicImage::from(RgbaImage::from_pixel(1, 1, Rgba([10, 20, 30, 0])));
        assert_eq!(
            decode(&encoded(&clear, ImageFormat::Png), "a").unwrap().into_raw(),
            [10, 20, 30]
        );
    }

    #[test]
    fn a_damaged_image_is_an_error_that_names_the_file() {
        let grey = DynamicImage::from(GrayImage::from_pixel(40, 40, Luma([77])));
        let bytes = encoded(&grey, ImageFormat::Png);
        for damaged in [&bytes[..bytes.len() / 2], b"not an image", b""] {
            let error = decode(damaged, "sea/17.png").unwrap_err();
            assert_eq!(error.to_string(), "cannot decode image 'sea/17.png'");
        }
    }

    #[test]
    fn an_image_is_refused_before_it_is_decoded_if_a_side_is_longer_than_libjpeg_decodes() {
        let mut bytes = encoded(&DynamicImage::from(GrayImage::new(1, 1)), ImageFormat::Jpeg);
        let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        let mut refusal = |width: u16| {
            bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
            // More than one sample of the only channel: the decoder rounds the width up in 16 bits.
            bytes[frame + 11] = 0x44;
            decode(&bytes, "long.jpg").err().map(|error| error.to_string())
        };
        assert_eq!(refusal(65_500), None);
        assert_eq!(
            refusal(65_532).as_deref(),
            Some("'long.jpg' has 65532×1 pixels; 1 to 64000000 in all, and up to 65500 a side, are accepted")
        );
    }

    #[test]
    fn an_image_with_too_many_pixels_is_refused_before_it_is_decoded() {
        let mut bytes = encoded(&DynamicImage::from(RgbImage::new(1, 1)), ImageFormat::Bmp);
        bytes[18..22].copy_from_slice(&10_000_i32.to_le_bytes());
        bytes[22..26].copy_from_slice(&9_999_i32.to_le_bytes());
        let message = decode(&bytes, "huge.bmp").unwrap_err().to_string();
        assert_eq!(
            message,
            "'huge.bmp' has 10000×9999 pixels; 1 to 64000000 in all, and up to 65500 a side, are accepted"
        );
    }

    #[test]
    fn files_count_as_images_by_their_ending_and_hidden_files_do_not() {
        for path in [
            "a/b.jpg", "b.JPEG", "x.y.png", "a.tif", "a.TIFF", "a.jpe", "a.jfif", "a.jfi",
        ] {
            assert!(is_image_path(path), "{path}");
        }
        for path in ["a/.b.jpg", "a.txt", "jpg", ".jpg", "a/Thumbs.db"] {
            assert!(!is_image_path(path), "{path}");
        }
    }
}
