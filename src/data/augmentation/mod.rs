//! Random changes of training images, as Keras' `ImageDataGenerator` makes them (the reference is
//! `keras.src.legacy.preprocessing.image` of Keras 3.15).
//!
//! Drawing and applying are apart: [`AugmentationParameters::draw`] is keyed by (seed, epoch, image), and
//! [`AugmentationParameters::apply`] is checked against Keras for given parameters.

mod affine;
mod colour;
mod parameters;

pub use parameters::AugmentationParameters;

use serde::{Deserialize, Serialize};

/// The ranges from which an image's random changes are drawn; the default is no change. Field names and meanings are
/// those of Keras' `ImageDataGenerator`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Rotation by −`rotation_degrees` to +`rotation_degrees`.
    pub rotation_degrees: f64,
    /// Horizontal shift by at most this fraction of the width. (Keras 3.15 moves columns by its *height* shift and
    /// rows by its width shift; with equal ranges, as in the paper, there is no difference.)
    pub width_shift: f64,
    /// Vertical shift by at most this fraction of the height.
    pub height_shift: f64,
    /// Range of the factor by which sampling positions are spread, drawn separately for rows and columns: below 1
    /// enlarges the picture, above 1 shrinks it.
    pub zoom: (f64, f64),
    /// A value of −`channel_shift` to +`channel_shift` (of 255) is added to all channels.
    pub channel_shift: f64,
    /// Mirror left and right with probability ½.
    pub horizontal_flip: bool,
    /// Mirror top and bottom with probability ½.
    pub vertical_flip: bool,
    /// Range of the brightness factor; `None` leaves the brightness, and fractional pixel values, alone.
    pub brightness: Option<(f64, f64)>,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            rotation_degrees: 0.0,
            width_shift: 0.0,
            height_shift: 0.0,
            zoom: (1.0, 1.0),
            channel_shift: 0.0,
            horizontal_flip: false,
            vertical_flip: false,
            brightness: None,
        }
    }
}

impl Augmentation {
    /// The setting of all the paper's training runs.
    pub fn paper() -> Self {
        Self {
            rotation_degrees: 360.0,
            width_shift: 0.1,
            height_shift: 0.1,
            zoom: (0.8, 1.2),
            channel_shift: 50.0,
            horizontal_flip: true,
            vertical_flip: true,
            brightness: Some((0.0, 1.2)),
        }
    }
}
