//! `wise-srnet EXPERIMENT.ron`: trains every run of an experiment, or goes on where it was interrupted, and keeps the
//! report up to date.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::arguments::RunArguments;
use super::error::CommandError;
use super::interrupt::Interrupt;
use super::progress::RunProgress;
use super::text::count;
use super::{machine, prepare};
use crate::atomic_file;
use crate::experiment::{Cost, Difference, Experiment, Plan, Registry, Run};
use crate::report::{EpochRow, ExperimentFacts, HeadFacts, is_run_history, read_history, run_folder, write_report};
use crate::training::{EpochResult, Observer, Outcome, Position, Progress, is_checkpoint};

/// The settings as they were resolved, beside the results.
const RESOLVED: &str = "experiment.ron";

/// The epochs of a run, in its folder, and those of all runs.
const HISTORY: &str = "history.csv";

/// Runs the experiment.
pub fn run(arguments: RunArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let plan = prepare::plan(&arguments.experiment, &arguments.changes, registry)?;
    let folder = plan.folder(&arguments.out.folder);
    let _lock = lock(&folder)?;
    let run_folders = plan.runs().into_iter().map(|run| run_path(&folder, run));
    let run_folders = run_folders.collect::<Result<Vec<_>, _>>()?;
    for each in run_folders.iter().chain([&folder]) {
        delete(each, atomic_file::is_leftover)?;
    }
    let differences = changed_settings(&plan.experiment, &folder)?;
    let others = if differences.is_empty() {
        rows_of_other_runs(&plan, &folder)?
    } else {
        Vec::new()
    };
    if arguments.fresh {
        for run_folder in &run_folders {
            delete(run_folder, |name| is_checkpoint(name) || is_run_history(name))?;
        }
    } else if !differences.is_empty() {
        let differences = differences
            .iter()
            .map(|difference| format!("\n  {difference}"))
            .collect();
        return Err(CommandError::OtherSettings { folder, differences });
    }
    let interrupt = Interrupt::watch()?;
    let outcome = machine::pool(arguments.threads)?.install(|| train_all(&plan, &folder, others, &interrupt))?;
    let report = folder.join("report.html");
    Ok(match outcome {
        Outcome::Finished => {
            println!("report: {}", report.display());
            ExitCode::SUCCESS
        }
        Outcome::Stopped => {
            println!(
                "stopped; the same command goes on from here. Report so far: {}",
                report.display()
            );
            ExitCode::from(130)
        }
    })
}

