//! `wise-srnet check`: what an experiment would do and cost, without training.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rayon::ThreadPool;
use serde::Serialize;

use super::arguments::CheckArguments;
use super::error::CommandError;
use super::image_findings::{ImageFindings, Sentences};
use super::memory::Memory;
use super::table::{Side, Table};
use super::text::{bytes, count, duration, grouped, listed};
use super::{machine, next, output, prepare, run};
use crate::data::{Inspection, Split, balance};
use crate::experiment::{Checkpoints, Cost, HeadKind, OnBadImage, Orientation, Plan, Registry, Size, Step};
use crate::kernels::product::Unit;
use crate::plan::{MemoryUse, Precision};

/// The share of a matrix product's speed that a training step reaches, for the estimate of time (measured with
/// DenseNet169 and `mini_resnet`).
const SHARE_OF_PRODUCT_SPEED: f64 = 0.5;

/// The object that `--json` prints.
#[derive(Serialize)]
struct Findings<'a> {
    experiment: &'a str,
    network: &'a str,
    image_size: usize,
    classes: &'a [String],
    images: Images,
    /// The folder of the results.
    results: PathBuf,
    heads: Vec<Head>,
    runs: usize,
    epochs: usize,
    batch_size: usize,
    steps_per_epoch: usize,
    costs: Costs,
    data: ImageFindings<'a>,
    notes: Vec<String>,
    warnings: Sentences,
    errors: Sentences,
}

#[derive(Serialize)]
struct Images {
    train: usize,
    test: usize,
    validation: Option<usize>,
}

#[derive(Serialize)]
struct Head {
    name: &'static str,
    #[serde(flatten)]
    size: Size,
}

/// What all runs together take, estimated.
#[derive(Serialize)]
struct Costs {
    seconds: f64,
    threads: usize,
    /// The speed that the seconds are computed with.
    gflops: f64,
    /// Of a training step.
    memory_bytes: u64,
    /// What can be had; `null` where the system doesn't tell, as in the next.
    available_memory_bytes: Option<u64>,
    largest_batch: Option<u64>,
    /// What a step would take with `memory: Recompute`; `null` if it has that, or can't.
    recompute_memory_bytes: Option<u64>,
    /// What a step would take with `precision: Bf16`; `null` if it has that, or can't, or if this processor has no matrix
    /// instructions, without which bf16 is slower than f32.
    bf16_memory_bytes: Option<u64>,
    /// Of the checkpoints.
    disk_bytes: u64,
}

/// Prints the plan of each experiment.
pub fn check(arguments: CheckArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let pool = machine::pool(arguments.processor)?;
    let planned = pool.install(|| prepare::inspected(&arguments.experiment, &arguments.changes, registry))?;
    let speed = pool.install(machine::product_speed) * SHARE_OF_PRODUCT_SPEED;
    let mut mistaken = false;
    let mut unusable = 0;
    for (index, (plan, inspection)) in planned.iter().enumerate() {
        let findings = findings(plan, inspection, &arguments.out.folder, speed, &pool)?;
        mistaken |= !findings.errors.is_empty();
        if plan.experiment.on_bad_image == OnBadImage::Error {
            unusable = unusable.max(inspection.unreadable.len());
        }
        if arguments.json {
            output::json(&findings)?;
        } else {
            output::between(index)?;
            print(plan, &findings)?;
        }
    }
    if mistaken {
        output::tell("error: training would end with an error: see above");
        if unusable > 0 && !arguments.json {
            let skip = format!("on_bad_image=Skip({unusable})");
            let what = "mend or delete the images that can't be used, or leave them out";
            next::say(what, &again("check", &["--set", &skip]));
        }
        return Ok(ExitCode::FAILURE);
    }
    if !arguments.json {
        next::say("train", &again("run", &[]));
    }
    Ok(ExitCode::SUCCESS)
}

/// The command line of this process with another subcommand, and with more words.
fn again(subcommand: &str, more: &[&str]) -> Vec<OsString> {
    let own = std::env::args_os().skip(2);
    let words = std::iter::once(subcommand.into()).chain(own);
    words.chain(more.iter().map(OsString::from)).collect()
}

