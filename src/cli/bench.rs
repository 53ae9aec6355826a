//! `wise-srnet bench`: the time of a training or inference step on random input.

use std::process::ExitCode;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::arguments::BenchArguments;
use super::bench_plan::PlanReport;
use super::error::CommandError;
use super::memory::Memory;
use super::table::{Side, Table};
use super::{machine, output};
use crate::experiment::{Cost, Registry, Step};
use crate::plan::{MemoryUse, Precision};
use crate::program::Program;
use crate::stopwatch::{Direction, Span, stopwatch};
use crate::training::{Model, Sgd};

/// As many classes as MIT Indoor Scenes has.
const CLASSES: usize = 67;

/// The object that `--json` prints on one line.
#[derive(Serialize)]
struct Measurement {
    network: String,
    size: usize,
    head: &'static str,
    batch: usize,
    mode: &'static str,
    precision: &'static str,
    threads: usize,
    steps: usize,
    /// Median over the steps.
    seconds_per_step: f64,
    images_per_second: f64,
    /// 10⁹ floating-point operations a second: two for each multiply-add, and a backward pass is two forward passes.
    gflops: f64,
    /// Feature maps, parameters, velocities and packed kernels; none of a network without a plan.
    planned_memory_bytes: Option<u64>,
    peak_memory_bytes: Option<u64>,
    /// What the process had resident before the network was built.
    memory_before_bytes: Option<u64>,
    /// The time of one more step by kind of layer, with `--by-layer`.
    layers: Option<Vec<KindTime>>,
    /// What a step does, with `--plan`.
    plan: Option<PlanReport>,
}

/// The time that all layers of one kind took in a step.
#[derive(Serialize)]
struct KindTime {
    /// The kind; what is no layer has the name `other`: the loss, the optimizer.
    name: &'static str,
    calls: usize,
    forward_seconds: f64,
    backward_seconds: f64,
    /// Share of the step's time.
    share: f64,
}

