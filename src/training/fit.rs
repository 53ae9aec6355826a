//! The training loop of one run: epochs, updates, evaluation, checkpoints.
//!
//! A run can be stopped and killed at any moment. Its state is one file, `last.safetensors`, replaced atomically every so
//! many steps, at the end of every epoch and when the run is stopped; started again, the run goes on from there, or from
//! the state before it if that file is damaged, and ends with the same bits as one that was never interrupted.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tracing::info;

use super::checkpoint::{Checkpoint, Identity, Position};
use super::checkpoint_error::CheckpointError;
use super::evaluation::{Evaluation, EvaluationError, evaluate};
use super::fit_error::FitError;
use super::model::Model;
use super::optimizer::{Optimizer, Sgd};
use super::prediction::Prediction;
use super::run_folder::{BestWeights, RunFolder, Stored};
use super::schedule::Schedule;
use super::snapshot::Snapshot;
use crate::atomic_file::Disk;
use crate::data::{Augmentation, Loader, LoaderOptions, Order, Split};
use crate::text::printable;

/// The images of a run.
#[derive(Debug, Clone)]
pub struct Splits {
    /// Trained on.
    pub train: Split,
    /// Evaluated after every epoch.
    pub test: Split,
    /// Chooses the best epoch; without it the test split does, as in the paper's notebooks.
    pub validation: Option<Split>,
}

/// One run: a model trained on a data set with fixed settings, in a folder of its own.
#[derive(Debug)]
pub struct Fit<'a> {
    /// What is trained, for the checkpoints.
    pub identity: Identity,
    /// The images.
    pub splits: &'a Splits,
    /// Where the checkpoints are.
    pub folder: &'a Path,
    /// What they are written with.
    pub disk: &'a dyn Disk,
    /// Whether the images' contents need not be those that a checkpoint names: it is known otherwise that they are the
    /// same, or others are accepted.
    pub contents_are_settled: bool,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images a step.
    pub batch_size: usize,
    /// Random changes of the training images.
    pub augmentation: Augmentation,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// Keeps the weights of every n-th epoch too.
    pub keep_every: Option<u64>,
    /// Saves the run's state after every n-th step too, not only at the end of an epoch.
    pub save_every_steps: u64,
}

/// Mean loss, Top-1 and Top-5 accuracy over some images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean loss.
    pub loss: f64,
    /// Share of images whose class has the largest logit.
    pub accuracy: f64,
    /// Share of images whose class is among the five largest logits; checkpoints of older versions lack it.
    #[serde(default)]
    pub top5_accuracy: Option<f64>,
}

impl From<Evaluation> for Scores {
    fn from(evaluation: Evaluation) -> Self {
        Self {
            loss: evaluation.loss(),
            accuracy: evaluation.accuracy(),
            top5_accuracy: Some(evaluation.top5_accuracy()),
        }
    }
}

/// A finished epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochResult {
    /// Counted from 1.
    pub epoch: u64,
    /// Learning rate of the epoch's first step.
    pub learning_rate: f64,
    /// Over the epoch's own, augmented images, each at its step.
    pub train: Scores,
    /// Over the test split, after the epoch.
    pub test: Scores,
    /// Over the validation split, after the epoch.
    pub validation: Option<Scores>,
    /// Seconds of training and evaluation.
    pub seconds: f64,
}

impl EpochResult {
    /// What the best epoch is chosen by.
    fn selection(&self) -> f64 {
        self.validation.unwrap_or(self.test).accuracy
    }
}

/// What the end of an epoch is judged by.
struct Evaluated {
    test: Scores,
    validation: Option<Scores>,
    /// What the images of the test split were taken for.
    predictions: Vec<Prediction>,
}

/// What is known after a step.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Batches of this epoch so far.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Images of the batch.
    pub images: usize,
    /// Over this epoch's images so far.
    pub scores: Scores,
}

/// An epoch whose checkpoint is about to be written.
pub struct TrainedEpoch<'a> {
    /// What the images of the test split were taken for, in the split's order.
    pub predictions: &'a [Prediction],
    /// Whether this is the best epoch so far.
    pub is_best: bool,
    /// The model, to be read.
    pub model: &'a mut dyn Model,
}