/// What a training step of these images would take with recomputation, if that is not how it is.
fn recomputing(costs: &[(HeadKind, Cost)], batch: usize) -> Option<u64> {
    let keeps = |cost: &Cost| cost.memory == MemoryUse::Keep;
    largest(costs, batch, keeps, |cost| cost.with_memory(MemoryUse::Recompute))
}

/// What it would take in bf16, if that is not how it is, and the processor has instructions for it.
fn in_bf16(costs: &[(HeadKind, Cost)], batch: usize) -> Option<u64> {
    let is_f32 = |cost: &Cost| cost.precision == Precision::F32 && Unit::current() == Unit::Amx;
    largest(costs, batch, is_f32, |cost| cost.with_precision(Precision::Bf16))
}

/// What the largest of the heads would take otherwise, if that is a change for all of them that a plan can make.
fn largest(
    costs: &[(HeadKind, Cost)],
    batch: usize,
    is_change: impl Fn(&Cost) -> bool,
    otherwise: impl Fn(&Cost) -> Cost,
) -> Option<u64> {
    let can_change = |cost: &Cost| is_change(cost) && cost.program.foreign == 0;
    let bytes = costs
        .iter()
        .map(|(_, cost)| otherwise(cost).step_bytes(Step::Training, batch));
    costs
        .iter()
        .all(|(_, cost)| can_change(cost))
        .then(|| bytes.max())
        .flatten()
}

fn findings<'a>(
    plan: &'a Plan<'_>,
    inspection: &'a Inspection,
    out: &Path,
    speed: f64,
    pool: &ThreadPool,
) -> Result<Findings<'a>, CommandError> {
    let (experiment, splits) = (&plan.experiment, &plan.splits);
    let heads = prepare::costs(plan, pool)?;
    let memory = Memory::of(&heads, prepare::largest_step(plan));
    let data = ImageFindings::of(plan, inspection);
    let (mut errors, mut warnings) = (Sentences::default(), Sentences::default());
    warnings.add(memory.warning());
    let (train, test) = (splits.train.class_counts(), splits.test.class_counts());
    warnings.add(balance::doubts(&plan.dataset.classes, &train, &test));
    data.tell(experiment.on_bad_image, inspection, &mut errors, &mut warnings);
    Ok(Findings {
        experiment: &experiment.name,
        network: &experiment.network,
        image_size: experiment.image_size,
        classes: &plan.dataset.classes,
        images: Images {
            train: splits.train.len(),
            test: splits.test.len(),
            validation: splits.validation.as_ref().map(Split::len),
        },
        results: plan.folder(out),
        heads: heads
            .iter()
            .map(|(head, cost)| Head {
                name: head.name(),
                size: cost.total(),
            })
            .collect(),
        runs: plan.runs().len(),
        epochs: experiment.epochs,
        batch_size: experiment.batch_size,
        steps_per_epoch: splits.train.len().div_ceil(experiment.batch_size),
        costs: costs_of(plan, &heads, memory, speed, pool.current_num_threads()),
        data,
        notes: run::notes(plan),
        warnings,
        errors,
    })
}

fn costs_of(plan: &Plan<'_>, heads: &[(HeadKind, Cost)], memory: Memory, speed: f64, threads: usize) -> Costs {
    let (experiment, splits) = (&plan.experiment, &plan.splits);
    let tested = splits.test.len() + splits.validation.as_ref().map_or(0, Split::len);
    let passes = (3 * splits.train.len() + tested) as f64 * experiment.epochs as f64;
    let seeds = experiment.seeds.len() as u64;
    let products: u64 = heads.iter().map(|(_, cost)| cost.total().multiply_adds).sum();
    let disk = heads.iter().map(|(_, cost)| cost.checkpoint_bytes(kept(plan)));
    Costs {
        seconds: passes * 2.0 * products as f64 * seeds as f64 / speed,
        threads,
        gflops: speed / 1e9,
        memory_bytes: memory.needed,
        available_memory_bytes: memory.available,
        largest_batch: memory.largest_batch,
        recompute_memory_bytes: recomputing(heads, prepare::largest_step(plan)),
        bf16_memory_bytes: in_bf16(heads, prepare::largest_step(plan)),
        disk_bytes: disk.sum::<u64>().saturating_mul(seeds),
    }
}

