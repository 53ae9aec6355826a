//! `wise-srnet EXPERIMENT.ron`: trains every run of a file's experiments, or goes on where it was interrupted, and keeps the
//! report up to date.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rayon::ThreadPool;

use super::arguments::{LogFormat, RunArguments};
use super::error::CommandError;
use super::events::{Event, Events};
use super::interrupt::Interrupt;
use super::memory::Memory;
use super::progress::{ImagesProgress, RunProgress};
use super::results::Results;
use super::results_folder::{changed_settings, run_path, store_contents, store_settings, stored_contents};
use super::text::{count, listed, printable};
use super::watcher::Watcher;
use super::{environment, left_out, machine, next, output, prepare, thumbnails};
use crate::atomic_file::{Disk, System};
use crate::data::Contents;
use crate::experiment::{Cost, Experiment, HeadKind, OnBadImage, Plan, Registry, Run};
use crate::report::{ExperimentFacts, HeadFacts};
use crate::runner::folder::{BEST, HISTORY, LAST, PAGE, is_run_file};
use crate::runner::{Histories, Kept, Lock, delete, inspect, sweep};
use crate::training::{CheckpointError, FitError, Outcome, Position, Standing};

/// Runs the experiments, one after the other.
pub fn run(arguments: RunArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let trained = train_on(&System, &arguments, registry, Interrupt::watch)?;
    if trained.outcome == Outcome::Stopped {
        return Ok(ExitCode::from(130));
    }
    if let (LogFormat::Text, Some(run_folder)) = (arguments.log_format, &trained.last_run) {
        let weights = [BEST, LAST].map(|name| run_folder.join(name));
        let there = weights.iter().find(|file| file.exists()).unwrap_or(&weights[0]);
        say_next(&arguments, &trained.results, there);
    }
    Ok(ExitCode::SUCCESS)
}

/// How the experiments of a file ended, and where.
pub struct Trained {
    /// Whether all of them did.
    pub outcome: Outcome,
    /// The folders of those that did.
    results: Vec<PathBuf>,
    /// The folder of the last run of them.
    last_run: Option<PathBuf>,
}

/// Trains the experiments on a disk. `watch` is called once everything has been looked at.
pub fn train_on(
    disk: &dyn Disk,
    arguments: &RunArguments,
    registry: &Registry,
    watch: impl FnOnce() -> Result<Interrupt, ctrlc::Error>,
) -> Result<Trained, CommandError> {
    // Everything is looked at before anything is trained: what is wrong with the last variant is said at once.
    let pool = machine::pool(arguments.processor)?;
    let plans = pool.install(|| prepare::plans(&arguments.experiment, &arguments.changes, registry))?;
    let costs = plans.iter().map(|plan| affordable(plan, &pool, arguments));
    let costs = costs.collect::<Result<Vec<_>, _>>()?;
    let ready = plans.into_iter().zip(costs);
    let ready = ready.map(|(plan, costs)| Ready::new(disk, plan, costs, arguments));
    let ready = ready.collect::<Result<Vec<_>, _>>()?;
    let are_several = ready.len() > 1;
    let interrupt = watch()?;
    let events = Events(arguments.log_format);
    let mut trained = Trained {
        outcome: Outcome::Finished,
        results: Vec::new(),
        last_run: None,
    };
    // Standard output that can't be written to doesn't keep the experiments that are left from being trained.
    let mut told = Ok(());
    // Each plan is dropped when it has been run, with the images that it keeps in memory.
    for ready in ready {
        let (plan, folder) = (&ready.plan, ready.lock.folder());
        events.tell(&Event::ExperimentStarted {
            experiment: &plan.experiment.name,
            results: folder,
        })?;
        if are_several {
            output::tell(format_args!("experiment {}", plan.experiment.name));
        }
        trained.outcome = pool.install(|| train_all(&ready, &interrupt, events))?;
        told = told.and(say_written(&folder.join(PAGE), trained.outcome, events));
        if trained.outcome == Outcome::Stopped {
            break;
        }
        trained.last_run = plan.runs().last().map(|&run| run_path(folder, run)).transpose()?;
        trained.results.push(folder.to_owned());
    }
    told.map(|()| trained)
}

/// What the runs of a plan cost, if their memory can be had.
fn affordable(
    plan: &Plan<'_>,
    pool: &ThreadPool,
    arguments: &RunArguments,
) -> Result<Vec<(HeadKind, Cost)>, CommandError> {
    let costs = prepare::costs(plan, pool)?;
    let memory = Memory::of(&costs, prepare::largest_step(plan));
    if let Some(warning) = memory.judge(arguments.ignore_memory)? {
        output::tell(format_args!("warning: {warning}"));
    }
    Ok(costs)
}

/// An experiment whose folder belongs to this process and holds nothing that is in its way.
struct Ready<'r> {
    plan: Plan<'r>,
    costs: Vec<(HeadKind, Cost)>,
    lock: Lock<'r>,
    /// As they were before this command; none that belong to what it starts over.
    histories: Histories,
    /// Results of runs that this command leaves out.
    others: Kept,
    is_fresh: bool,
}

