//! The first page of a TIFF, turned as its tags say: in this format that is part of what the pixels are, and Pillow, and
//! so Keras, always does it.

use std::io::Cursor;
use std::num::NonZeroUsize;

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
    // A turn that can't be read says nothing of the pixels.
    let turn = decoder.find_tag_unsigned(Tag::Orientation).ok().flatten();

    let mut data = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut data)?;
    let samples = Samples::new(data, &layout, kind, colours.channels());
    let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
    for y in 0..height as usize {
        for x in 0..width as usize {
            let colour = colours.rgb(|channel| samples.at(x, y, channel));
            pixels.extend(colour.ok_or_else(|| refused("some of its pixels are missing"))?);
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
    fn rgb(self, sample: impl Fn(usize) -> Option<u8>) -> Option<[u8; 3]> {
        let colour = || Some([sample(0)?, sample(1)?, sample(2)?]);
        Some(match self {
            Self::Grey { white, .. } => [sample(0)? * (255 / white); 3],
            Self::Rgb { .. } => colour()?,
            Self::Premultiplied => match u32::from(sample(3)?) {
                0 => [0; 3],
                alpha => colour()?.map(|value| (255 * u32::from(value) / alpha).min(255) as u8),
            },
            Self::Cmyk => {
                let [cyan, magenta, yellow] = colour()?;
                cmyk([cyan, magenta, yellow, sample(3)?])
            }
        })
    }
}

/// The values of a page's channels.
struct Samples {
    data: DecodingResult,
    bits: usize,
    /// From one row to the next, in values of the data.
    row: usize,
    /// From one channel to the next, if each has a plane of its own; otherwise those of a pixel stand together.
    plane: Option<usize>,
    channels: usize,
}

impl Samples {
    fn new(data: DecodingResult, layout: &BufferLayoutPreference, kind: ColorType, channels: usize) -> Self {
        let bytes = if matches!(data, DecodingResult::U16(_)) { 2 } else { 1 };
        let values = |stride: Option<NonZeroUsize>| stride.map_or(0, |stride| stride.get() / bytes);
        Self {
            data,
            bits: usize::from(kind.bit_depth().min(8)),
            row: values(layout.row_stride),
            plane: (layout.planes > 1).then(|| values(layout.plane_stride)),
            channels,
        }
    }

    /// The value of a pixel's channel, of 16 bits the upper eight; none if the data end before.
    fn at(&self, x: usize, y: usize, channel: usize) -> Option<u8> {
        let (start, sample) = match self.plane {
            Some(plane) => (channel * plane + y * self.row, x),
            None => (y * self.row, x * self.channels + channel),
        };
        let bit = sample * self.bits;
        let place = start + bit / 8;
        let byte = match &self.data {
            DecodingResult::U8(values) => *values.get(place)?,
            DecodingResult::U16(values) => values.get(place)?.to_be_bytes()[0],
            _ => return None,
        };
        Some((byte >> (8 - self.bits - bit % 8)) & (255 >> (8 - self.bits)))
    }
}
