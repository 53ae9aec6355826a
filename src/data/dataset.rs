//! A data set: its classes and its two splits, opened by the layout that an experiment file names.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::tree::{self, SplitNames};
use super::{DataError, GeneratedSpec, Split, generated};

/// How a data set lies on disk, as written in an experiment file. Every layout on disk may be a folder or a `.zip`
/// file that is read in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Layout {
    /// Kaggle's "Intel Image Classification": `seg_train/seg_train/<class>/<image>` and
    /// `seg_test/seg_test/<class>/<image>`, or each without the doubled folder.
    Intel,
    /// `<train>/<class>/<image>` and `<test>/<class>/<image>`; a folder that repeats its own name is entered, as above.
    Folders {
        /// The folder of the training images, below the data set's root.
        train: String,
        /// The folder of the test images, below the data set's root.
        test: String,
    },
    /// Images that the program draws itself; no path is needed.
    Generated(GeneratedSpec),
}

impl Layout {
    /// Where to get a data set of this layout and where to put it, in a sentence for messages.
    pub fn advice(&self) -> String {
        match self {
            Self::Intel => "Get \"Intel Image Classification\" by puneet6060 from Kaggle \
                (https://www.kaggle.com/datasets/puneet6060/intel-image-classification) and unpack it into the folder \
                data/intel, so that data/intel/seg_train and data/intel/seg_test exist; or give the folder that holds \
                them, or the downloaded .zip as it is, with --data PATH"
                .to_owned(),
            Self::Folders { train, test } => format!(
                "Give the folder (or .zip) that holds '{train}' and '{test}', each with one folder of images per \
                 class, with --data PATH"
            ),
            Self::Generated(_) => "Nothing has to be downloaded for a generated data set".to_owned(),
        }
    }
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The names of the classes; a class's place is its index. On disk: the training split's folders in byte order.
    pub classes: Vec<String>,
    /// The training images, class by class, in the byte order of their paths.
    pub train: Split,
    /// The test images, in the same order.
    pub test: Split,
    /// How many files inside the splits' folders were left out: hidden, not an image, or in no class folder.
    pub ignored_files: usize,
    /// What a reader of results must know about the data set, to be shown wherever its results appear.
    pub note: Option<String>,
}

/// Opens the data set of this layout at `path`. Lists files and decodes nothing.
///
/// # Errors
/// A missing or unreadable path, splits that are not there, a test class without training images, an unsafe or damaged
/// zip file, numbers of a generated set that cannot be used; each says what to do.
pub fn open(layout: &Layout, path: Option<&Path>) -> Result<Dataset, DataError> {
    let (train, test) = match layout {
        Layout::Generated(spec) => return generated::dataset(spec),
        Layout::Intel => ("seg_train", "seg_test"),
        Layout::Folders { train, test } => (train.as_str(), test.as_str()),
    };
    let advice = layout.advice();
    match path {
        Some(path) => tree::open(
            path,
            SplitNames {
                train,
                test,
                advice: &advice,
            },
        ),
        None => Err(DataError::NoPath { advice }),
    }
}
