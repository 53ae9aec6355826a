//! A data set: its classes and its two splits, opened by the layout that an experiment file names.

use std::fmt;
use std::path::Path;

use ron::Options;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use super::class_folders::{self, SplitFolders};
use super::decode::Orientation;
use super::list_file::Format;
use super::listed::{self, Lists};
use super::one_folder::{self, ClassFolder};
use super::{DataError, GeneratedSpec, LeftOut, Split, generated};

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
        /// The folder of the images by which the best epoch is chosen, below the data set's root; if left out, the
        /// experiment says what chooses it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validation: Option<String>,
        /// The folder of the test images, below the data set's root.
        test: String,
    },
    /// `<class>/<image>`: one folder of photographs, a share of which is held out for the test. A folder or zip file that
    /// holds nothing but one folder is entered. Folders that are named like splits are refused.
    OneFolder {
        /// The folder of the classes, below the data set's root; if left out, the root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
        /// The folders that are classes, whatever their names; others are left alone. All folders if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<String>>,
        /// The share of the images that is held out, in (0, 1), class by class by largest remainders.
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
            Self::Folders {
                train,
                validation,
                test,
            } => {
                let validation = validation.as_ref().map(|folder| format!("'{folder}', ")).unwrap_or_default();
                format!(
                    "Give the folder (or .zip) that holds '{train}', {validation}and '{test}', each with one folder of \
                     images per class, with --data PATH"
                )
            }
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

/// As an experiment file says it.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
        let compact = PrettyConfig::default().compact_structs(true).compact_arrays(true);
        let text = Options::default()
            .with_default_extension(extensions)
            .to_string_pretty(self, compact);
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The names of the training split's classes in byte order; a class's place is its index.
    pub classes: Vec<String>,
    /// The training images, class by class, in the byte order of their paths.
    pub train: Split,
    /// The images by which the best epoch is chosen, in the same order, if the layout names some.
    pub validation: Option<Split>,
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

impl Dataset {
    /// The same data set, its images turned as their files say or as they are stored.
    #[must_use]
    pub fn oriented(self, orientation: Orientation) -> Self {
        let Self {
            classes,
            train,
            validation,
            test,
            left_out,
            empty_folders,
            note,
        } = self;
        Self {
            train: train.oriented(orientation),
            validation: validation.map(|split| split.oriented(orientation)),
            test: test.oriented(orientation),
            classes,
            left_out,
            empty_folders,
            note,
        }
    }
}

/// Opens the data set of this layout at `path`. Lists files, reads those that list images, and decodes nothing.
///
/// # Errors
/// A missing or unreadable path, splits that are not there, a list with a line that cannot be used or a file that is
/// missing, a test class without training images, folders that are no classes, an unsafe or damaged zip file, numbers of a generated set that cannot
/// be used; each says what to do.
pub fn open(layout: &Layout, path: Option<&Path>) -> Result<Dataset, DataError> {
    let advice = &layout.advice();
    let path = || path.ok_or_else(|| DataError::NoPath { advice: advice.clone() });
    let folders = |train, validation, test| {
        class_folders::open(
            path()?,
            SplitFolders {
                train,
                validation,
                test,
                advice,
            },
        )
    };
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
        Layout::Intel => folders("seg_train", None, "seg_test"),
        Layout::Folders {
            train,
            validation,
            test,
        } => folders(train, validation.as_deref(), test),
        Layout::OneFolder {
            folder,
            classes,
            test_fraction,
            seed,
        } => {
            let folder = ClassFolder {
                name: folder.as_deref(),
                classes: classes.as_deref(),
                advice,
            };
            one_folder::open(path()?, folder, *test_fraction, *seed)
        }
        Layout::MitIndoor => lists(Format::Lines, "TrainImages.txt", "TestImages.txt", Some("Images")),
        Layout::SubImageNet => lists(Format::Csv, "train.csv", "test.csv", None),
        Layout::Lists { train, test, images } => lists(Format::Lines, train, test, images.as_deref()),
        Layout::Csv { train, test, images } => lists(Format::Csv, train, test, images.as_deref()),
        Layout::Generated(spec) => generated::dataset(spec),
    }
}