/// Where a run that has been started before stands.
#[derive(Debug)]
pub struct Standing {
    /// How far it has come.
    pub position: Position,
    /// Why this isn't the last state that was written, but the one before.
    pub fallback: Option<CheckpointError>,
}

/// Follows a run, and may stop it.
pub trait Observer {
    /// After every step; a break stops the run with everything saved.
    fn step(&mut self, progress: Progress) -> ControlFlow<()>;

    /// After every batch that is evaluated; a break stops the run, and the evaluation is repeated when it goes on.
    fn evaluated(&mut self, images: usize) -> ControlFlow<()>;

    /// At the end of every epoch, before its checkpoint is written: what is stored now is never older than the checkpoint.
    fn trained(&mut self, _: TrainedEpoch<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    /// After every epoch, when its checkpoint has been written.
    fn epoch(&mut self, result: &EpochResult) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The observer stopped it; the same run goes on where it stopped.
    Stopped,
}

impl Fit<'_> {
    /// Where the run stands, if it has been started before.
    pub fn standing(&self) -> Result<Option<Standing>, FitError> {
        Ok(self.stored()?.map(|stored| Standing {
            position: stored.checkpoint.position,
            fallback: stored.fallback,
        }))
    }

    /// Looks for the weights of the best epoch of a run that stands at `position`. `epoch` is the best one, as its history
    /// tells. If their file is lost, and another checkpoint is of that epoch, they are written again.
    pub fn best(&self, position: &Position, epoch: Option<u64>) -> Result<BestWeights, FitError> {
        if position.best.is_none() {
            return Ok(BestWeights::Intact);
        }
        Ok(self.checkpoints().best(&self.identity, position, epoch)?)
    }

