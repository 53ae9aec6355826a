//! From an experiment to its runs: the images that it uses, and one run for every seed and head.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use thiserror::Error;
use tracing::info;

use super::{Checkpoints, Experiment, ExperimentError, HeadKind, OnBadImage, Problem, Registry, Validation};
use crate::atomic_file::System;
use crate::data::{Contents, DataError, Dataset, Inspection, Split, Unreadable, open};
use crate::random;
use crate::training::{Fit, Identity, Model, Splits};
use crate::weights::{LeftOut, Pretrained, WeightsError};

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
    /// The images that cannot be used and were left out.
    pub left_out: Vec<Unreadable>,
    /// The layers of the file of weights that are not the network's.
    pub layers_left_out: LeftOut,
    registry: &'r Registry,
    weights: Option<Pretrained>,
    fingerprint: String,
    contents: Contents,
    contents_are_settled: bool,
}

/// One training: a head with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The head.
    pub head: HeadKind,
    /// The seed.
    pub seed: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seed {}", self.head, self.seed)
    }
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
    /// Checks the experiment against the registry, reads its weights, opens its data set and divides it. Images are decoded
    /// only where the experiment leaves out those that cannot be used.
    ///
    /// # Errors
    /// A network or size that isn't registered, with its place in the file; a file of weights that can't be used, or a
    /// data set that isn't there, with where to get it; a split that would be empty; more images
    /// that cannot be used than the experiment leaves out.
    pub fn new(experiment: Experiment, registry: &'r Registry) -> Result<Self, PlanError> {
        Self::with_progress(experiment, registry, &|_, _| ())
    }

    /// As [`new`](Self::new); where images are decoded, `progress` is told the number of images so far, and that of all.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_progress(
        experiment: Experiment,
        registry: &'r Registry,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, PlanError> {
        match experiment.on_bad_image {
            OnBadImage::Error => Ok(Self::with(experiment, registry, |_, _| Inspection::default())?.0),
            OnBadImage::Skip(limit) => {
                let (plan, inspection) = Self::inspected(experiment, registry, progress)?;
                inspection.allow(limit)?;
                Ok(plan)
            }
        }
    }

    /// As [`new`](Self::new), but decodes all images that the experiment uses, on the rayon pool, and leaves out however
    /// many cannot be used.
    ///
    /// # Errors
    /// As [`new`](Self::new), but for images that cannot be used.
    pub fn inspected(
        experiment: Experiment,
        registry: &'r Registry,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Self, Inspection), PlanError> {
        Self::with(experiment, registry, |classes, splits| {
            let mut parts = vec![("training", &splits.train), ("test", &splits.test)];
            parts.extend(splits.validation.as_ref().map(|split| ("validation", split)));
            Inspection::of(classes, &parts, progress)
        })
    }

    fn with(
        experiment: Experiment,
        registry: &'r Registry,
        inspect: impl FnOnce(&[String], &Splits) -> Inspection,
    ) -> Result<(Self, Inspection), PlanError> {
        registry
            .check(&experiment)
            .map_err(|problem| experiment.invalid(vec![problem]))?;
        let weights = experiment
            .weights
            .as_deref()
            .map(|path| Pretrained::open(path, &experiment.network))
            .transpose()
            .map_err(|error| experiment.invalid(vec![unusable(&error)]))?;
        let layers_left_out = match &weights {
            Some(weights) => try_weights(&experiment, registry, weights)?,
            None => LeftOut::default(),
        };
        let started = Instant::now();
        let data = &experiment.data;
        let dataset = open(&data.layout, data.path.as_deref())?.oriented(data.orientation);
        let splits = divide(&experiment, &dataset)?;
        let inspection = inspect(&dataset.classes, &splits);
        let splits = readable(&experiment, splits, &inspection);
        info!(
            classes = dataset.classes.len(),
            train = splits.train.len(),
            test = splits.test.len(),
            validation = splits.validation.as_ref().map_or(0, Split::len),
            time = ?started.elapsed(),
            "data set listed"
        );
        let fingerprint = format!(
            "{}-{:016x}{}",
            experiment.fingerprint()?,
            identify(&dataset.classes, &splits),
            weights
                .as_ref()
                .map_or(String::new(), |weights| format!("-{}", weights.md5()))
        );
        let plan = Self {
            experiment,
            dataset,
            splits,
            left_out: inspection.unreadable.clone(),
            layers_left_out,
            registry,
            weights,
            fingerprint,
            contents: Contents::default(),
            contents_are_settled: false,
        };
        Ok((plan, inspection))
    }

    /// Takes note of what the images' files hold, `before` being what was noted with the results so far: from then on it is
    /// part of every run's identity. A run that was trained on other contents is refused, unless the note tells of every
    /// image, or `accept_changed`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn note_contents(
        &mut self,
        before: &Contents,
        accept_changed: bool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(), DataError> {
        let Splits {
            train,
            test,
            validation,
        } = &self.splits;
        let splits: Vec<&Split> = [train, test].into_iter().chain(validation).collect();
        self.contents = Contents::of(&splits, before, progress)?;
        self.contents_are_settled = accept_changed || self.contents.are_all_known(before);
        Ok(())
    }

    /// What was noted last of the images' files.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The same, but for the image of this name: nothing was trained on it, and another may take its place.
    pub fn contents_without(&self, image: &str) -> Contents {
        let Splits {
            train,
            test,
            validation,
        } = &self.splits;
        let named = [train, test].into_iter().chain(validation).find_map(|split| {
            let index = (0..split.len()).find(|&index| split.name(index) == image)?;
            Some(split.place(index))
        });
        let mut contents = self.contents.clone();
        named.into_iter().for_each(|place| contents.forget(&place));
        contents
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

    /// Builds a run's network, its parameters drawn from the run's seed; the backbone's come from the experiment's
    /// weights if it names any, whatever the head and the seed.
    ///
    /// # Errors
    /// Weights that are not the network's.
    pub fn build(&self, run: Run) -> Result<Box<dyn Model>, ExperimentError> {
        let experiment = &self.experiment;
        let classes = self.dataset.classes.len();
        let mut model = self
            .registry
            .build(experiment, run.head, run.seed, classes)
            .map_err(|problem| experiment.invalid(vec![problem]))?;
        if let Some(weights) = &self.weights {
            weights
                .load_into(&experiment.network, |visit| model.for_each(visit))
                .map_err(|error| experiment.invalid(vec![unusable(&error)]))?;
        }
        Ok(model)
    }

    /// The training of a run in a folder of its own.
    pub fn fit<'a>(&'a self, run: Run, folder: &'a Path) -> Fit<'a> {
        let experiment = &self.experiment;
        Fit {
            identity: Identity {
                network: experiment.network.clone(),
                image_size: experiment.image_size,
                orientation: experiment.data.orientation,
                precision: experiment.precision,
                head: run.head.to_string(),
                classes: self.dataset.classes.clone(),
                seed: run.seed,
                fingerprint: self.fingerprint.clone(),
                contents: self.contents.digest(),
            },
            splits: &self.splits,
            folder,
            disk: &System,
            contents_are_settled: self.contents_are_settled,
            epochs: experiment.epochs as u64,
            batch_size: experiment.batch_size,
            augmentation: experiment.augmentation,
            optimizer: experiment.optimizer,
            schedule: experiment.schedule,
            keep_every: match experiment.checkpoints {
                Checkpoints::LastAndBest => None,
                Checkpoints::EveryEpochs(epochs) => Some(epochs as u64),
            },
            save_every_steps: experiment.save_every_steps as u64,
        }
    }

    /// The folder of all results below `out`.
    pub fn folder(&self, out: &Path) -> PathBuf {
        out.join(&self.experiment.name)
    }
}

