//! From a file's path and the command line's changes to plans, and to what they cost.

use super::arguments::{Changes, ExperimentArguments};
use super::error::CommandError;
use crate::experiment::{Cost, HeadKind, Plan, Registry, Run};

/// Reads and checks a file's experiments and opens their data sets.
pub fn plans<'r>(
    experiment: &ExperimentArguments,
    changes: &Changes,
    registry: &'r Registry,
) -> Result<Vec<Plan<'r>>, CommandError> {
    let plans = experiment.all()?.into_iter().map(|mut experiment| {
        changes.overrides().apply(&mut experiment)?;
        Ok(Plan::new(experiment, registry)?)
    });
    plans.collect()
}

/// The cost of the network with each of the plan's heads.
pub fn costs(plan: &Plan<'_>) -> Result<Vec<(HeadKind, Cost)>, CommandError> {
    let heads = plan.experiment.heads.iter();
    heads
        .map(|&head| Ok((head, Cost::of(&mut *plan.build(Run { head, seed: 0 })?)?)))
        .collect()
}

/// The images of a plan's largest step.
pub fn largest_step(plan: &Plan<'_>) -> usize {
    plan.experiment.batch_size.min(plan.splits.train.len())
}
