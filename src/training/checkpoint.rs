//! Checkpoints: the state of a model that knows what it is of and how far its run has come.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tracing::debug;

use super::checkpoint_error::CheckpointError;
use super::evaluation::Evaluation;
use super::fit::EpochResult;
use super::snapshot::Snapshot;
use crate::atomic_file::{Disk, System, replace_on};
use crate::data::decode::Orientation;
use crate::input_file;
use crate::plan::Precision;
use crate::text::printable;

/// What a checkpoint is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the network.
    pub network: String,
    /// Height and width of its input, in pixels.
    pub image_size: usize,
    /// Whether its images were turned as their files say.
    pub orientation: Orientation,
    /// How its maps are stored. Its weights are f32 in every precision.
    pub precision: Precision,
    /// Name of the head.
    pub head: String,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// The run's seed.
    pub seed: u64,
    /// Stands for all settings that determine the run's results.
    pub fingerprint: String,
    /// Stands for what the images' files hold.
    pub contents: u64,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are finished, their evaluation included.
    pub epochs: u64,
    /// Batches of the next epoch that have been trained on.
    pub batches: usize,
    /// Optimizer updates through all epochs.
    pub steps: u64,
    /// Sums over the unfinished epoch's images.
    pub training: Evaluation,
    /// Seconds spent on the unfinished epoch.
    pub seconds: f64,
    /// The accuracy by which the best epoch was chosen.
    pub best: Option<f64>,
    /// The last finished epoch.
    pub last: Option<EpochResult>,
}

/// A model's state with its identity and position.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What it is of.
    pub identity: Identity,
    /// How far the run had come.
    pub position: Position,
    /// Weights, scalars, velocities.
    pub snapshot: Snapshot,
}

impl Checkpoint {
    /// Writes the checkpoint atomically: the file is the old one or the new one, whatever happens.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        self.save_on(&System, path, None)
    }

    /// As [`save`](Self::save) on any disk; a checkpoint that `path` already names becomes `previous`.
    pub(super) fn save_on(&self, disk: &dyn Disk, path: &Path, previous: Option<&Path>) -> Result<(), CheckpointError> {
        let bytes = self.to_bytes().map_err(CheckpointError::unusable(path))?;
        let started = Instant::now();
        replace_on(disk, path, previous, &bytes).map_err(CheckpointError::io(path))?;
        debug!(file = %printable(path), bytes = bytes.len(), time = ?started.elapsed(), "checkpoint written");
        Ok(())
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A file that can't be read, or that isn't whole and usable: see [`from_bytes`](Self::from_bytes).
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = input_file::read(path).map_err(CheckpointError::io(path))?;
        Self::from_bytes(&bytes).map_err(CheckpointError::unusable(path))
    }
}
