//! What a report says about an experiment beside its histories. Stored as `experiment.json` next to `history.csv`, so
//! that a report can be drawn again from its folder alone.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::input_file;

/// The experiment behind a history, as it was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExperimentFacts {
    /// The experiment's name, the title of the report.
    pub name: String,
    /// The backbone, e.g. `densenet169`.
    pub network: String,
    /// Height and width of the input, in pixels.
    pub image_size: usize,
    /// The classes, in the order of their indices.
    pub classes: Vec<String>,
    /// Images that were trained on.
    pub train_images: usize,
    /// Images of the test split.
    pub test_images: usize,
    /// Images of the validation split, where there is one.
    pub validation_images: Option<usize>,
    /// Epochs planned for every run.
    pub epochs: u64,
    /// Images per step.
    pub batch_size: usize,
    /// Seeds, one run per head each.
    pub seeds: Vec<u64>,
    /// The heads, in the order in which they are shown.
    pub heads: Vec<HeadFacts>,
    /// Further settings to show, name and value.
    pub settings: Vec<(String, String)>,
    /// What a reader must know to judge the results, e.g. that the data are generated. Shown prominently.
    pub notes: Vec<String>,
    /// Version of the program that trained.
    pub program_version: String,
}

/// The cost of the whole network with one head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadFacts {
    /// Name of the head as on the command line, e.g. `wise_srnet`.
    pub name: String,
    /// Parameters, those of batch norm's running statistics included.
    pub parameters: u64,
    /// Parameters that training changes.
    pub trainable: u64,
    /// Multiply-adds of one image's forward pass.
    pub multiply_adds: u64,
}

impl ExperimentFacts {
    /// Reads `experiment.json`.
    ///
    /// # Errors
    /// A file that cannot be read or is not the JSON that [`write`](Self::write) makes.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = input_file::read_text(path).map_err(ReportError::file("read", path))?;
        serde_json::from_str(&text).map_err(|error| {
            let line = error.line().try_into().unwrap_or(u64::MAX);
            ReportError::line(path, line, error.to_string())
        })
    }

    /// Writes `experiment.json` in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), ReportError> {
        files::replace_json(disk, path, self)
    }

    /// The cost of the network with `head`, where it is known.
    pub fn head(&self, head: &str) -> Option<&HeadFacts> {
        self.heads.iter().find(|facts| facts.name == head)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::examples;
    use super::*;
    use crate::atomic_file::System;

    #[test]
    fn facts_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.json");
        let facts = examples::facts(&["gap", "wise_srnet"]);
        facts.write(&System, &path).unwrap();
        assert_eq!(ExperimentFacts::read(&path).unwrap(), facts);
    }

    #[test]
    fn damaged_facts_are_answered_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.json");
        fs::write(&path, "{\n\"name\": 3 }").unwrap();
        let message = ExperimentFacts::read(&path).unwrap_err().to_string();
        assert!(message.contains("experiment.json, line 2"), "{message}");
    }
}
