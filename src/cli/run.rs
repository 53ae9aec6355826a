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
use crate::experiment::{Cost, Experiment, Plan, Registry, Run, Validation};
use crate::report::{EpochRow, ExperimentFacts, HeadFacts, read_history, run_folder, write_report};
use crate::training::{EpochResult, FitError, Observer, Outcome, Progress};

/// The settings as they were resolved, beside the results.
const RESOLVED: &str = "experiment.ron";

/// Runs the experiment.
pub fn run(arguments: RunArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let plan = prepare::plan(&arguments.experiment, &arguments.changes, registry)?;
    let folder = plan.folder(&arguments.out.folder);
    let _lock = lock(&folder)?;
    if arguments.fresh {
        start_over(&plan, &folder)?;
    }
    let interrupt = Interrupt::watch()?;
    let outcome = machine::pool(arguments.threads)?.install(|| train_all(&plan, &folder, &interrupt))?;
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

/// Deletes what these runs have left in their folders, and nothing else.
fn start_over(plan: &Plan<'_>, folder: &Path) -> Result<(), CommandError> {
    for run in plan.runs() {
        let folder = run_path(folder, run)?;
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_ours = path
                .extension()
                .is_some_and(|extension| extension == "safetensors" || extension == "csv");
            if is_ours {
                std::fs::remove_file(&path).map_err(|source| CommandError::Io { path, source })?;
            }
        }
    }
    Ok(())
}

fn run_path(folder: &Path, run: Run) -> Result<PathBuf, CommandError> {
    Ok(folder.join(run_folder(run.head.name(), run.seed)?))
}

fn train_all(plan: &Plan<'_>, folder: &Path, interrupt: &Interrupt) -> Result<Outcome, CommandError> {
    let mut results = Results {
        folder,
        facts: facts(plan)?,
        rows: Vec::new(),
    };
    for note in &results.facts.notes {
        eprintln!("note: {note}");
    }
    // All positions are read before anything is trained: a folder of another experiment is refused at once.
    for run in plan.runs() {
        let position = plan
            .fit(run, &run_path(folder, run)?)
            .position()
            .map_err(|error| explain(error, plan, folder))?;
        let Some(position) = position else { continue };
        results.keep_rows(run, position.epochs, position.last)?;
        if position.epochs < plan.experiment.epochs as u64 {
            let within = if position.batches > 0 {
                format!(", batch {}", position.batches + 1)
            } else {
                String::new()
            };
            eprintln!("{} resumes at epoch {}{within}", name(run), position.epochs + 1);
        }
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

/// Says which settings differ where a folder belongs to another run.
fn explain(error: FitError, plan: &Plan<'_>, folder: &Path) -> CommandError {
    let FitError::OtherRun { .. } = error else {
        return error.into();
    };
    let stored = Experiment::load(&folder.join(RESOLVED));
    match stored.and_then(|stored| stored.differences(&plan.experiment)) {
        Ok(differences) if !differences.is_empty() => {
            let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
            CommandError::OtherSettings {
                error,
                differences: lines.join("\n  "),
            }
        }
        _ => error.into(),
    }
}

fn store_settings(experiment: &Experiment, folder: &Path) -> Result<(), CommandError> {
    let path = folder.join(RESOLVED);
    let text = experiment.to_ron()?;
    crate::atomic_file::replace(&path, text.as_bytes()).map_err(|source| CommandError::Io { path, source })
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
        settings: experiment.settings()?,
        notes: notes(plan),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
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
    if plan.experiment.validation == Validation::TestSplit {
        let text =
            "The best epoch is chosen on the test split, as in the paper's notebooks: its accuracy is optimistic.";
        notes.push(text.to_owned());
    }
    notes
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
        let path = run_path(self.folder, run)?.join("history.csv");
        let stored = if path.exists() {
            read_history(&path)?.rows
        } else {
            Vec::new()
        };
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
