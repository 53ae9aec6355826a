//! The data set's layout and the augmentation, as the experiment file names them.

use serde::{Deserialize, Serialize};

/// How the images of a data set are arranged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Layout {
    /// Kaggle's Intel layout: `seg_train/seg_train/<class>/` and `seg_test/seg_test/<class>/`.
    Intel,
    /// One folder per split, each with one folder per class.
    Folders {
        /// Folder of the training split, relative to the data set's path.
        train: String,
        /// Folder of the test split, relative to the data set's path.
        test: String,
    },
    /// Images that the program draws itself.
    Generated(GeneratedSpec),
}

/// Size and seed of a generated data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedSpec {
    /// Training images of each class.
    pub train_per_class: usize,
    /// Test images of each class.
    pub test_per_class: usize,
    /// Width and height of the images, in pixels.
    pub image_size: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// Random changes of the training images; the default changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Largest rotation to either side, in degrees.
    pub rotation_degrees: f64,
    /// Largest horizontal shift, as a fraction of the width.
    pub width_shift: f64,
    /// Largest vertical shift, as a fraction of the height.
    pub height_shift: f64,
    /// Smallest and largest zoom factor, drawn for each axis.
    pub zoom: (f64, f64),
    /// Largest shift of a colour channel, in units of 0–255.
    pub channel_shift: f64,
    /// Whether half of the images are mirrored left to right.
    pub horizontal_flip: bool,
    /// Whether half of the images are mirrored top to bottom.
    pub vertical_flip: bool,
    /// Smallest and largest brightness factor.
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
    /// The augmentation of the paper's notebooks.
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
