//! `report.json`: every figure of the report for scripts; its keys are documented in `docs/json.md`.

use std::path::Path;

use serde::Serialize;

use super::answers::Answers;
use super::facts::ExperimentFacts;
use super::kernels::HeadKernel;
use super::stored::Stored;
use super::summary::Summary;
use super::{ReportError, files};
use crate::atomic_file::Disk;

/// The object in the file.
#[derive(Debug, Serialize)]
pub struct Figures<'a> {
    name: &'a str,
    experiment: Option<&'a ExperimentFacts>,
    #[serde(flatten)]
    summary: &'a Summary,
    answers: &'a Answers,
    kernels: &'a [HeadKernel],
    warnings: &'a [String],
}

impl<'a> Figures<'a> {
    /// Of what is stored and what was computed from it.
    pub fn new(stored: &'a Stored, summary: &'a Summary, answers: &'a Answers) -> Self {
        Self {
            name: &stored.name,
            experiment: stored.facts.as_ref(),
            summary,
            answers,
            kernels: &stored.kernels,
            warnings: &stored.warnings,
        }
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), ReportError> {
        files::replace_json(disk, path, self)
    }
}