fn print(plan: &Plan<'_>, findings: &Findings<'_>) -> Result<(), CommandError> {
    let (size, splits, costs) = (findings.image_size, &plan.splits, &findings.costs);
    let mut facts = Table::new(&[Side::Left, Side::Left]);
    facts.row(["experiment", findings.experiment]);
    facts.row(["network", &format!("{}, {size} × {size} pixels", findings.network)]);
    facts.row(["classes", &listed(findings.classes, "")]);
    facts.row(["training", &images(&splits.train)]);
    facts.row(["test", &images(&splits.test)]);
    let validation = splits.validation.as_ref().map(images);
    let none = "none: the best epoch is chosen on the test split, as in the paper's notebooks";
    facts.row(["validation", validation.as_deref().unwrap_or(none)]);
    if let Some(turned) = turned(findings.data.asking_for_turn, plan.experiment.data.orientation) {
        facts.row(["orientation", &turned]);
    }
    facts.row(["results", &findings.results.to_string_lossy()]);
    let (runs, epochs) = (count(findings.runs, "run"), count(findings.epochs, "epoch"));
    let steps = count(findings.steps_per_epoch, "step");
    facts.row(["plan", &format!("{runs} of {epochs} of {steps}")]);
    let (time, threads) = (duration(costs.seconds), count(costs.threads, "thread"));
    let time = format!(
        "about {time} on {threads} (at {:.0} GFLOP/s, half of what a matrix product reached just now)",
        costs.gflops
    );
    facts.row(["time", &time]);
    facts.row([
        "memory",
        &format!("up to {} for a training step", bytes(costs.memory_bytes)),
    ]);
    if let (Some(available), Some(batch)) = (costs.available_memory_bytes, costs.largest_batch) {
        let (available, batch) = (bytes(available), count(batch as usize, "image"));
        facts.row([
            "",
            &format!("{available} are available: enough for batches of up to {batch}"),
        ]);
    }
    if let Some(recomputing) = costs.recompute_memory_bytes {
        let recomputing = bytes(recomputing);
        facts.row([
            "",
            &format!("{recomputing} with `memory: Recompute`, which takes a little longer"),
        ]);
    }
    if let Some(in_bf16) = costs.bf16_memory_bytes {
        let in_bf16 = bytes(in_bf16);
        facts.row([
            "",
            &format!("{in_bf16} with `precision: Bf16`, which this processor has matrix instructions for: about twice as fast"),
        ]);
    }
    facts.row(["disk", &format!("about {} of checkpoints", bytes(costs.disk_bytes))]);
    output::table(&facts)?;

    let mut heads = Table::new(&[Side::Left]);
    heads.text("");
    heads.row(["head", "parameters", "trainable", "multiply-adds"]);
    for Head { name, size } in &findings.heads {
        let numbers = [size.parameters, size.trainable, size.multiply_adds].map(grouped);
        heads.row([(*name).to_owned()].into_iter().chain(numbers));
    }
    heads.text("");
    for (kind, sentences) in [("error", &findings.errors), ("warning", &findings.warnings)] {
        sentences.shown().for_each(|text| heads.text(format!("{kind}: {text}")));
    }
    findings
        .notes
        .iter()
        .for_each(|text| heads.text(format!("note: {text}")));
    output::table(&heads)
}

/// What becomes of the images whose files ask for a turn, if there are any.
fn turned(images: usize, orientation: Orientation) -> Option<String> {
    let ask = if images == 1 { "asks" } else { "ask" };
    let becomes = match orientation {
        Orientation::Exif => "turned as their cameras noted",
        Orientation::Ignore => "left as stored, as Keras does: `orientation: Exif` in `data` turns them",
    };
    (images > 0).then(|| format!("{} {ask} to be turned; {becomes}", count(images, "image")))
}

fn images(split: &Split) -> String {
    let counts = split.class_counts();
    let (least, most) = (counts.iter().min().unwrap_or(&0), counts.iter().max().unwrap_or(&0));
    let each = if least == most {
        format!("{least}")
    } else {
        format!("{least} to {most}")
    };
    format!("{} ({each} a class)", count(split.len(), "image"))
}

/// Checkpoints that a run keeps beside the last and the best.
fn kept(plan: &Plan<'_>) -> u64 {
    match plan.experiment.checkpoints {
        Checkpoints::LastAndBest => 0,
        Checkpoints::EveryEpochs(every) => (plan.experiment.epochs / every) as u64,
    }
}
