//! The folder of an experiment's results: which settings are already there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::CommandError;
use super::output;
use crate::atomic_file::replace_on;
use crate::data::Contents;
use crate::experiment::{Difference, Experiment, Run};
use crate::report::run_folder;
use crate::runner::Lock;
use crate::runner::folder::{CONTENTS, SETTINGS};
use crate::text::printable;

/// What differs between this experiment and the one whose results are in the folder. Where the stored file can't be
/// read, nothing is said to differ: the checkpoints' fingerprints decide.
pub fn changed_settings(experiment: &Experiment, folder: &Path) -> Result<Vec<Difference>, CommandError> {
    match Experiment::load(&folder.join(SETTINGS)) {
        Ok(stored) => Ok(stored.differences(experiment)?),
        Err(_) => Ok(Vec::new()),
    }
}

/// The folder of one run.
pub fn run_path(folder: &Path, run: Run) -> Result<PathBuf, CommandError> {
    Ok(folder.join(run_folder(run.head.name(), run.seed)?))
}

/// Keeps the settings beside the results.
pub fn store_settings(experiment: &Experiment, lock: &Lock<'_>) -> Result<(), CommandError> {
    let path = lock.folder().join(SETTINGS);
    let text = format!(
        "// Every setting of these results. This is an experiment file itself.\n{}",
        experiment.to_ron()?
    );
    replace_on(lock, &path, None, text.as_bytes()).map_err(|source| CommandError::Io { path, source })
}

/// What is noted of the images' contents; where it can't be read the checkpoints tell whether they are the same.
pub fn stored_contents(folder: &Path) -> Contents {
    let path = folder.join(CONTENTS);
    Contents::read(&path).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            output::tell(format_args!("warning: {}: {error}; it is made again", printable(path)));
        }
        Contents::default()
    })
}

/// Notes the images' contents beside the results.
pub fn store_contents(contents: &Contents, lock: &Lock<'_>) -> Result<(), CommandError> {
    let path = lock.folder().join(CONTENTS);
    contents
        .write(lock, &path)
        .map_err(|source| CommandError::Io { path, source })
}
