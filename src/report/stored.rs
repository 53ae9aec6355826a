//! What is stored at a path: the histories of an experiment, and what lies beside them.

use std::fs;
use std::path::Path;

use super::ReportError;
use super::epoch_row::EpochRow;
use super::facts::ExperimentFacts;
use super::head_names::run_folder;
use super::history::read_history;
use super::keras_csv::read_keras_csv;
use super::kernels::{HeadKernel, SpatialKernel};
use super::predictions::{RunPredictions, read_predictions};
use super::runs::{HeadRuns, Run, group};
use crate::input_file;
use crate::runner::folder::{FACTS, KERNEL, LAST_PREDICTIONS};

/// What was found at a path.
pub struct Stored {
    /// Name of the experiment, or of what was found.
    pub name: String,
    /// What is known beside the histories.
    pub facts: Option<ExperimentFacts>,
    /// The histories.
    pub rows: Vec<EpochRow>,
    /// What the test images were taken for at the end of the runs, where that is known.
    pub predictions: Vec<RunPredictions>,
    /// The kernels that the heads have learned, where they have one.
    pub kernels: Vec<HeadKernel>,
    /// Sentences about lines or files that were left out.
    pub warnings: Vec<String>,
}

impl Stored {
    /// A tidy history, with what lies beside it in `folder`.
    pub fn tidy(history_file: &Path, folder: &Path) -> Result<Self, ReportError> {
        let mut warnings = Vec::new();
        let facts_file = folder.join(FACTS);
        let facts = if facts_file.is_file() {
            usable(ExperimentFacts::read(&facts_file).map(Some), &mut warnings)
        } else {
            None
        };
        let history = read_history(history_file)?;
        warnings.extend(history.torn_line.map(|_| {
            format!(
                "The last line of {} is incomplete and was left out.",
                file_name(history_file)
            )
        }));
        let name = facts
            .as_ref()
            .map_or_else(|| folder_name(folder), |facts| facts.name.clone());
        Ok(Self {
            name,
            facts,
            predictions: run_predictions(folder, &history.rows, &mut warnings),
            kernels: head_kernels(folder, &history.rows, &mut warnings),
            rows: history.rows,
            warnings,
        })
    }

    /// One Keras-style file.
    pub fn keras_file(path: &Path) -> Result<Self, ReportError> {
        let name = stem(path);
        Ok(Self {
            rows: read_keras_csv(path, &name)?,
            name,
            facts: None,
            predictions: Vec::new(),
            kernels: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// A folder of Keras-style files.
    pub fn keras_folder(folder: &Path) -> Result<Self, ReportError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(ReportError::file("read", folder))? {
            let path = entry.map_err(ReportError::file("read", folder))?.path();
            if path.is_file()
                && path
                    .extension()
                    .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
            {
                files.push(path);
            }
        }
        if files.is_empty() {
            let reason = "holds no history: neither history.csv nor a Keras-style CSV file";
            return Err(ReportError::content(folder, reason));
        }
        files.sort();
        let mut rows = Vec::new();
        for file in &files {
            rows.extend(read_keras_csv(file, &stem(file))?);
        }
        Ok(Self {
            name: folder_name(folder),
            facts: None,
            rows,
            predictions: Vec::new(),
            kernels: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// From the rows and facts of a running experiment, with what its runs have left in `dir`.
    pub fn running(dir: &Path, facts: &ExperimentFacts, rows: &[EpochRow]) -> Self {
        let mut warnings = Vec::new();
        Self {
            name: facts.name.clone(),
            facts: Some(facts.clone()),
            predictions: run_predictions(dir, rows, &mut warnings),
            kernels: head_kernels(dir, rows, &mut warnings),
            rows: rows.to_vec(),
            warnings,
        }
    }

    /// The rows by head and seed; heads that the experiment plans come first.
    pub fn heads(&self) -> Vec<HeadRuns> {
        let planned = self.facts.iter().flat_map(|facts| &facts.heads);
        group(planned.map(|head| head.name.as_str()), &self.rows)
    }
}

/// What a file beside the histories holds. One that can't be read is left out with a warning: it is derived from a run,
/// and the run's next epoch writes it again.
fn usable<T>(read: Result<Option<T>, ReportError>, warnings: &mut Vec<String>) -> Option<T> {
    read.unwrap_or_else(|error| {
        warnings.push(format!("{error}: the file was left out."));
        None
    })
}

/// The classes that the test images were taken for at the end of the runs in the rows, where their folders tell.
fn run_predictions(dir: &Path, rows: &[EpochRow], warnings: &mut Vec<String>) -> Vec<RunPredictions> {
    let mut found = Vec::new();
    for (run, folder) in run_folders(rows) {
        let file = dir.join(folder).join(LAST_PREDICTIONS);
        if let Some(images) = usable(read_predictions(&file), warnings) {
            let (head, seed, epoch) = run;
            found.push(RunPredictions {
                head,
                seed,
                epoch,
                images,
            });
        }
    }
    found
}

/// The kernel of each head, a mean over its seeds, where the runs' folders have one.
fn head_kernels(dir: &Path, rows: &[EpochRow], warnings: &mut Vec<String>) -> Vec<HeadKernel> {
    let mut found: Vec<(String, Vec<SpatialKernel>)> = Vec::new();
    for ((head, ..), folder) in run_folders(rows) {
        let Some(kernel) = usable(SpatialKernel::read(&dir.join(folder).join(KERNEL)), warnings) else {
            continue;
        };
        match found.iter_mut().find(|(name, _)| *name == head) {
            Some((_, kernels)) => kernels.push(kernel),
            None => found.push((head, vec![kernel])),
        }
    }
    let means = found.into_iter().filter_map(|(head, kernels)| {
        let kernel = SpatialKernel::mean_of(&kernels)?;
        Some(HeadKernel {
            head,
            seeds: kernels.len(),
            kernel,
        })
    });
    means.collect()
}

/// Head, seed, last epoch and folder of the runs in the rows. A name that no folder can have comes from a history that
/// is not ours.
fn run_folders(rows: &[EpochRow]) -> impl Iterator<Item = ((String, u64, u64), String)> {
    let runs = group([], rows).into_iter().flat_map(|HeadRuns { head, runs }| {
        let of = move |run: Run| ((head.clone(), run.seed, run.last_epoch()), run_folder(&head, run.seed));
        runs.into_iter().map(of)
    });
    runs.filter_map(|(run, folder)| Some((run, folder.ok()?)))
}

/// Whether a CSV file begins as a tidy history does; a Keras-style one begins with a metric.
pub fn is_tidy(path: &Path) -> Result<bool, ReportError> {
    let bytes = input_file::read(path).map_err(ReportError::file("read", path))?;
    Ok(bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&bytes)
        .starts_with(b"head,"))
}

pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder's own name, also where the path is given as `.`.
pub fn folder_name(folder: &Path) -> String {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let full = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    file_name(&full)
}