impl<'r> Ready<'r> {
    fn new(
        disk: &'r dyn Disk,
        mut plan: Plan<'r>,
        costs: Vec<(HeadKind, Cost)>,
        arguments: &RunArguments,
    ) -> Result<Self, CommandError> {
        let folder = plan.folder(&arguments.out.folder);
        let lock = Lock::take_on(disk, &folder)?;
        inspect(&folder)?;
        sweep(&folder)?;
        let run_folders = plan.runs().into_iter().map(|run| run_path(&folder, run));
        let run_folders = run_folders.collect::<Result<Vec<_>, _>>()?;
        let differences = changed_settings(&plan.experiment, &folder)?;
        let histories = Histories::of(&folder)?;
        let others = if differences.is_empty() {
            let runs: Vec<_> = plan.runs().iter().map(|run| (run.head.name(), run.seed)).collect();
            histories.of_others(&lock, &runs)?
        } else {
            Kept::default()
        };
        if arguments.fresh {
            for run_folder in &run_folders {
                delete(run_folder, is_run_file)?;
            }
        } else if !differences.is_empty() {
            let differences = differences
                .iter()
                .map(|difference| format!("\n  {difference}"))
                .collect();
            return Err(CommandError::OtherSettings { folder, differences });
        }
        note_contents(&mut plan, &folder, arguments)?;
        Ok(Self {
            plan,
            costs,
            lock,
            histories,
            others,
            is_fresh: arguments.fresh,
        })
    }
}

/// Takes note of what the images' files hold, and refuses images that were replaced since the results were begun.
fn note_contents(plan: &mut Plan<'_>, folder: &Path, arguments: &RunArguments) -> Result<(), CommandError> {
    const NAMED: usize = 5;
    let accept = arguments.accept_changed_images;
    let before = if arguments.fresh {
        Contents::default()
    } else {
        stored_contents(folder)
    };
    let progress = ImagesProgress::new();
    plan.note_contents(&before, accept, &|done, all| progress.tell(done, all))?;
    let replaced = plan.contents().replaced_since(&before);
    if replaced.is_empty() || accept {
        return Ok(());
    }
    let named = replaced.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let images = match replaced.len() {
        ..=NAMED => named,
        more => format!("{named} and {} more", more - NAMED),
    };
    Err(CommandError::ChangedImages {
        folder: folder.to_owned(),
        images,
    })
}

fn say_written(report: &Path, outcome: Outcome, events: Events) -> Result<(), CommandError> {
    events.tell(&Event::ReportWritten { path: report })?;
    match (events.0, outcome) {
        (LogFormat::Json, _) => Ok(()),
        (LogFormat::Text, Outcome::Finished) => output::line(&format!("report: {}", printable(report))),
        (LogFormat::Text, Outcome::Stopped) => output::line(&format!(
            "stopped; the same command goes on from here. Report so far: {}",
            printable(report)
        )),
    }
}

/// Says what can be done with the results of all experiments, and with a checkpoint of the last one.
fn say_next(arguments: &RunArguments, results: &[PathBuf], checkpoint: &Path) {
    if let [only] = results {
        next::open(&only.join(PAGE));
        let mut evaluate = vec!["evaluate".into()];
        evaluate.extend(arguments.experiment.words());
        if let Some(data) = &arguments.changes.data {
            evaluate.extend(["--data".into(), data.into()]);
        }
        evaluate.extend(["--checkpoint".into(), checkpoint.into()]);
        next::say("see which classes are mistaken for which", &evaluate);
    } else {
        let mut report = vec!["report".into()];
        report.extend(results.iter().map(OsString::from));
        let stem = arguments
            .experiment
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let together = arguments.out.folder.join(format!("{stem}-together"));
        report.extend(["--out".into(), together.into()]);
        next::say("draw the variants together", &report);
    }
    next::predict("classify images of your own", checkpoint);
}

