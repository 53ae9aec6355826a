//! From a file's path and the command line's changes to a plan.

use super::arguments::ExperimentArguments;
use super::error::CommandError;
use crate::experiment::{Experiment, Plan, Registry};

/// Reads and checks an experiment and opens its data set.
pub fn plan<'r>(arguments: &ExperimentArguments, registry: &'r Registry) -> Result<Plan<'r>, CommandError> {
    let mut experiment = Experiment::load(&arguments.experiment)?;
    arguments.overrides().apply(&mut experiment)?;
    Ok(Plan::new(experiment, registry)?)
}
