//! Everything that can end a command, and how it is told.

use std::path::PathBuf;

use thiserror::Error;

use super::text::{one_line, printable};
use crate::data::{DataError, with_causes};
use crate::experiment::{ExperimentError, PlanError};
use crate::kernels::simd::PinError;
use crate::report::ReportError;
use crate::runner::FolderError;
use crate::training::{CheckpointError, EvaluationError, FitError};
use crate::weights::WeightsError;

/// Why a command could not do what was asked.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(
        "the results in {} were made with other settings: give another `--out`, or `--fresh` to start over{differences}",
        printable(folder)
    )]
    OtherSettings { folder: PathBuf, differences: String },
    #[error(
        "images were replaced since the results in {} were begun ({}): put the old ones back, give another `--out`, go on with \
         the new ones by `--accept-changed-images`, or start over with `--fresh`",
        printable(folder),
        one_line(images)
    )]
    ChangedImages { folder: PathBuf, images: String },
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("the network could not run: {0}")]
    Network(#[from] dfdx::prelude::CpuError),
    #[error("{}: {source}", printable(path))]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the threads could not be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("--simd: {0}")]
    InstructionSet(#[from] PinError),
    #[error("Ctrl-C can't be watched for: {0}")]
    Interrupt(#[from] ctrlc::Error),
    #[error("{0}")]
    Memory(String),
    #[error("{0}")]
    Usage(String),
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Experiment(error) => Self::Experiment(error),
            PlanError::Data(error) => Self::Data(error),
        }
    }
}

impl CommandError {
    /// The message with its causes, each said once.
    pub fn chain(&self) -> String {
        with_causes(self)
    }
}