fn train_all(ready: &Ready<'_>, interrupt: &Interrupt, events: Events) -> Result<Outcome, CommandError> {
    let (plan, folder) = (&ready.plan, ready.lock.folder());
    // Other experiments of the file can have been trained for days since it was locked.
    ready.lock.check()?;
    let facts = facts(plan, &ready.costs)?;
    let mut results = Results::new(&ready.lock, facts, chance(plan), ready.others.rows.clone());
    ready.others.told.iter().for_each(|told| warn(told));
    for image in &plan.left_out {
        output::tell(format_args!("left out: {}", image.reason));
    }
    for note in results.notes() {
        output::tell(format_args!("note: {note}"));
    }
    // All positions are read before anything is trained: a folder of another experiment is refused at once.
    for run in plan.runs() {
        let path = run_path(folder, run)?;
        let mut fit = plan.fit(run, &path);
        fit.disk = &ready.lock;
        let Some(Standing { position, fallback }) = fit.standing()? else {
            if !ready.is_fresh && ready.histories.know(run.head.name(), run.seed) {
                let found = format!("rows of it in {}", printable(folder.join(HISTORY)));
                return Err(CheckpointError::StateLost { folder: path, found }.into());
            }
            continue;
        };
        if let Some(unreadable) = fallback {
            output::tell(format_args!(
                "warning: {unreadable}; {} goes on from the checkpoint before it",
                run
            ));
        }
        results
            .keep_rows(run, &ready.histories, &position)?
            .iter()
            .for_each(|told| warn(told));
        let best = fit.best(&position, results.best_epoch(run, position.best))?;
        results.look_after_best(run, best);
        output::tell(format_args!("{run} {}", outlook(plan, &position)));
    }
    store_settings(&plan.experiment, &ready.lock)?;
    store_contents(plan.contents(), &ready.lock)?;
    environment::record(&ready.lock, ready.plan.experiment.precision)?;
    results.write()?;
    let trained = train_runs(plan, &mut results, interrupt, events).and_then(|outcome| {
        thumbnails::write(&ready.lock, &plan.splits.test)?;
        Ok(outcome)
    });
    // The image that ended the run may be mended without being taken for a replaced one.
    if let Err(CommandError::Fit(FitError::Data(error))) = &trained
        && let Some(image) = error.image()
        && ready.lock.check().is_ok()
    {
        store_contents(&plan.contents_without(image), &ready.lock)?;
    }
    // The report has the last epoch whatever happened; what went wrong first is what is told.
    let drawn = results.write();
    trained.and_then(|outcome| drawn.map(|()| outcome))
}

fn train_runs(
    plan: &Plan<'_>,
    results: &mut Results<'_>,
    interrupt: &Interrupt,
    events: Events,
) -> Result<Outcome, CommandError> {
    for run in plan.runs() {
        if train(plan, run, results, interrupt, events)? == Outcome::Stopped {
            return Ok(Outcome::Stopped);
        }
    }
    Ok(Outcome::Finished)
}

fn train(
    plan: &Plan<'_>,
    run: Run,
    results: &mut Results<'_>,
    interrupt: &Interrupt,
    events: Events,
) -> Result<Outcome, CommandError> {
    let path = run_path(results.folder(), run)?;
    let mut fit = plan.fit(run, &path);
    fit.disk = results.lock();
    let mut model = plan.build(run)?;
    let progress = RunProgress::new(&run.to_string(), fit.epochs, plan.splits.train.len() as u64);
    let (head, seed) = (run.head.name(), run.seed);
    events.tell(&Event::RunStarted {
        head,
        seed,
        epochs: fit.epochs,
        epochs_done: results.epochs_of(run),
    })?;
    let mut watcher = Watcher {
        plan,
        run,
        results,
        progress,
        interrupt,
        events,
        warned: false,
    };
    let outcome = fit.run(&mut *model, &mut watcher)?;
    events.tell(&match outcome {
        Outcome::Finished => Event::RunFinished { head, seed },
        Outcome::Stopped => Event::RunStopped { head, seed },
    })?;
    Ok(outcome)
}

fn warn(told: &str) {
    output::tell(format_args!("warning: {told}"));
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

/// What the report says about the experiment.
fn facts(plan: &Plan<'_>, costs: &[(HeadKind, Cost)]) -> Result<ExperimentFacts, CommandError> {
    let experiment = &plan.experiment;
    let heads = costs.iter().map(|(head, cost)| {
        let size = cost.total();
        HeadFacts {
            name: head.to_string(),
            parameters: size.parameters,
            trainable: size.trainable,
            multiply_adds: size.multiply_adds,
        }
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
        heads: heads.collect(),
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
    notes.extend(plan.layers_left_out.note());
    notes.extend(left_out::sentences(&plan.dataset.left_out));
    if let (OnBadImage::Skip(_), false) = (plan.experiment.on_bad_image, plan.left_out.is_empty()) {
        let images = count(plan.left_out.len(), "image");
        let names = listed(plan.left_out.iter().map(|image| &image.image), "");
        notes.push(format!("{images} can't be used and were left out: {names}"));
    }
    let replaced = plan.contents().replaced();
    if replaced > 0 {
        let images = count(replaced, "image");
        notes.push(format!(
            "{images} took another's place under the same name after training had begun: epochs before and after don't compare"
        ));
    }
    let counts = plan.splits.train.class_counts();
    let absent = counts.iter().filter(|&&images| images == 0).count();
    if absent > 0 {
        let classes = counts.len();
        notes.push(format!(
            "{absent} of {classes} classes have no training image: raise `limit_train`"
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

/// The accuracy of always guessing the class that the most training images have.
fn chance(plan: &Plan<'_>) -> f64 {
    let counts = plan.splits.train.class_counts();
    let most = counts.into_iter().max().unwrap_or(0);
    most as f64 / plan.splits.train.len().max(1) as f64
}
