//! `wise-srnet check`: what an experiment would do and cost, without training.

use std::process::ExitCode;

use super::arguments::CheckArguments;
use super::error::CommandError;
use super::text::{bytes, count, duration, grouped};
use super::{machine, prepare, run};
use crate::data::Split;
use crate::experiment::{Checkpoints, Cost, Plan, Registry, Run};

/// The share of a matrix product's speed that a training step reaches, for the estimate of time (measured with
/// DenseNet169 and `mini_resnet`).
const SHARE_OF_PRODUCT_SPEED: f64 = 0.5;

/// Prints the plan.
pub fn check(arguments: CheckArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let plan = prepare::plan(&arguments.experiment, &arguments.changes, registry)?;
    let pool = machine::pool(arguments.processor)?;
    let speed = pool.install(machine::product_speed);
    let (experiment, splits) = (&plan.experiment, &plan.splits);
    println!("experiment  {}", experiment.name);
    println!(
        "network     {}, {} × {} pixels",
        experiment.network, experiment.image_size, experiment.image_size
    );
    println!("classes     {}", plan.dataset.classes.join(", "));
    println!("training    {}", images(&splits.train));
    println!("test        {}", images(&splits.test));
    match &splits.validation {
        Some(validation) => println!("validation  {}", images(validation)),
        None => println!("validation  none: the best epoch is chosen on the test split, as in the paper's notebooks"),
    }
    println!("results     {}", plan.folder(&arguments.out.folder).display());
    println!();
    print_costs(&plan, speed, pool.current_num_threads())?;
    for note in run::notes(&plan) {
        println!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
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

fn print_costs(plan: &Plan<'_>, speed: f64, threads: usize) -> Result<(), CommandError> {
    let (experiment, splits) = (&plan.experiment, &plan.splits);
    let tested = splits.test.len() + splits.validation.as_ref().map_or(0, Split::len);
    let available = machine::available_memory();
    let (mut memory, mut largest_batch, mut disk, mut seconds) = (0, u64::MAX, 0, 0.0);
    println!("{:<20} {:>14} {:>18}", "head", "parameters", "multiply-adds");
    for &head in &experiment.heads {
        let cost = Cost::of(&mut *plan.build(Run { head, seed: 0 })?)?;
        let total = cost.total();
        println!(
            "{:<20} {:>14} {:>18}",
            head.name(),
            grouped(total.parameters),
            grouped(total.multiply_adds)
        );
        memory = memory.max(cost.training_bytes(experiment.batch_size.min(splits.train.len())));
        largest_batch = largest_batch.min(cost.largest_batch(available.unwrap_or(u64::MAX)));
        disk += cost.checkpoint_bytes(kept(plan)) * experiment.seeds.len() as u64;
        let passes = (3 * splits.train.len() + tested) as f64 * experiment.epochs as f64;
        seconds += passes * 2.0 * total.multiply_adds as f64 * experiment.seeds.len() as f64;
    }
    seconds /= speed * SHARE_OF_PRODUCT_SPEED;
    println!();
    let steps = splits.train.len().div_ceil(experiment.batch_size);
    let (runs, epochs) = (count(plan.runs().len(), "run"), count(experiment.epochs, "epoch"));
    println!("plan        {runs} of {epochs} of {}", count(steps, "step"));
    println!(
        "time        about {} on {} (at {:.0} GFLOP/s, half of what a matrix product reached just now)",
        duration(seconds),
        count(threads, "thread"),
        speed * SHARE_OF_PRODUCT_SPEED / 1e9
    );
    println!("memory      up to {} for a training step", bytes(memory));
    if let Some(available) = available {
        println!(
            "            {} are available: enough for batches of up to {}",
            bytes(available),
            count(largest_batch as usize, "image")
        );
        if available < memory {
            println!("warning: a training step doesn't fit into the memory: use a smaller `--batch-size`");
        }
    }
    println!("disk        about {} of checkpoints", bytes(disk));
    Ok(())
}

/// Checkpoints that a run keeps beside the last and the best.
fn kept(plan: &Plan<'_>) -> u64 {
    match plan.experiment.checkpoints {
        Checkpoints::LastAndBest => 0,
        Checkpoints::EveryEpochs(every) => (plan.experiment.epochs / every) as u64,
    }
}
