//! How a photograph was held: cameras store the pixels as the sensor lay, and note in EXIF what a viewer is to turn.

use image::{DynamicImage, RgbImage, metadata};
use serde::{Deserialize, Serialize};

/// Whether images are turned as their files say, as written in an experiment file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Orientation {
    /// They are turned, as every viewer shows them.
    Exif,
    /// They stay as they are stored, as Keras reads them, and so as in the paper.
    #[default]
    Ignore,
}

/// A decoded image that still has to be turned, or not.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// As the file has it.
    pub(super) stored: RgbImage,
    /// What the file says of it.
    pub(super) turn: Turn,
}

impl Decoded {
    /// An image of which no file says anything.
    pub(in super::super) fn upright(image: RgbImage) -> Self {
        Self {
            stored: image,
            turn: Turn::default(),
        }
    }

    /// Whether the file asks for a turn or a flip.
    pub fn asks_for_turn(&self) -> bool {
        self.turn.0 != metadata::Orientation::NoTransforms
    }

    /// The pixels, turned or not.
    pub fn oriented(self, orientation: Orientation) -> RgbImage {
        match orientation {
            Orientation::Ignore => self.stored,
            Orientation::Exif => self.turn.of(self.stored),
        }
    }
}

/// A turn, a flip, or neither.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn(metadata::Orientation);

impl Default for Turn {
    fn default() -> Self {
        Self(metadata::Orientation::NoTransforms)
    }
}

impl Turn {
    /// The one of this number in EXIF and TIFF, 1 to 8.
    pub fn numbered(number: u8) -> Option<Self> {
        metadata::Orientation::from_exif(number).map(Self)
    }

    pub fn of(self, image: RgbImage) -> RgbImage {
        let mut image = DynamicImage::ImageRgb8(image);
        image.apply_orientation(self.0);
        image.into_rgb8()
    }
}

/// The turn that EXIF data ask for; none if they don't say one that there is.
pub(super) fn turn(exif: &[u8]) -> Turn {
    // WebP's chunk begins as JPEG's segment does, or doesn't.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    metadata::Orientation::from_exif_chunk(exif)
        .map(Turn)
        .unwrap_or_default()
}
