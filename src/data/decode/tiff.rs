//! The first page of a TIFF, turned as its tags say: in this format that is part of what the pixels are, and Pillow, and
//! so Keras, always does it.

use std::io::Cursor;

use image::error::{DecodingError, ImageFormatHint};
use image::{ImageError, ImageFormat, RgbImage};
use tiff::decoder::{BufferLayoutPreference, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::orientation::Turn;
use super::{MAX_PIXELS, MAX_UNPACKED_EXTRAS, Refusal, check_size, cmyk};

impl From<TiffError> for Refusal {
    fn from(error: TiffError) -> Self {
        match error {
            TiffError::UnsupportedError(kind) => refused(format!("{kind}. Save it as PNG")),
            error => refused(error),
        }
    }
}

fn refused(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Refusal {
    let format = ImageFormatHint::Exact(ImageFormat::Tiff);
    Refusal::Image(ImageError::Decoding(DecodingError::new(format, reason)))
}

pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage, Refusal> {
    /// Four channels of two bytes.
    const PIXEL_BYTES: usize = 8;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = PIXEL_BYTES * MAX_PIXELS as usize;
    limits.intermediate_buffer_size = PIXEL_BYTES * MAX_PIXELS as usize;
    limits.ifd_value_size = MAX_UNPACKED_EXTRAS as usize;
    let mut decoder = Decoder::new(Cursor::new(bytes))?.with_limits(limits);
    let (width, height) = decoder.dimensions()?;
    check_size(width, height)?;
    let kind = decoder.colortype()?;
    let colours = Colours::of(kind, is_premultiplied(&mut decoder)?)?;
    let turn = decoder.find_tag_unsigned(Tag::Orientation)?;

    let mut data = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut data)?;
    let samples = Samples::new(data, &layout, kind.bit_depth().min(8), colours.channels())?;
    let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
    for y in 0..height as usize {
        for x in 0..width as usize {
            pixels.extend(colours.rgb(|channel| samples.at(x, y, channel)));
        }
    }
    let image = RgbImage::from_raw(width, height, pixels).ok_or_else(|| refused("too few pixels"))?;
    Ok(turn.and_then(Turn::numbered).unwrap_or_default().of(image))
}

/// Whether the colours were multiplied with the alpha.
fn is_premultiplied(decoder: &mut Decoder<Cursor<&[u8]>>) -> Result<bool, Refusal> {
    const ASSOCIATED: u16 = 1;
    let extra: Option<Vec<u16>> = decoder.find_tag_unsigned_vec(Tag::ExtraSamples)?;
    Ok(extra.is_some_and(|extra| extra.first() == Some(&ASSOCIATED)))
}

/// How the channels make a colour. Alpha is dropped, as it is everywhere.
#[derive(Debug, Clone, Copy)]
enum Colours {
    /// The channels, and the largest value of a sample.
    Grey {
        channels: usize,
        white: u8,
    },
    Rgb {
        channels: usize,
    },
    /// Colours that were multiplied with the alpha.
    Premultiplied,
    Cmyk,
}

impl Colours {
    fn of(kind: ColorType, is_premultiplied: bool) -> Result<Self, Refusal> {
        match kind {
            ColorType::Gray(bits @ (1 | 2 | 4 | 8)) => Ok(Self::Grey {
                channels: 1,
                white: 255 >> (8 - bits),
            }),
            ColorType::Gray(16) => Ok(Self::Grey {
                channels: 1,
                white: 255,
            }),
            ColorType::Multiband {
                bit_depth: 8 | 16,
                num_samples: 2,
            } => Ok(Self::Grey {
                channels: 2,
                white: 255,
            }),
            ColorType::RGB(8 | 16) => Ok(Self::Rgb { channels: 3 }),
            ColorType::RGBA(8) if is_premultiplied => Ok(Self::Premultiplied),
            ColorType::RGBA(8 | 16) => Ok(Self::Rgb { channels: 4 }),
            ColorType::CMYK(8 | 16) => Ok(Self::Cmyk),
            kind => Err(refused(format!(
                "pixels of the kind {kind:?} aren't read. Save it as PNG"
            ))),
        }
    }

    fn channels(self) -> usize {
        match self {
            Self::Grey { channels, .. } | Self::Rgb { channels } => channels,
            Self::Premultiplied | Self::Cmyk => 4,
        }
    }

    /// The colour of a pixel with these samples.
    fn rgb(self, sample: impl Fn(usize) -> u8) -> [u8; 3] {
        match self {
            Self::Grey { white, .. } => [sample(0) * (255 / white); 3],
            Self::Rgb { .. } => [0, 1, 2].map(sample),
            Self::Premultiplied => match sample(3) {
                0 => [0; 3],
                alpha => [0, 1, 2].map(|channel| {
                    let colour = 255 * u32::from(sample(channel)) / u32::from(alpha);
                    colour.min(255) as u8
                }),
            },
            Self::Cmyk => cmyk([0, 1, 2, 3].map(sample)),
        }
    }
}

/// The values of a page's channels; of 16 bits the upper eight.
struct Samples {
    bytes: Vec<u8>,
    bits: usize,
    /// From one row to the next.
    row: usize,
    /// From one channel to the next, if each has a plane of its own; otherwise those of a pixel stand together.
    plane: Option<usize>,
    channels: usize,
}

impl Samples {
    fn new(data: DecodingResult, layout: &BufferLayoutPreference, bits: u8, channels: usize) -> Result<Self, Refusal> {
        let (bytes, bytes_a_sample) = match data {
            DecodingResult::U8(values) => (values, 1),
            DecodingResult::U16(values) => (values.iter().map(|value| value.to_be_bytes()[0]).collect(), 2),
            _ => {
                return Err(refused(
                    "its samples are no whole numbers of 1 to 16 bits. Save it as PNG",
                ));
            }
        };
        let stride = |stride: Option<std::num::NonZeroUsize>| stride.map_or(0, |bytes| bytes.get() / bytes_a_sample);
        if bytes.len() * bytes_a_sample < layout.complete_len {
            return Err(refused("some of its channels are missing"));
        }
        Ok(Self {
            bytes,
            bits: usize::from(bits),
            row: stride(layout.row_stride),
            plane: (layout.planes > 1).then(|| stride(layout.plane_stride)),
            channels,
        })
    }

    fn at(&self, x: usize, y: usize, channel: usize) -> u8 {
        let (start, sample) = match self.plane {
            Some(plane) => (channel * plane + y * self.row, x),
            None => (y * self.row, x * self.channels + channel),
        };
        let bit = sample * self.bits;
        let byte = self.bytes[start + bit / 8];
        (byte >> (8 - self.bits - bit % 8)) & (255 >> (8 - self.bits))
    }
}
