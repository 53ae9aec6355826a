//! The markers of a JPEG file, read before its pixels are: how large it is, whether it can be decoded right, whether its
//! end is there.

use jpeg_decoder::ColorTransform;

/// Everything outside of the compressed data that matters here.
#[derive(Debug, Default)]
pub(super) struct Header<'b> {
    /// Width and height, once the file has said them.
    pub size: Option<(u32, u32)>,
    /// Whether the image gets sharper from scan to scan; otherwise each scan is final.
    pub is_progressive: bool,
    components: Vec<Component>,
    /// How often the file goes over the image.
    pub scans: usize,
    /// Whether a scan has fewer components than the image.
    has_partial_scans: bool,
    is_jfif: bool,
    /// Adobe's note on colours.
    adobe: Option<u8>,
    /// What the camera noted.
    pub exif: Option<&'b [u8]>,
    /// Whether the marker is there that ends the image.
    pub is_ended: bool,
}

/// A channel: its name, and how many samples of it a unit of the image has.
#[derive(Debug, Clone, Copy)]
struct Component {
    name: u8,
    horizontal: u8,
    vertical: u8,
}

impl<'b> Header<'b> {
    /// Reads up to the end of the image or of the file, whatever comes first.
    pub fn read(bytes: &'b [u8]) -> Self {
        let mut header = Self::default();
        for Segment { kind, content } in (Segments { rest: bytes }) {
            match kind {
                0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => header.frame(kind, content),
                0xda => {
                    header.scans += 1;
                    let components = content.first().map_or(0, |count| usize::from(*count));
                    header.has_partial_scans |= components < header.components.len();
                }
                0xe0 => header.is_jfif |= content.starts_with(b"JFIF\0"),
                0xe1 => header.exif = header.exif.or(content.strip_prefix(b"Exif\0\0")),
                0xee if content.starts_with(b"Adobe") => header.adobe = content.get(11).copied(),
                END => header.is_ended = true,
                _ => {}
            }
        }
        header
    }

    fn frame(&mut self, kind: u8, content: &[u8]) {
        let &[_, h, eight, w, idth, _, ref components @ ..] = content else {
            return;
        };
        if self.size.is_none() {
            self.size = Some((
                u32::from(u16::from_be_bytes([w, idth])),
                u32::from(u16::from_be_bytes([h, eight])),
            ));
            self.is_progressive = kind == 0xc2;
            let components = components.chunks_exact(3).map(|component| Component {
                name: component[0],
                horizontal: component[1] >> 4,
                vertical: component[1] & 15,
            });
            self.components = components.collect();
        }
    }

    /// Whether a scan holds a channel alone that has neither all of the image's samples in a direction nor the fewest: its
    /// size is one that the decoder gets wrong.
    pub fn is_unevenly_sampled(&self) -> bool {
        let uneven = |samples: &dyn Fn(&Component) -> u8| {
            let most = self.components.iter().map(samples).max();
            let mut all = self.components.iter().map(samples);
            all.any(|samples| samples > 1 && Some(samples) != most)
        };
        self.has_partial_scans && (uneven(&|component| component.horizontal) || uneven(&|component| component.vertical))
    }

    /// The colours of the channels, by the rules of libjpeg, which Pillow and so Keras decode with.
    pub fn colours(&self) -> Option<ColorTransform> {
        let names: Vec<u8> = self.components.iter().map(|component| component.name).collect();
        match (names.as_slice(), self.adobe) {
            ([_, _, _], _) if self.is_jfif => Some(ColorTransform::YCbCr),
            ([_, _, _], Some(0)) => Some(ColorTransform::RGB),
            ([b'R', b'G', b'B'], None) => Some(ColorTransform::RGB),
            ([_, _, _], _) => Some(ColorTransform::YCbCr),
            ([_, _, _, _], None | Some(0)) => Some(ColorTransform::CMYK),
            ([_, _, _, _], _) => Some(ColorTransform::YCCK),
            _ => None,
        }
    }
}

