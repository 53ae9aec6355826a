//! What can end a run before its last epoch, and what a person can do about it.

use crate::text::{one_line, printable};
use dfdx::prelude::CpuError;
use thiserror::Error;

use super::checkpoint_error::CheckpointError;
use super::snapshot::Misfit;
use crate::data::DataError;

/// Why a run ended early.
#[derive(Debug, Error)]
pub enum FitError {
    /// An image could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The folder holds the checkpoint of another network.
    #[error(
        "{}: {}; the file is of another network or version: give another `--out`, or `--fresh`",
        printable(file), one_line(&source.to_string())
    )]
    Misfit {
        /// The file.
        file: String,
        /// What doesn't fit.
        source: Misfit,
    },
    /// The folder holds a run with other settings.
    #[error(
        "{} belongs to a run with other {what}: give another `--out`, or `--fresh` to start over",
        printable(file)
    )]
    OtherRun {
        /// The file.
        file: String,
        /// What differs.
        what: &'static str,
    },
    /// The images' files hold something else than when the run was trained.
    #[error(
        "{file} was trained on images with other contents: put the old ones back, give another `--out`, go on with the new ones \
         by `--accept-changed-images`, or start over with `--fresh`"
    )]
    ChangedImages {
        /// The file.
        file: String,
    },
    /// The checkpoint says of its run what can't be.
    #[error("{file} can't be gone on from: {what}; give another `--out`, or `--fresh` to start over")]
    Impossible {
        /// The file.
        file: String,
        /// What can't be.
        what: String,
    },
    /// The loss or a weight is no longer a finite number.
    #[error(
        "training diverged: {what} is not a finite number in epoch {epoch}, step {step} (learning rate {learning_rate:?}); \
         the last checkpoint from before is kept: try a lower learning rate with `--fresh`"
    )]
    Diverged {
        /// Which number.
        what: &'static str,
        /// The epoch, counted from 1.
        epoch: u64,
        /// The step, counted from 1 through all epochs.
        step: u64,
        /// The learning rate of that step.
        learning_rate: f64,
    },
    /// The network could not run.
    #[error("the network could not run: {0}")]
    Network(CpuError),
    /// The observer could not keep a result.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}
