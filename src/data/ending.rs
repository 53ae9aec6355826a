//! Whether an image's file has its end. The decoders of JPEG and lossy WebP fill what is missing and say nothing of it;
//! Pillow, and so Keras, refuses such files.

use image::ImageFormat;

/// Whether the file goes on to where its own bytes say that it ends; what stands behind doesn't matter. Formats whose
/// decoders notice a missing end aren't looked at.
pub(super) fn is_there(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::WebP => webp(bytes),
        _ => true,
    }
}

/// The file begins with its length, not counting `RIFF` and the length itself.
fn webp(bytes: &[u8]) -> bool {
    match *bytes {
        [_, _, _, _, a, b, c, d, ref rest @ ..] => rest.len() as u64 >= u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => false,
    }
}

/// The file's segments follow one another up to the marker that ends the image.
fn jpeg(bytes: &[u8]) -> bool {
    const IMAGE: u8 = 0xd8;
    const END: u8 = 0xd9;
    let mut rest = bytes;
    loop {
        // Between segments there may be anything but markers: a scan's data, in which a zero follows each 0xff.
        let Some(marker) = rest.iter().position(|byte| *byte == 0xff) else {
            return false;
        };
        rest = &rest[marker..];
        let Some(kind) = rest.iter().position(|byte| *byte != 0xff) else {
            return false;
        };
        let (code, behind) = (rest[kind], &rest[kind + 1..]);
        rest = match (code, behind) {
            (END, _) => return true,
            (0x00 | 0x01 | 0xd0..=0xd7 | IMAGE, _) => behind,
            (_, &[high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                behind.get(length..).unwrap_or_default()
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [u8; 22] = [
        0xff, 0xd8, 0xff, 0xe1, 0, 4, 0xff, 0xd9, // a segment that holds the marker of the end
        0xff, 0xff, 0xda, 0, 3, 9, 0xff, 0x00, 5, 0xff, 0xd0, 6, // a scan
        0xff, 0xd9,
    ];

    #[test]
    fn only_a_file_with_its_end_jpeg() {
        assert!(jpeg(&WHOLE));
        assert!(jpeg(&[&WHOLE[..], &[0xff, 1, 2, 3]].concat()));
        for length in 0..WHOLE.len() {
            assert!(!jpeg(&WHOLE[..length]), "cut to {length} bytes");
        }
    }

    #[test]
    fn lengths_that_leave_the_file_or_stand_still_end_the_search() {
        assert!(!jpeg(&[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0xff]));
        assert!(!jpeg(&[0xff, 0xe0, 0, 0].repeat(1000)));
    }
}
