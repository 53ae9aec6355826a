//! A data set: its classes and its two splits, opened by the layout that an experiment file names.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::class_folders::{self, SplitFolders};
use super::list_file::Format;
use super::listed::{self, Lists};
use super::{DataError, GeneratedSpec, LeftOut, Split, generated, one_folder};

/// How a data set lies on disk, as written in an experiment file. Every layout on disk may be a folder or a `.zip`
/// file that is read in place; a folder of lists may also hold its images in zip files, each read as if it were a folder
/// of that name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Layout {
    /// Kaggle's "Intel Image Classification": `seg_train/seg_train/<class>/<image>` and
    /// `seg_test/seg_test/<class>/<image>`, or each without the doubled folder.
    Intel,
    /// The MIT Indoor Scenes (67 classes): [`Lists`](Self::Lists) named `TrainImages.txt` and `TestImages.txt`, and the
    /// images in `indoorCVPR_09/Images` or another folder `Images`.
    MitIndoor,
    /// The paper's Sub-ImageNet (70 classes of ImageNet): a [`Csv`](Self::Csv) of `train.csv` and `test.csv`.
    SubImageNet,
    /// `<train>/<class>/<image>` and `<test>/<class>/<image>`; a folder that repeats its own name is entered, as above.
    Folders {
        /// The folder of the training images, below the data set's root.
        train: String,
        /// The folder of the test images, below the data set's root.
        test: String,
    },
    /// `<class>/<image>`: one folder of photographs, a share of which is held out for the test. A folder or zip file that
    /// holds nothing but one folder is entered.
    OneFolder {
        /// The share of every class that is held out, rounded to whole images, in (0, 1).
        test_fraction: f64,
        /// Chooses the images that are held out. 0 if left out.
        #[serde(default)]
        seed: u64,
    },
    /// Two text files, side by side, with a line `<class>/<image>` for every image.
    Lists {
        /// The list of the training images.
        train: String,
        /// The list of the test images.
        test: String,
        /// The folder where the listed paths begin; if left out, the one of the lists.
        #[serde(default)]
        images: Option<String>,
    },
    /// Two CSV files, side by side, whose columns `filename` and `class` name every image and its class; other columns
    /// are not read.
    Csv {
        /// The CSV file of the training images.
        train: String,
        /// The CSV file of the test images.
        test: String,
        /// The folder where the file names begin; if left out, the one of the CSV files.
        #[serde(default)]
        images: Option<String>,
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
            Self::MitIndoor => "Get \"Indoor Scenes CVPR 2019\" by itsahmad from Kaggle \
                (https://www.kaggle.com/datasets/itsahmad/indoor-scenes-cvpr-2019) and unpack it into the folder \
                data/mit_indoor, so that data/mit_indoor/TrainImages.txt, data/mit_indoor/TestImages.txt and \
                data/mit_indoor/indoorCVPR_09/Images exist; or give the folder that holds them, or the downloaded .zip \
                as it is, with --data PATH"
                .to_owned(),
            Self::SubImageNet => "Get \"ImageNet 70 classes\" by mohammadrahimzadeh from Kaggle \
                (https://www.kaggle.com/datasets/mohammadrahimzadeh/imagenet-70classes) and unpack it into the folder \
                data/subimagenet, so that data/subimagenet/train.csv and data/subimagenet/test.csv exist beside the \
                images' folders; or give the folder that holds them, or the downloaded .zip as it is, with --data PATH"
                .to_owned(),
            Self::Folders { train, test } => format!(
                "Give the folder (or .zip) that holds '{train}' and '{test}', each with one folder of images per \
                 class, with --data PATH"
            ),
            Self::OneFolder { .. } => {
                "Give the folder (or .zip) that holds one folder of images per class with --data PATH; for folders that hold \
                 the classes of training and test apart, the layout is Folders(train: \"train\", test: \"test\")"
                    .to_owned()
            }
            Self::Lists { train, test, .. } => format!(
                "Give the folder (or .zip) that holds the lists '{train}' and '{test}', with a line <class>/<image> for \
                 every image, and the images, with --data PATH"
            ),
            Self::Csv { train, test, .. } => format!(
                "Give the folder (or .zip) that holds '{train}' and '{test}', with the columns filename and class, and \
                 the images, with --data PATH"
            ),
            Self::Generated(_) => "Nothing has to be downloaded for a generated data set".to_owned(),
        }
    }
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The names of the training split's classes in byte order; a class's place is its index.
    pub classes: Vec<String>,
    /// The training images, class by class, in the byte order of their paths.
    pub train: Split,
    /// The test images, in the same order.
    pub test: Split,
    /// The files inside the splits' folders that are no image of a class. Lists name what they want, and leave nothing
    /// out.
    pub left_out: LeftOut,
    /// Folders that stand where a class's would and hold no image. They are no classes.
    pub empty_folders: Vec<String>,
    /// What a reader of results must know about the data set, to be shown wherever its results appear.
    pub note: Option<String>,
}

/// Opens the data set of this layout at `path`. Lists files, reads those that list images, and decodes nothing.
///
/// # Errors
/// A missing or unreadable path, splits that are not there, a list with a line that cannot be used or a file that is
/// missing, a test class without training images, an unsafe or damaged zip file, numbers of a generated set that cannot
/// be used; each says what to do.
pub fn open(layout: &Layout, path: Option<&Path>) -> Result<Dataset, DataError> {
    let advice = &layout.advice();
    let path = || path.ok_or_else(|| DataError::NoPath { advice: advice.clone() });
    let folders = |train, test| class_folders::open(path()?, SplitFolders { train, test, advice });
    let lists = |format, train, test, images| {
        listed::open(
            path()?,
            Lists {
                format,
                train,
                test,
                images,
                advice,
            },
        )
    };
    match layout {
        Layout::Intel => folders("seg_train", "seg_test"),
        Layout::Folders { train, test } => folders(train, test),
        Layout::OneFolder { test_fraction, seed } => one_folder::open(path()?, *test_fraction, *seed, advice),
        Layout::MitIndoor => lists(Format::Lines, "TrainImages.txt", "TestImages.txt", Some("Images")),
        Layout::SubImageNet => lists(Format::Csv, "train.csv", "test.csv", None),
        Layout::Lists { train, test, images } => lists(Format::Lines, train, test, images.as_deref()),
        Layout::Csv { train, test, images } => lists(Format::Csv, train, test, images.as_deref()),
        Layout::Generated(spec) => generated::dataset(spec),
    }
}