/// The marker that ends an image.
const END: u8 = 0xd9;

/// A marker with what belongs to it, its length excepted.
struct Segment<'b> {
    kind: u8,
    content: &'b [u8],
}

/// The segments of a file that follow one another, up to the end of its image.
struct Segments<'b> {
    rest: &'b [u8],
}

impl<'b> Iterator for Segments<'b> {
    type Item = Segment<'b>;

    fn next(&mut self) -> Option<Segment<'b>> {
        const START: u8 = 0xd8;
        loop {
            // Between segments there may be anything but markers: a scan's data, in which a zero follows each 0xff.
            let marker = self.rest.iter().position(|byte| *byte == 0xff)?;
            let rest = &self.rest[marker..];
            let kind = rest.iter().position(|byte| *byte != 0xff)?;
            let (kind, behind) = (rest[kind], &rest[kind + 1..]);
            match (kind, behind) {
                (END, _) => {
                    self.rest = &[];
                    return Some(Segment { kind, content: &[] });
                }
                (0x00 | 0x01 | 0xd0..=0xd7 | START, _) => self.rest = behind,
                (_, &[high, low, ..]) => {
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    let content = behind.get(2..length)?;
                    self.rest = &behind[length..];
                    return Some(Segment { kind, content });
                }
                _ => return None,
            }
        }
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
    fn an_end_inside_of_a_segment_is_none() {
        assert!(Header::read(&WHOLE).is_ended);
        assert!(Header::read(&[&WHOLE[..], &[0xff, 1, 2, 3]].concat()).is_ended);
        for length in 0..WHOLE.len() {
            assert!(!Header::read(&WHOLE[..length]).is_ended, "cut to {length} bytes");
        }
    }

    #[test]
    fn colours_are_told_by_adobes_segment_and_by_no_other_of_its_kind() {
        let segment = |name: &[u8]| [&[0xff, 0xd8, 0xff, 0xee, 0, 14], name, &[0, 100, 0, 0, 0, 0, 1]].concat();
        assert_eq!(Header::read(&segment(b"Adobe")).adobe, Some(1));
        assert_eq!(Header::read(&segment(b"other")).adobe, None);
    }

    #[test]
    fn lengths_that_leave_the_file_or_stand_still_end_the_search() {
        assert!(!Header::read(&[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0xff]).is_ended);
        assert!(!Header::read(&[0xff, 0xe0, 0, 0].repeat(1000)).is_ended);
    }

    #[test]
    fn colours_are_told_by_jfif_then_by_adobe_then_by_the_channels_names() {
        let header = |names: &[u8], is_jfif, adobe| Header {
            components: names
                .iter()
                .map(|&name| Component {
                    name,
                    horizontal: 1,
                    vertical: 1,
                })
                .collect(),
            is_jfif,
            adobe,
            ..Header::default()
        };
        for (names, is_jfif, adobe, colours) in [
            (&[1, 2, 3][..], false, None, Some(ColorTransform::YCbCr)),
            (&[1, 2, 3], false, Some(0), Some(ColorTransform::RGB)),
            (&[1, 2, 3], true, Some(0), Some(ColorTransform::YCbCr)),
            (b"RGB", false, None, Some(ColorTransform::RGB)),
            (b"RGB", false, Some(1), Some(ColorTransform::YCbCr)),
            (&[1, 34, 35], false, None, Some(ColorTransform::YCbCr)),
            (&[1, 2, 3, 4], false, None, Some(ColorTransform::CMYK)),
            (&[1, 2, 3, 4], false, Some(0), Some(ColorTransform::CMYK)),
            (&[1, 2, 3, 4], false, Some(2), Some(ColorTransform::YCCK)),
            (&[1], true, None, None),
        ] {
            assert_eq!(header(names, is_jfif, adobe).colours(), colours, "{names:?} {adobe:?}");
        }
    }
}