/// Keeps a second process out of the folder as long as the file lives.
fn lock(folder: &Path) -> Result<File, CommandError> {
    let path = folder.join(".lock");
    let io = |source| CommandError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(CommandError::Locked(folder.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Deletes the folder's files with these names, and nothing else; the folder need not exist.
fn delete(folder: &Path, unwanted: impl Fn(&str) -> bool) -> Result<(), CommandError> {
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
fn changed_settings(experiment: &Experiment, folder: &Path) -> Result<Vec<Difference>, CommandError> {
    let Ok(stored) = Experiment::load(&folder.join(RESOLVED)) else {
        return Ok(Vec::new());
    };
    Ok(stored.differences(experiment)?)
}

fn run_path(folder: &Path, run: Run) -> Result<PathBuf, CommandError> {
    Ok(folder.join(run_folder(run.head.name(), run.seed)?))
}

fn train_all(
    plan: &Plan<'_>,
    folder: &Path,
    others: Vec<EpochRow>,
    interrupt: &Interrupt,
) -> Result<Outcome, CommandError> {
    let mut results = Results {
        folder,
        facts: facts(plan)?,
        rows: others,
    };
    for note in &results.facts.notes {
        eprintln!("note: {note}");
    }
    // All positions are read before anything is trained: a folder of another experiment is refused at once.
    for run in plan.runs() {
        let Some(position) = plan.fit(run, &run_path(folder, run)?).position()? else {
            continue;
        };
        results.keep_rows(run, position.epochs, position.last)?;
        eprintln!("{} {}", name(run), outlook(plan, &position));
    }
    store_settings(&plan.experiment, folder)?;
    results.write()?;
    for run in plan.runs() {
        if train(plan, run, &mut results, interrupt)? == Outcome::Stopped {
            return Ok(Outcome::Stopped);
        }
    }
    Ok(Outcome::Finished)
}

fn train(plan: &Plan<'_>, run: Run, results: &mut Results<'_>, interrupt: &Interrupt) -> Result<Outcome, CommandError> {
    let path = run_path(results.folder, run)?;
    let fit = plan.fit(run, &path);
    let mut model = plan.build(run)?;
    let progress = RunProgress::new(&name(run), fit.epochs, plan.splits.train.len() as u64);
    let mut watcher = Watcher {
        run,
        results,
        progress,
        interrupt,
    };
    Ok(fit.run(&mut *model, &mut watcher)?)
}

fn name(run: Run) -> String {
    format!("{} seed {}", run.head, run.seed)
}

/// What becomes of a run that has been started before.
fn outlook(plan: &Plan<'_>, position: &Position) -> String {
    if position.epochs >= plan.experiment.epochs as u64 {
        return format!("has done {}", count(position.epochs as usize, "epoch"));
    }
    let batches = plan.splits.train.len().div_ceil(plan.experiment.batch_size);
    let within = match position.batches {
        0 => String::new(),
        all if all >= batches => ", evaluation".to_owned(),
        some => format!(", batch {}", some + 1),
    };
    format!("resumes at epoch {}{within}", position.epochs + 1)
}

fn store_settings(experiment: &Experiment, folder: &Path) -> Result<(), CommandError> {
    let path = folder.join(RESOLVED);
    let text = experiment.to_ron()?;
    atomic_file::replace(&path, text.as_bytes()).map_err(|source| CommandError::Io { path, source })
}

/// What the report says about the experiment.
fn facts(plan: &Plan<'_>) -> Result<ExperimentFacts, CommandError> {
    let experiment = &plan.experiment;
    let heads = experiment.heads.iter().map(|&head| {
        let size = Cost::of(&mut *plan.build(Run { head, seed: 0 })?)?.total();
        let (parameters, trainable, multiply_adds) = (size.parameters, size.trainable, size.multiply_adds);
        Ok(HeadFacts {
            name: head.to_string(),
            parameters,
            trainable,
            multiply_adds,
        })
    });
    Ok(ExperimentFacts {
        name: experiment.name.clone(),
        network: experiment.network.clone(),
        image_size: experiment.image_size,
        classes: plan.dataset.classes.clone(),
        train_images: plan.splits.train.len(),
        test_images: plan.splits.test.len(),
        validation_images: plan.splits.validation.as_ref().map(|split| split.len()),
        epochs: experiment.epochs as u64,
        batch_size: experiment.batch_size,
        seeds: experiment.seeds.clone(),
        heads: heads.collect::<Result<_, CommandError>>()?,
        settings: other_settings(experiment)?,
        notes: notes(plan),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The settings that the report doesn't have a place of their own for.
fn other_settings(experiment: &Experiment) -> Result<Vec<(String, String)>, CommandError> {
    const SHOWN: [&str; 7] = [
        "name",
        "network",
        "image_size",
        "heads",
        "seeds",
        "epochs",
        "batch_size",
    ];
    let settings = experiment.settings()?;
    Ok(settings
        .into_iter()
        .filter(|(name, _)| !SHOWN.contains(&name.as_str()))
        .collect())
}

/// What has to be said wherever results appear.
pub fn notes(plan: &Plan<'_>) -> Vec<String> {
    let mut notes: Vec<String> = plan.dataset.note.iter().cloned().collect();
    if plan.dataset.ignored_files > 0 {
        let files = count(plan.dataset.ignored_files, "file");
        notes.push(format!(
            "{files} of the data set are not images by their names and were left out"
        ));
    }
    let (train, batch) = (plan.splits.train.len(), plan.experiment.batch_size);
    if train < batch {
        notes.push(format!(
            "There are fewer training images ({train}) than a batch has ({batch}). The notebooks' schedule divides by \
             zero here; this program counts one step an epoch."
        ));
    }
    notes
}

/// The rows of one history; none where there is no file yet.
fn stored_rows(history: &Path) -> Result<Vec<EpochRow>, CommandError> {
    if !history.exists() {
        return Ok(Vec::new());
    }
    Ok(read_history(history)?.rows)
}

/// The rows of runs that this command leaves out (`--heads`, `--seeds`): they stay in the report.
fn rows_of_other_runs(plan: &Plan<'_>, folder: &Path) -> Result<Vec<EpochRow>, CommandError> {
    let runs = plan.runs();
    let is_own = |row: &EpochRow| {
        runs.iter()
            .any(|run| run.head.name() == row.head && run.seed == row.seed)
    };
    let mut rows = stored_rows(&folder.join(HISTORY))?;
    rows.retain(|row| !is_own(row));
    Ok(rows)
}

/// The rows of all runs, and the folder with their report.
struct Results<'a> {
    folder: &'a Path,
    facts: ExperimentFacts,
    rows: Vec<EpochRow>,
}

impl Results<'_> {
    /// Takes over a run's stored rows up to its checkpoint's epoch. The program can have ended between the checkpoint and
    /// the row, so the last row is in the checkpoint too.
    fn keep_rows(&mut self, run: Run, epochs: u64, last: Option<EpochResult>) -> Result<(), CommandError> {
        let stored = stored_rows(&run_path(self.folder, run)?.join(HISTORY))?;
        self.rows.extend(stored.into_iter().filter(|row| row.epoch < epochs));
        self.rows.extend(last.map(|result| row(run, &result)));
        Ok(())
    }

    fn write(&self) -> Result<(), CommandError> {
        Ok(write_report(self.folder, &self.facts, &self.rows)?)
    }
}

fn row(run: Run, result: &EpochResult) -> EpochRow {
    EpochRow {
        head: run.head.to_string(),
        seed: run.seed,
        epoch: result.epoch,
        learning_rate: result.learning_rate,
        train_loss: result.train.loss,
        train_accuracy: result.train.accuracy,
        test_loss: result.test.loss,
        test_accuracy: result.test.accuracy,
        seconds: result.seconds,
        validation_loss: result.validation.map(|scores| scores.loss),
        validation_accuracy: result.validation.map(|scores| scores.accuracy),
    }
}

struct Watcher<'a, 'r> {
    run: Run,
    results: &'a mut Results<'r>,
    progress: RunProgress,
    interrupt: &'a Interrupt,
}

impl Observer for Watcher<'_, '_> {
    fn step(&mut self, progress: Progress) -> ControlFlow<()> {
        self.progress.step(&progress);
        self.interrupt.flow()
    }

    fn evaluated(&mut self, _: usize) -> ControlFlow<()> {
        self.interrupt.flow()
    }

    fn epoch(&mut self, result: &EpochResult) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.progress.epoch(result);
        self.results.rows.push(row(self.run, result));
        Ok(self.results.write()?)
    }
}
