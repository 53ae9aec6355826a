//! From an experiment to its runs: the images that it uses, and one run for every seed and head.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Checkpoints, Experiment, ExperimentError, HeadKind, Problem, Registry, Validation};
use crate::data::{DataError, Dataset, Split, open};
use crate::random;
use crate::training::{Fit, Identity, Model, Splits};

/// Memory for images that are kept decoded between epochs.
const RESIZED_BYTES: usize = 512 << 20;

/// An experiment with its data set opened and everything checked that can be checked before training.
pub struct Plan<'r> {
    /// The experiment, with the command line's changes.
    pub experiment: Experiment,
    /// The whole data set.
    pub dataset: Dataset,
    /// The images that the experiment uses.
    pub splits: Splits,
    registry: &'r Registry,
    fingerprint: String,
}

/// One training: a head with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The head.
    pub head: HeadKind,
    /// The seed.
    pub seed: u64,
}

/// Why an experiment can't be planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Something is wrong with the file.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// Something is wrong with the data set.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl<'r> Plan<'r> {
    /// Checks the experiment against the registry, opens its data set and divides it.
    ///
    /// # Errors
    /// A network or size that isn't registered, with its place in the file; a data set that isn't there, with where to
    /// get it; a split that would be empty.
    pub fn new(experiment: Experiment, registry: &'r Registry) -> Result<Self, PlanError> {
        let problems: Vec<Problem> = [registry.check(&experiment).err(), unsupported(&experiment)]
            .into_iter()
            .flatten()
            .collect();
        if !problems.is_empty() {
            return Err(experiment.invalid(problems).into());
        }
        let dataset = open(&experiment.data.layout, experiment.data.path.as_deref())?;
        let splits = divide(&experiment, &dataset)?;
        let fingerprint = format!(
            "{}-{:016x}",
            experiment.fingerprint()?,
            identify(&dataset.classes, &splits)
        );
        Ok(Self {
            experiment,
            dataset,
            splits,
            registry,
            fingerprint,
        })
    }

    /// The runs in their order: for each seed, each head.
    pub fn runs(&self) -> Vec<Run> {
        let heads = &self.experiment.heads;
        self.experiment
            .seeds
            .iter()
            .flat_map(|&seed| heads.iter().map(move |&head| Run { head, seed }))
            .collect()
    }

    /// Builds a run's network, its parameters drawn from the run's seed.
    pub fn build(&self, run: Run) -> Result<Box<dyn Model>, ExperimentError> {
        let classes = self.dataset.classes.len();
        self.registry
            .build(&self.experiment, run.head, run.seed, classes)
            .map_err(|problem| self.experiment.invalid(vec![problem]))
    }

    /// The training of a run in a folder of its own.
    pub fn fit<'a>(&'a self, run: Run, folder: &'a Path) -> Fit<'a> {
        let experiment = &self.experiment;
        Fit {
            identity: Identity {
                network: experiment.network.clone(),
                image_size: experiment.image_size,
                head: run.head.to_string(),
                classes: self.dataset.classes.clone(),
                seed: run.seed,
                fingerprint: self.fingerprint.clone(),
            },
            splits: &self.splits,
            folder,
            epochs: experiment.epochs as u64,
            batch_size: experiment.batch_size,
            augmentation: experiment.augmentation,
            optimizer: experiment.optimizer,
            schedule: experiment.schedule,
            keep_every: match experiment.checkpoints {
                Checkpoints::LastAndBest => None,
                Checkpoints::EveryEpochs(epochs) => Some(epochs as u64),
            },
        }
    }

    /// The folder of all results below `out`.
    pub fn folder(&self, out: &Path) -> PathBuf {
        out.join(&self.experiment.name)
    }
}

/// Fields that this version knows but can't follow.
fn unsupported(experiment: &Experiment) -> Option<Problem> {
    experiment.weights.as_ref().map(|_| {
        Problem::in_field("weights", "this version can't read weights files yet")
            .help("`weights: None` (or `--weights none`) starts from random weights")
    })
}

fn divide(experiment: &Experiment, dataset: &Dataset) -> Result<Splits, PlanError> {
    // One choice for all heads and seeds: runs are compared on the same images.
    const SEED: u64 = 0;
    let limited = |split: &Split, limit: Option<usize>| match limit {
        Some(limit) if limit < split.len() => split.balanced_subset(limit, SEED),
        _ => split.clone(),
    };
    let train = limited(&dataset.train, experiment.data.limit_train);
    let test = limited(&dataset.test, experiment.data.limit_test);
    let (train, validation) = match experiment.validation {
        Validation::TestSplit => (train, None),
        Validation::Fraction(fraction) => {
            let (rest, held_out) = train.hold_out(fraction, SEED);
            (rest, Some(held_out))
        }
    };
    if validation.as_ref().is_some_and(Split::is_empty) {
        let problem = Problem::in_field("validation", "this fraction of the training images is not one image").help(
            format!("there are {} training images: choose a larger fraction", train.len()),
        );
        return Err(experiment.invalid(vec![problem]).into());
    }
    let kept = |split: Split| split.keep_resized(experiment.image_size as u32, RESIZED_BYTES);
    Ok(Splits {
        train: kept(train),
        test: kept(test),
        validation: validation.map(kept),
    })
}

/// Stands for the images that are used: their names without folders, and their classes, in their order.
fn identify(classes: &[String], splits: &Splits) -> u64 {
    let all = [Some(&splits.train), Some(&splits.test), splits.validation.as_ref()];
    let start = classes.iter().fold(0, |hash, class| random::key(hash, class, &[]));
    all.into_iter().enumerate().fold(start, |hash, (part, split)| {
        let Some(split) = split else { return hash };
        (0..split.len()).fold(hash, |hash, index| {
            let name = split.name(index);
            let file = name.rsplit(['/', '\\']).next().unwrap_or(&name);
            random::key(hash, file, &[part as u64, split.label(index) as u64])
        })
    })
}
