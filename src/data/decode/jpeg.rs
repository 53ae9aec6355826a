//! JPEG, within 4 of 255 of what libjpeg makes of it.

use std::io::{Read, repeat};

use image::error::{DecodingError, ImageFormatHint};
use image::{ImageError, ImageFormat, RgbImage};
use jpeg_decoder::{Decoder, PixelFormat};
use md5::{Digest, Md5};

use super::jpeg_header::Header;
use super::orientation::turn;
use super::{Decoded, MAX_PIXELS, Refusal, check_size, cmyk};

/// A file that goes over its image more often is refused: every scan costs the time of one and next to no bytes. Usual
/// are ten.
const MAX_SCANS: usize = 100;

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Refusal> {
    let header = Header::read(bytes);
    let Some((width, height)) = header.size else {
        return Err(Refusal::CutShort);
    };
    check_size(width, height)?;
    if header.scans > MAX_SCANS {
        let scans = header.scans;
        return Err(damaged(format!(
            "it goes over its image {scans} times; {MAX_SCANS} are accepted"
        )));
    }
    if header.is_unevenly_sampled() {
        return Err(damaged(
            "its channels are in scans of their own, and sampled in a way that isn't read right: save it again as an ordinary \
             JPEG"
                .to_owned(),
        ));
    }
    let stored = match &header {
        Header { is_ended: true, .. } => pixels(bytes, &header)?,
        // Later scans may be missing.
        Header {
            is_progressive: true, ..
        } => return Err(Refusal::CutShort),
        _ => pixels_without_end(bytes, &header)?,
    };
    Ok(Decoded {
        stored,
        turn: header.exif.map(turn).unwrap_or_default(),
    })
}

/// The marker that ends an image.
const END: &[u8] = &[0xff, 0xd9];

/// Bytes put behind a file that lacks its end. Nobody sees the samples beyond the image's edge: a unit of ten blocks at
/// most, of 64 numbers of up to 27 bits each. This is more than they can take.
const TAIL: u64 = 4 << 10;

fn damaged(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Refusal {
    let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
    Refusal::Image(ImageError::Decoding(DecodingError::new(format, reason)))
}

/// The pixels of a file without the marker of its end, if all of them are there: they are if they don't depend on what
/// would have followed. The decoder itself fills what is missing and says nothing of it.
fn pixels_without_end(bytes: &[u8], header: &Header<'_>) -> Result<RgbImage, Refusal> {
    // Preallocated files are padded with zeros, and any number of 0xff may stand before a marker.
    let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | 0xff));
    let data = &bytes[..end.map_or(0, |end| end + 1)];
    let followed_by = |byte| {
        let file = data.chain(repeat(byte).take(TAIL)).chain(END);
        pixels(file, header).map_err(|_| Refusal::CutShort)
    };
    // Their first bits differ, so that wherever a bit is missing the decoder takes another path.
    let zeros = digest(&followed_by(0x00)?);
    let others = followed_by(0xaa)?;
    if digest(&others) == zeros {
        Ok(others)
    } else {
        Err(Refusal::CutShort)
    }
}

fn digest(image: &RgbImage) -> [u8; 16] {
    Md5::digest(image.as_raw()).into()
}

fn pixels(file: impl Read, header: &Header<'_>) -> Result<RgbImage, Refusal> {
    let mut decoder = Decoder::new(file);
    decoder.set_max_decoding_buffer_size(4 * MAX_PIXELS as usize);
    if let Some(colours) = header.colours() {
        decoder.set_color_transform(colours);
    }
    let samples = decoder.decode().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| damaged("it has no frame"))?;
    let pixels = match info.pixel_format {
        PixelFormat::RGB24 => samples,
        PixelFormat::L8 => samples.iter().flat_map(|&value| [value; 3]).collect(),
        PixelFormat::CMYK32 => samples.as_chunks().0.iter().flat_map(|&pixel| cmyk(pixel)).collect(),
        PixelFormat::L16 => return Err(damaged("it is compressed without loss: save it as PNG")),
    };
    RgbImage::from_raw(u32::from(info.width), u32::from(info.height), pixels)
        .ok_or_else(|| damaged("the decoder has given too few pixels"))
}
