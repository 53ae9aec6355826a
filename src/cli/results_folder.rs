//! The folder of an experiment's results: who may write to it, what is deleted from it, which settings and rows are
//! already there.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::CommandError;
use super::output;
use crate::atomic_file;
use crate::data::Contents;
use crate::experiment::{Difference, Experiment, Plan, Run};
use crate::report::{EpochRow, read_history, run_folder};
use crate::runner::folder::{CONTENTS, HISTORY, LOCK, SETTINGS};

/// How long to wait for a process that holds the folder: one that was killed a moment ago lets go of it late.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Keeps a second process out of the folder as long as the file lives.
pub fn lock(folder: &Path) -> Result<File, CommandError> {
    let path = folder.join(LOCK);
    let io = |source| CommandError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let file = File::create(&path).map_err(io)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => sleep(Duration::from_millis(50)),
            Err(TryLockError::WouldBlock) => return Err(CommandError::Locked(folder.to_owned())),
        }
    }
}

/// Deletes the folder's files with these names, and nothing else; the folder need not exist.
pub fn delete(folder: &Path, unwanted: impl Fn(&str) -> bool) -> Result<(), CommandError> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(&unwanted) {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|source| CommandError::Io { path, source })?;
        }
    }
    Ok(())
}

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
pub fn store_settings(experiment: &Experiment, folder: &Path) -> Result<(), CommandError> {
    let path = folder.join(SETTINGS);
    let text = format!(
        "// Every setting of these results. This is an experiment file itself.\n{}",
        experiment.to_ron()?
    );
    atomic_file::replace(&path, text.as_bytes()).map_err(|source| CommandError::Io { path, source })
}

/// What is noted of the images' contents; where it can't be read the checkpoints tell whether they are the same.
pub fn stored_contents(folder: &Path) -> Contents {
    let path = folder.join(CONTENTS);
    Contents::read(&path).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            output::tell(format_args!("warning: {}: {error}; it is made again", path.display()));
        }
        Contents::default()
    })
}

/// Notes the images' contents beside the results.
pub fn store_contents(contents: &Contents, folder: &Path) -> Result<(), CommandError> {
    let path = folder.join(CONTENTS);
    contents
        .write(&path)
        .map_err(|source| CommandError::Io { path, source })
}

/// The rows of one history; none where there is no file yet.
pub fn stored_rows(history: &Path) -> Result<Vec<EpochRow>, CommandError> {
    if !history.exists() {
        return Ok(Vec::new());
    }
    Ok(read_history(history)?.rows)
}

/// The rows of runs that this command leaves out (`--heads`, `--seeds`): they stay in the report.
pub fn rows_of_other_runs(plan: &Plan<'_>, folder: &Path) -> Result<Vec<EpochRow>, CommandError> {
    let runs = plan.runs();
    let is_own = |row: &EpochRow| {
        runs.iter()
            .any(|run| run.head.name() == row.head && run.seed == row.seed)
    };
    let mut rows = stored_rows(&folder.join(HISTORY))?;
    rows.retain(|row| !is_own(row));
    Ok(rows)
}