    fn checkpoints(&self) -> RunFolder<'_> {
        RunFolder {
            path: self.folder,
            disk: self.disk,
        }
    }

    fn stored(&self) -> Result<Option<Stored>, FitError> {
        let Some(newest) = self.checkpoints().newest()? else {
            return Ok(None);
        };
        let (stored, own) = (&newest.checkpoint.identity, &self.identity);
        let other = |what| {
            Err(FitError::OtherRun {
                file: newest.file.to_string_lossy().into_owned(),
                what,
            })
        };
        let is_same_run = stored.network == own.network
            && stored.image_size == own.image_size
            && stored.head == own.head
            && stored.seed == own.seed;
        if !is_same_run {
            return other("network, image size, head or seed");
        }
        if stored.classes != own.classes {
            return other("classes");
        }
        if stored.fingerprint != own.fingerprint {
            return other("settings or data");
        }
        if stored.contents != own.contents && !self.contents_are_settled {
            return Err(FitError::ChangedImages {
                file: newest.file.to_string_lossy().into_owned(),
            });
        }
        if !self.can_reach(&newest.checkpoint.position) {
            let Position {
                epochs,
                batches,
                steps,
                best,
                ..
            } = newest.checkpoint.position;
            return Err(FitError::Impossible {
                file: printable(&newest.file),
                what: format!(
                    "no run with these images has done {epochs} epochs and {batches} batches in {steps} steps with the \
                     best accuracy {best:?}"
                ),
            });
        }
        Ok(Some(newest))
    }

    /// Whether the run can come to this position: its numbers depend on each other.
    fn can_reach(&self, position: &Position) -> bool {
        let batches = self.splits.train.len().div_ceil(self.batch_size);
        let before = position.epochs.checked_mul(batches as u64);
        let steps = before.and_then(|before| before.checked_add(position.batches as u64));
        let last = position.last.map_or(0, |last| last.epoch);
        let best_is_share = position.best.is_none_or(|best| (0.0..=1.0).contains(&best));
        position.batches <= batches && steps == Some(position.steps) && last == position.epochs && best_is_share
    }

    /// Trains `model` until all epochs are done, from where the run's folder says it stands.
    pub fn run(&self, model: &mut dyn Model, observer: &mut dyn Observer) -> Result<Outcome, FitError> {
        let mut optimizer = Sgd::new(model, self.optimizer.momentum);
        let mut position = Position::default();
        if let Some(stored) = self.stored()? {
            let file = stored.file.to_string_lossy().into_owned();
            let misfit = |source| FitError::Misfit { file, source };
            let Checkpoint {
                snapshot,
                position: reached,
                ..
            } = stored.checkpoint;
            snapshot.restore(model, Some(&mut optimizer)).map_err(misfit)?;
            position = reached;
            if let Some(unreadable) = &stored.fallback {
                self.checkpoints().set_aside(unreadable)?;
            }
            info!(epochs = position.epochs, batches = position.batches, "resumed");
        }
        while position.epochs < self.epochs {
            if self.epoch(model, &mut optimizer, &mut position, observer)?.is_break() {
                return Ok(Outcome::Stopped);
            }
        }
        Ok(Outcome::Finished)
    }

    fn epoch(
        &self,
        model: &mut dyn Model,
        optimizer: &mut Sgd,
        position: &mut Position,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<()>, FitError> {
        let trained = self.train_epoch(model, optimizer, position, observer);
        let evaluating = Instant::now();
        let evaluated = match trained {
            Ok(ControlFlow::Continue(())) => self.evaluate(model, position, observer),
            Ok(ControlFlow::Break(())) => Ok(None),
            Err(error) => Err(error),
        };
        let Evaluated {
            test,
            validation,
            predictions,
        } = match evaluated {
            Ok(Some(evaluated)) => evaluated,
            Ok(None) => {
                self.save_state(model, optimizer, position)?;
                return Ok(ControlFlow::Break(()));
            }
            Err(error) => {
                // An image that can't be read costs no step that was trained before it.
                if matches!(error, FitError::Data(_)) && position.batches > 0 {
                    self.save_state(model, optimizer, position)?;
                }
                return Err(error);
            }
        };
        let state = self.state(model, optimizer, position)?;
        // Whatever there is of a run, its state is there too: best weights alone are those of a run whose state was lost.
        if !self.checkpoints().has_state() {
            self.checkpoints()
                .save_last(&self.checkpoint(state.clone(), position))?;
        }
        let result = EpochResult {
            epoch: position.epochs + 1,
            learning_rate: self.learning_rate(position.steps.saturating_sub(position.batches as u64)),
            train: position.training.into(),
            test,
            validation,
            seconds: position.seconds + evaluating.elapsed().as_secs_f64(),
        };
        let is_best = position.best.is_none_or(|best| result.selection() > best);
        *position = Position {
            epochs: result.epoch,
            steps: position.steps,
            best: if is_best {
                Some(result.selection())
            } else {
                position.best
            },
            last: Some(result),
            ..Position::default()
        };
        if is_best {
            info!(epoch = result.epoch, accuracy = result.selection(), "best epoch so far");
        }
        // The state comes last: if the program ends before it is written, the epoch is repeated and gives the same.
        let trained = TrainedEpoch {
            predictions: &predictions,
            is_best,
            model,
        };
        observer.trained(trained).map_err(FitError::Observer)?;
        if is_best {
            let weights = self.checkpoint(Snapshot::of(model, None), position);
            self.checkpoints().save_best(&weights)?;
        }
        if self.keep_every.is_some_and(|every| result.epoch.is_multiple_of(every)) {
            let weights = self.checkpoint(Snapshot::of(model, None), position);
            self.checkpoints().save_epoch(result.epoch, &weights)?;
        }
        self.checkpoints().save_last(&self.checkpoint(state, position))?;
        observer.epoch(&result).map_err(FitError::Observer)?;
        Ok(ControlFlow::Continue(()))
    }

    fn learning_rate(&self, step: u64) -> f64 {
        self.schedule.rate(
            self.optimizer.learning_rate,
            step,
            self.splits.train.len(),
            self.batch_size,
        )
    }

    fn train_epoch(
        &self,
        model: &mut dyn Model,
        optimizer: &mut Sgd,
        position: &mut Position,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<()>, FitError> {
        let (started, already) = (Instant::now(), position.seconds);
        let options = LoaderOptions {
            image_size: model.image_size(),
            batch_size: self.batch_size,
            order: Order::Shuffled,
            augmentation: Some(self.augmentation),
            seed: self.identity.seed,
            epoch: position.epochs,
            first_batch: position.batches,
        };
        let loader = Loader::new(&self.splits.train, options)?;
        let batches = loader.batches_per_epoch();
        for batch in loader {
            let batch = batch?;
            let learning_rate = self.learning_rate(position.steps);
            let step = model
                .update(batch.images, &batch.labels, optimizer, learning_rate)
                .map_err(FitError::Network)?;
            position.steps += 1;
            position.batches += 1;
            if !step.loss.is_finite() {
                return Err(self.diverged("the loss", position));
            }
            position.training.add(&step.logits, &batch.labels);
            let scores = position.training.into();
            let images = batch.labels.len();
            let flow = observer.step(Progress {
                epoch: position.epochs + 1,
                batch: position.batches,
                batches,
                images,
                scores,
            });
            position.seconds = already + started.elapsed().as_secs_f64();
            if flow.is_break() {
                return Ok(flow);
            }
            if position.steps.is_multiple_of(self.save_every_steps) && position.batches < batches {
                self.save_state(model, optimizer, position)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn evaluate(
        &self,
        model: &mut dyn Model,
        position: &Position,
        observer: &mut dyn Observer,
    ) -> Result<Option<Evaluated>, FitError> {
        let mut score = |split: &Split, predictions: &mut Vec<Prediction>| -> Result<Option<Scores>, FitError> {
            let mut visit = |indices: &[usize], logits: &[f32]| {
                let rows = logits.chunks_exact((logits.len() / indices.len().max(1)).max(1));
                predictions.extend(indices.iter().zip(rows).map(|(&image, row)| Prediction::of(image, row)));
                observer.evaluated(indices.len())
            };
            match evaluate(model, split, self.batch_size, &mut visit) {
                Ok(evaluation) => Ok(evaluation.map(Scores::from)),
                Err(EvaluationError::NotFinite { .. }) => Err(self.diverged("an output in the evaluation", position)),
                Err(EvaluationError::Data(error)) => Err(FitError::Data(error)),
                Err(EvaluationError::Network(error)) => Err(FitError::Network(error)),
            }
        };
        let mut predictions = Vec::new();
        let Some(test) = score(&self.splits.test, &mut predictions)? else {
            return Ok(None);
        };
        let validation = match &self.splits.validation {
            Some(split) => match score(split, &mut Vec::new())? {
                Some(scores) => Some(scores),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(Evaluated {
            test,
            validation,
            predictions,
        }))
    }

    /// What is saved in the middle of an epoch and at its end. A checkpoint never holds the weights of a run that has
    /// diverged: the one before stays.
    fn state(&self, model: &mut dyn Model, optimizer: &Sgd, position: &Position) -> Result<Snapshot, FitError> {
        let state = Snapshot::of(model, Some(optimizer));
        if state.is_finite() {
            Ok(state)
        } else {
            Err(self.diverged("a weight", position))
        }
    }

    /// For something that is not a finite number after the steps of `position`.
    fn diverged(&self, what: &'static str, position: &Position) -> FitError {
        FitError::Diverged {
            what,
            epoch: position.epochs + 1,
            step: position.steps,
            learning_rate: self.learning_rate(position.steps.saturating_sub(1)),
        }
    }

    fn save_state(&self, model: &mut dyn Model, optimizer: &Sgd, position: &Position) -> Result<(), FitError> {
        let state = self.state(model, optimizer, position)?;
        Ok(self.checkpoints().save_last(&self.checkpoint(state, position))?)
    }

    fn checkpoint(&self, snapshot: Snapshot, position: &Position) -> Checkpoint {
        Checkpoint {
            identity: self.identity.clone(),
            position: position.clone(),
            snapshot,
        }
    }
}