/// Measures and prints.
pub fn bench(arguments: BenchArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let pool = machine::pool(arguments.processor)?;
    let precisions = if arguments.compare_precision {
        &Precision::ALL[..]
    } else {
        &[arguments.precision]
    };
    let mut seconds = Vec::new();
    for &precision in precisions {
        let mut measurement = pool.install(|| measure(&arguments, precision, registry))?;
        if !seconds.is_empty() {
            // The process's peak is that of all of them.
            (measurement.peak_memory_bytes, measurement.memory_before_bytes) = (None, None);
        }
        seconds.push(measurement.seconds_per_step);
        print(&arguments, &measurement)?;
    }
    if let [f32, bf16] = seconds[..]
        && !arguments.json
    {
        output::line(&format!("bf16 is {:.2} times as fast as f32", f32 / bf16))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(arguments: &BenchArguments, measurement: &Measurement) -> Result<(), CommandError> {
    if arguments.json {
        return output::json(measurement);
    }
    output::line(&format!(
        "{} {} px, {}, batch {}, {} in {} on {} threads: {:.4} s a step, {:.2} images/s, {:.1} GFLOP/s",
        measurement.network,
        measurement.size,
        measurement.head,
        measurement.batch,
        measurement.mode,
        measurement.precision,
        measurement.threads,
        measurement.seconds_per_step,
        measurement.images_per_second,
        measurement.gflops
    ))?;
    if let Some(layers) = &measurement.layers {
        output::table(&table(layers))?;
    }
    if let Some(plan) = &measurement.plan {
        output::table(&plan.table())?;
    }
    Ok(())
}

fn measure(arguments: &BenchArguments, precision: Precision, registry: &Registry) -> Result<Measurement, CommandError> {
    let memory_before_bytes = machine::resident_memory();
    let mut model = registry
        .build_named(&arguments.network, arguments.size, arguments.head, 0, CLASSES)
        .map_err(|problem| CommandError::Usage(problem.to_string()))?;
    let kept = if arguments.recompute {
        MemoryUse::Recompute
    } else {
        MemoryUse::Keep
    };
    if !model.set_memory(kept) {
        return Err(CommandError::Usage(format!(
            "{} has operations of dfdx itself, whose maps can't be made again",
            arguments.network
        )));
    }
    if !model.set_precision(precision) {
        return Err(CommandError::Usage(format!(
            "{} has operations of dfdx itself, which are f32",
            arguments.network
        )));
    }
    let batch = usize::from(arguments.batch);
    let cost = Cost::of(&mut *model)?;
    let program = &cost.program;
    let plan = (program.foreign == 0).then(|| cost.plan(kind_of_step(arguments)));
    if arguments.plan && plan.is_none() {
        return Err(CommandError::Usage(format!(
            "{} has operations of dfdx itself: it runs without a plan",
            arguments.network
        )));
    }
    let memory = Memory::of_bench(&cost, kind_of_step(arguments), batch);
    if let Some(warning) = memory.judge(arguments.ignore_memory)? {
        output::tell(format_args!("warning: {warning}"));
    }
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let images: Vec<f32> = (0..batch * arguments.size * arguments.size * 3)
        .map(|_| random.gen_range(-1.0..1.0))
        .collect();
    let labels: Vec<usize> = (0..batch).map(|_| random.gen_range(0..CLASSES)).collect();
    // Inference has no velocities.
    let mut optimizer = (!arguments.infer).then(|| Sgd::new(&mut *model, 0.9));
    let mut seconds = Vec::new();
    for _ in 0..=arguments.steps {
        let start = Instant::now();
        step(&mut *model, optimizer.as_mut(), &images, &labels)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let median = median(&mut seconds[1..]);
    let divided = if arguments.by_layer || arguments.plan {
        let start = Instant::now();
        let (result, spans) = stopwatch(|| step(&mut *model, optimizer.as_mut(), &images, &labels));
        result?;
        Some((spans, start.elapsed().as_secs_f64()))
    } else {
        None
    };
    let spans = |is_wanted: bool| divided.as_ref().filter(|_| is_wanted);
    let passes = if arguments.infer { 1.0 } else { 3.0 };
    let products = cost.total().multiply_adds as f64;
    Ok(Measurement {
        network: arguments.network.clone(),
        size: arguments.size,
        head: arguments.head.name(),
        batch,
        mode: if arguments.infer { "infer" } else { "train" },
        precision: precision.name(),
        threads: rayon::current_num_threads(),
        steps: seconds.len() - 1,
        seconds_per_step: median,
        images_per_second: batch as f64 / median,
        gflops: passes * 2.0 * products * batch as f64 / median / 1e9,
        planned_memory_bytes: plan.as_ref().map(|plan| plan.memory(program, batch).total()),
        peak_memory_bytes: machine::peak_memory(),
        memory_before_bytes,
        layers: spans(arguments.by_layer).map(|(spans, whole)| by_kind(program, spans, *whole)),
        plan: (plan.as_ref().zip(spans(arguments.plan)))
            .map(|(plan, (spans, _))| PlanReport::new(program, plan, batch, spans)),
    })
}

fn kind_of_step(arguments: &BenchArguments) -> Step {
    if arguments.infer {
        Step::Inference
    } else {
        Step::Training
    }
}

/// The spans of a step, summed by kinds of layers; those that take most time come first.
fn by_kind(program: &Program, spans: &[Span], whole: f64) -> Vec<KindTime> {
    let mut kinds: Vec<KindTime> = Vec::new();
    for span in spans {
        let place = kinds.iter().position(|kind| kind.name == span.kind).unwrap_or_else(|| {
            let of_kind = program.steps.iter().filter(|step| step.instruction.name() == span.kind);
            kinds.push(KindTime {
                name: span.kind,
                calls: of_kind.count().max(1),
                forward_seconds: 0.0,
                backward_seconds: 0.0,
                share: 0.0,
            });
            kinds.len() - 1
        });
        let seconds = span.time.as_secs_f64();
        kinds[place].share += seconds / whole;
        match span.direction {
            Direction::Forward => kinds[place].forward_seconds += seconds,
            Direction::Backward => kinds[place].backward_seconds += seconds,
        }
    }
    let layers: f64 = kinds.iter().map(|kind| kind.share).sum();
    kinds.push(KindTime {
        name: "other",
        calls: 1,
        forward_seconds: (1.0 - layers).max(0.0) * whole,
        backward_seconds: 0.0,
        share: (1.0 - layers).max(0.0),
    });
    kinds.sort_by(|a, b| b.share.total_cmp(&a.share));
    kinds
}

fn table(kinds: &[KindTime]) -> Table {
    let mut table = Table::new(&[Side::Left, Side::Right, Side::Right, Side::Right, Side::Right]);
    table.row(["layer", "calls", "forward", "backward", "share"].map(str::to_owned));
    for kind in kinds {
        table.row([
            kind.name.to_owned(),
            kind.calls.to_string(),
            format!("{:.1} ms", 1e3 * kind.forward_seconds),
            format!("{:.1} ms", 1e3 * kind.backward_seconds),
            format!("{:.1} %", 100.0 * kind.share),
        ]);
    }
    table
}

/// A step with an optimizer trains; one without infers.
fn step(
    model: &mut dyn Model,
    optimizer: Option<&mut Sgd>,
    images: &[f32],
    labels: &[usize],
) -> Result<(), CommandError> {
    match optimizer {
        Some(optimizer) => drop(model.update(images.to_vec(), labels, optimizer, 0.01)?),
        None => drop(model.logits(images.to_vec(), labels.len())?),
    }
    Ok(())
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}
