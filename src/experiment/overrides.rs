//! What the command line changes in an experiment, held to the file's own rules.

use std::path::PathBuf;

use super::{Experiment, ExperimentError, HeadKind};
use crate::plan::Precision;

/// Values that take the place of an experiment's; `None` leaves the file's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--data PATH`: folder or zip file of the data set.
    pub data: Option<PathBuf>,
    /// `--epochs N`
    pub epochs: Option<usize>,
    /// `--batch-size N`
    pub batch_size: Option<usize>,
    /// `--limit-train N`: use this many training images.
    pub limit_train: Option<usize>,
    /// `--limit-test N`: use this many test images.
    pub limit_test: Option<usize>,
    /// `--heads a,b`
    pub heads: Option<Vec<HeadKind>>,
    /// `--seeds 0,1,2`
    pub seeds: Option<Vec<u64>>,
    /// `--weights FILE|none`: the word `none` starts from random weights (a file of that name is `./none`).
    pub weights: Option<PathBuf>,
    /// `--precision f32|bf16`
    pub precision: Option<Precision>,
}

impl Overrides {
    /// Changes `experiment`, or leaves it as it was if a value is out of range.
    ///
    /// # Errors
    /// [`ExperimentError::Invalid`] with every value that is out of range, each beside the flag that set it.
    pub fn apply(&self, experiment: &mut Experiment) -> Result<(), ExperimentError> {
        let mut changed = experiment.clone();
        let origin = &mut changed.origin;
        let mut note = |field: &str, flag: &str, value: String| origin.set_by_flag(field, format!("{flag} {value}"));
        if let Some(path) = &self.data {
            note("data.path", "--data", path.to_string_lossy().into_owned());
            changed.data.path = Some(path.clone());
        }
        if let Some(epochs) = self.epochs {
            note("epochs", "--epochs", epochs.to_string());
            changed.epochs = epochs;
        }
        if let Some(batch_size) = self.batch_size {
            note("batch_size", "--batch-size", batch_size.to_string());
            changed.batch_size = batch_size;
        }
        if let Some(limit) = self.limit_train {
            note("data.limit_train", "--limit-train", limit.to_string());
            changed.data.limit_train = Some(limit);
        }
        if let Some(limit) = self.limit_test {
            note("data.limit_test", "--limit-test", limit.to_string());
            changed.data.limit_test = Some(limit);
        }
        if let Some(heads) = &self.heads {
            note("heads", "--heads", comma_separated(heads));
            changed.heads.clone_from(heads);
        }
        if let Some(seeds) = &self.seeds {
            note("seeds", "--seeds", comma_separated(seeds));
            changed.seeds.clone_from(seeds);
        }
        if let Some(weights) = &self.weights {
            note("weights", "--weights", weights.to_string_lossy().into_owned());
            changed.weights = Some(weights.clone()).filter(|weights| weights.as_os_str() != "none");
        }
        if let Some(precision) = self.precision {
            note("precision", "--precision", precision.name().to_owned());
            changed.precision = precision;
        }
        changed.check()?;
        *experiment = changed;
        Ok(())
    }
}

fn comma_separated(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