/// Loads the weights into a network that is built for it, so that weights which don't fit are refused before images are
/// decoded; gives the layers that are left out.
fn try_weights(experiment: &Experiment, registry: &Registry, weights: &Pretrained) -> Result<LeftOut, ExperimentError> {
    // The backbone is that of every head: the smallest head will do.
    let mut model = registry
        .build(experiment, HeadKind::Gap, 0, 1)
        .map_err(|problem| experiment.invalid(vec![problem]))?;
    weights
        .load_into(&experiment.network, |visit| model.for_each(visit))
        .map_err(|error| experiment.invalid(vec![unusable(&error)]))
}

/// Weights that can't be used, as a mistake of the field that names them.
fn unusable(error: &WeightsError) -> Problem {
    Problem::in_field("weights", error.to_string()).help("`--weights none` starts from random weights")
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
        Validation::TestSplit => (train, dataset.validation.clone()),
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
    Ok(Splits {
        train,
        test,
        validation,
    })
}

/// The images that can be used, kept in memory once they were decoded if there is room for them. The splits are numbered
/// as they were inspected.
fn readable(experiment: &Experiment, splits: Splits, inspection: &Inspection) -> Splits {
    let kept = |part: usize, split: &Split| {
        let split = inspection.readable(part, split);
        split.keep_resized(experiment.image_size as u32, RESIZED_BYTES)
    };
    Splits {
        train: kept(0, &splits.train),
        test: kept(1, &splits.test),
        validation: splits.validation.as_ref().map(|split| kept(2, split)),
    }
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
