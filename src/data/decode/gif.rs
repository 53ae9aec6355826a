//! The first frame of a GIF, on its screen, as Pillow shows it.

use gif::DecodeOptions;
use image::error::{DecodingError, ImageFormatHint};
use image::{ImageError, ImageFormat, Rgb, RgbImage};

use super::{Refusal, check_size};

impl From<gif::DecodingError> for Refusal {
    fn from(error: gif::DecodingError) -> Self {
        let format = ImageFormatHint::Exact(ImageFormat::Gif);
        Self::Image(ImageError::Decoding(DecodingError::new(format, error)))
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, Refusal> {
    let mut decoder = DecodeOptions::new().read_info(bytes)?;
    check_size(decoder.width().into(), decoder.height().into())?;
    let frame = decoder.next_frame_info()?.ok_or_else(no_frame)?;
    let (left, top) = (u32::from(frame.left), u32::from(frame.top));
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    check_size(width, height)?;
    let surroundings = frame.transparent.unwrap_or(0);
    let local = frame.palette.clone();
    let palette = local.or_else(|| decoder.global_palette().map(<[u8]>::to_vec));
    // An image whose frame leaves the screen is as large as both.
    let image_width = u32::from(decoder.width()).max(left + width);
    let image_height = u32::from(decoder.height()).max(top + height);
    check_size(image_width, image_height)?;

    let mut indices = vec![0; width as usize * height as usize];
    decoder.read_into_buffer(&mut indices)?;
    let colours = colours(&palette.unwrap_or_default());
    let mut image = RgbImage::from_pixel(image_width, image_height, colours[usize::from(surroundings)]);
    for (y, row) in (top..).zip(indices.chunks_exact(width as usize)) {
        for (x, index) in (left..).zip(row) {
            image.put_pixel(x, y, colours[usize::from(*index)]);
        }
    }
    Ok(image)
}

fn no_frame() -> Refusal {
    gif::DecodingError::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)).into()
}

/// A palette's colours; indices beyond it are black.
fn colours(palette: &[u8]) -> [Rgb<u8>; 256] {
    let mut colours = [Rgb([0; 3]); 256];
    for (colour, entry) in colours.iter_mut().zip(palette.as_chunks().0) {
        *colour = Rgb(*entry);
    }
    colours
}
