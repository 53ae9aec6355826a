//! From a file's path and the command line's changes to plans.

use super::arguments::{Changes, ExperimentArguments};
use super::error::CommandError;
use crate::experiment::{Plan, Registry};

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
