//! `wise-srnet bench --plan`: what a step does, launch by launch, where in memory and for how long.

use serde::Serialize;

use super::table::{Side, Table};
use crate::plan::{Access, Lifetime, Plan};
use crate::program::Program;
use crate::stopwatch::Span;

/// A plan for batches of one size, with the times of one step.
#[derive(Serialize)]
pub struct PlanReport {
    launches: Vec<TimedLaunch>,
    buffers: Vec<Placed>,
}

#[derive(Serialize)]
struct TimedLaunch {
    operation: &'static str,
    pass: &'static str,
    /// The path to the operation's parameters, if it has any.
    layer: Option<String>,
    /// Buffers, by their places in the list.
    reads: Vec<usize>,
    writes: Vec<usize>,
    seconds: f64,
    gflops: Option<f64>,
}

/// A buffer's place in memory, and when it is alive.
#[derive(Serialize)]
struct Placed {
    bytes: usize,
    offset_bytes: usize,
    /// None is one that nothing touches.
    first_launch: Option<usize>,
    last_launch: Option<usize>,
}

impl PlanReport {
    /// Of a step of `batch` images that left these spans.
    pub fn new(program: &Program, plan: &Plan, batch: usize, spans: &[Span]) -> Self {
        let arena = plan.arena(batch);
        let launches = plan.launches.iter().zip(spans).map(|(launch, span)| {
            let step = launch.step().map(|step| &program.steps[step]);
            let accesses = launch.accesses();
            let buffers = |wanted: fn(Access) -> bool| {
                let of_kind = accesses.iter().filter(|(_, access)| wanted(*access));
                of_kind.map(|(buffer, _)| buffer.index()).collect()
            };
            let seconds = span.time.as_secs_f64();
            let products = step
                .filter(|_| launch.multiplies())
                .map(|step| step.instruction.multiply_adds());
            let products = products.filter(|&products| products > 0);
            TimedLaunch {
                operation: launch.kind(program),
                pass: launch.pass(),
                layer: step.and_then(|step| program.layer_of(step)).map(str::to_owned),
                reads: buffers(|access| access != Access::Write),
                writes: buffers(|access| access != Access::Read),
                seconds,
                gflops: products.map(|products| 2.0 * (products * batch as u64) as f64 / seconds / 1e9),
            }
        });
        let placed = |(index, lifetime): (usize, &Option<Lifetime>)| {
            let place = arena.range(plan.buffer(index), plan.buffers[index].bytes(batch, plan.precision));
            Placed {
                bytes: place.len(),
                offset_bytes: place.start,
                first_launch: lifetime.map(|lifetime| lifetime.first),
                last_launch: lifetime.map(|lifetime| lifetime.last),
            }
        };
        Self {
            launches: launches.collect(),
            buffers: plan.lifetimes().iter().enumerate().map(placed).collect(),
        }
    }

    /// One row a launch.
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[Side::Right, Side::Left, Side::Left, Side::Left, Side::Left, Side::Left]);
        table.row([
            "",
            "operation",
            "pass",
            "layer",
            "reads",
            "writes",
            "MB written",
            "ms",
            "GFLOP/s",
        ]);
        let names = |buffers: &[usize]| {
            let names: Vec<String> = buffers.iter().map(|buffer| format!("@{buffer}")).collect();
            names.join(" ")
        };
        for (index, launch) in self.launches.iter().enumerate() {
            let written: usize = launch.writes.iter().map(|&buffer| self.buffers[buffer].bytes).sum();
            table.row([
                index.to_string(),
                launch.operation.to_owned(),
                launch.pass.to_owned(),
                launch.layer.clone().unwrap_or_default(),
                names(&launch.reads),
                names(&launch.writes),
                format!("{:.1}", written as f64 / 1e6),
                format!("{:.2}", 1e3 * launch.seconds),
                launch.gflops.map(|gflops| format!("{gflops:.0}")).unwrap_or_default(),
            ]);
        }
        table
    }
}
