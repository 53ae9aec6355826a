//! The experiment file's fields: their names, types and defaults. What is left out has the paper's value.

use std::path::PathBuf;

use crate::plan::{MemoryUse, Precision};
use serde::{Deserialize, Serialize};

use super::{Augmentation, HeadKind, Layout, Optimizer, Orientation, Origin, Schedule};

/// One experiment: a network that is trained once for every head and seed, on one data set, with equal settings.
///
/// Six fields have to be given; all others have the values of the paper's notebooks until a file says otherwise.
///
/// ```
/// use wise_srnet::experiment::{Experiment, HeadKind};
///
/// let text = r#"Experiment(
///     name: "pets",
///     network: "mini_resnet",
///     image_size: 64,
///     heads: [gap, wise_srnet],
///     epochs: 20,
///     data: (layout: Folders(train: "train", test: "test"), path: "data/pets"),
/// )"#;
/// let experiment = Experiment::parse(text, "pets.ron")?;
/// assert_eq!(experiment.heads, [HeadKind::Gap, HeadKind::WiseSrnet]);
/// assert_eq!(experiment.optimizer.learning_rate, 0.045);
///
/// let error = Experiment::parse(&text.replace("epochs", "epoch"), "pets.ron").unwrap_err();
/// assert!(error.to_string().contains("did you mean `epochs`?"));
/// # Ok::<(), wise_srnet::experiment::ExperimentError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Name of the experiment and of its results folder.
    pub name: String,
    /// Name of a registered network, such as `densenet169`.
    pub network: String,
    /// Width and height to which images are resized, in pixels; the network must be registered for it.
    pub image_size: usize,
    /// The heads to compare, each trained from the same initial backbone weights on the same images.
    pub heads: Vec<HeadKind>,
    /// Random seeds; every head is trained once for each. `[0]` if left out.
    #[serde(default = "default_seeds")]
    pub seeds: Vec<u64>,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per optimizer step; the last step of an epoch may have fewer. 70 if left out.
    #[serde(default = "default_batch_size")]
    pub batch_size: usize,
    /// The data set.
    pub data: DataSection,
    /// Random changes of the training images. The paper's if left out; in a section that is given, what is not named
    /// is off.
    #[serde(default = "Augmentation::paper")]
    pub augmentation: Augmentation,
    /// Stochastic gradient descent.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// How the learning rate falls.
    #[serde(default)]
    pub schedule: Schedule,
    /// File with weights of the network without its head; `None` starts from random weights.
    #[serde(default)]
    pub weights: Option<PathBuf>,
    /// The images by which the best epoch is chosen.
    #[serde(default)]
    pub validation: Validation,
    /// Which epochs' weights are kept.
    #[serde(default)]
    pub checkpoints: Checkpoints,
    /// Steps after which the state of a run is saved, beside the end of every epoch: what a crash can cost. 100 if left
    /// out.
    #[serde(default = "default_save_every_steps")]
    pub save_every_steps: usize,
    /// What becomes of images that cannot be used.
    #[serde(default)]
    pub on_bad_image: OnBadImage,
    /// What becomes of feature maps between the passes of a step.
    #[serde(default)]
    pub memory: MemoryUse,
    /// How maps are stored, and what products are made of.
    #[serde(default)]
    pub precision: Precision,
    /// Where the values came from, so that messages can point there.
    #[serde(skip)]
    pub(super) origin: Origin,
}

fn default_seeds() -> Vec<u64> {
    vec![0]
}

fn default_batch_size() -> usize {
    70
}

fn default_save_every_steps() -> usize {
    100
}

/// The data set of an experiment, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// How the data set's files are arranged.
    pub layout: Layout,
    /// Folder or zip file that holds the layout, relative to the current directory. `--data` takes its place; a
    /// generated data set has none.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Whether photographs are turned as their cameras noted in EXIF.
    #[serde(default)]
    pub orientation: Orientation,
    /// Number of training images to use, balanced over the classes; all if left out.
    #[serde(default)]
    pub limit_train: Option<usize>,
    /// Number of test images to use, balanced over the classes; all if left out.
    #[serde(default)]
    pub limit_test: Option<usize>,
}

/// The images by which the best epoch is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Validation {
    /// The validation images of the layout; where it names none, the test split, as the paper's notebooks do: the best
    /// epoch's accuracy is then an optimistic one.
    #[default]
    TestSplit,
    /// This fraction of the training images, in (0, 1), held out class by class and not trained on.
    Fraction(f64),
}

/// Which epochs' weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Checkpoints {
    /// The last epoch's and the best epoch's.
    #[default]
    LastAndBest,
    /// Those, and every n-th epoch's; the notebooks keep every epoch's (`EveryEpochs(1)`).
    EveryEpochs(usize),
}

/// What becomes of images that cannot be used: damaged files, files that are no images, images beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum OnBadImage {
    /// The first that training comes to ends it.
    #[default]
    Error,
    /// All images are decoded once before training, and up to this many are left out. More end it before it begins.
    Skip(usize),
}
