//! Training as a library: paired runs, updates against their definition, and runs that are stopped or fail.

mod damage;
mod explaining;
mod failing;
mod faults;
mod learning;
mod pairing;
mod power_cuts;
mod recorder;
mod results;
mod same_bits;
#[path = "../shared/state.rs"]
mod state;
mod stopping;
mod updating;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use wise_srnet::experiment::{Experiment, HeadKind, Plan, Registry, Run};
use wise_srnet::training::{EpochResult, Fit, FitError, Observer, Outcome, Progress};

/// Nine images in steps of 4, 4 and 1, with augmentation: a run of a few seconds that has everything a long one has.
const SMALL: &str = r#"Experiment(
    name: "small",
    network: "mini_resnet",
    image_size: 64,
    heads: [gap],
    epochs: 2,
    batch_size: 4,
    data: (
        layout: Generated(train_per_class: 2, test_per_class: 1, image_size: 64, seed: 0),
        limit_train: 9,
    ),
    augmentation: (horizontal_flip: true, channel_shift: 20.0),
    optimizer: (learning_rate: 0.01),
)"#;

fn small_plan(registry: &Registry) -> Plan<'_> {
    let experiment = Experiment::parse(SMALL, "small.ron").unwrap();
    Plan::new(experiment, registry).unwrap()
}

fn run_of(head: HeadKind) -> Run {
    Run { head, seed: 0 }
}

/// Trains the plan's network with `head` in `folder`, after `change` has been made to the run.
fn train(
    plan: &Plan<'_>,
    head: HeadKind,
    folder: &Path,
    change: impl FnOnce(&mut Fit<'_>),
    observer: &mut dyn Observer,
) -> Result<Outcome, FitError> {
    let run = run_of(head);
    let mut fit = plan.fit(run, folder);
    change(&mut fit);
    fit.run(&mut *plan.build(run).unwrap(), observer)
}

/// Stops a run when its steps and evaluated batches have used up a budget.
struct StopAfter {
    budget: usize,
}

impl StopAfter {
    fn never() -> Self {
        Self { budget: usize::MAX }
    }

    fn count(&mut self) -> ControlFlow<()> {
        self.budget -= 1;
        if self.budget == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Observer for StopAfter {
    fn step(&mut self, _: Progress) -> ControlFlow<()> {
        self.count()
    }

    fn evaluated(&mut self, _: usize) -> ControlFlow<()> {
        self.count()
    }

    fn epoch(&mut self, _: &EpochResult) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}
