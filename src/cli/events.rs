//! `--log-format json`: what happens during `run`, as one JSON object a line on standard output, for scripts.

use std::path::Path;

use serde::Serialize;

use super::arguments::LogFormat;
use super::error::CommandError;
use super::output;
use crate::report::EpochRow;

/// Something that happened. Its name is the object's `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// An experiment of the file begins: its name, and the folder of its results.
    ExperimentStarted { experiment: &'a str, results: &'a Path },
    /// A run begins, or goes on after `epochs_done`.
    RunStarted {
        head: &'a str,
        seed: u64,
        epochs: u64,
        epochs_done: u64,
    },
    /// An epoch has been trained and evaluated, and its checkpoint written.
    EpochFinished(&'a EpochRow),
    /// A run has all its epochs.
    RunFinished { head: &'a str, seed: u64 },
    /// A run was stopped; the same command goes on with it.
    RunStopped { head: &'a str, seed: u64 },
    /// The report is up to date and the experiment ends.
    ReportWritten { path: &'a Path },
}

/// Where events go.
#[derive(Clone, Copy)]
pub struct Events(pub LogFormat);

impl Events {
    /// Tells a script.
    pub fn tell(self, event: &Event<'_>) -> Result<(), CommandError> {
        match self.0 {
            LogFormat::Json => output::json(event),
            LogFormat::Text => Ok(()),
        }
    }
}
