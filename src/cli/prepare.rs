//! From a file's path and the command line's changes to a plan.

use std::path::Path;

use super::arguments::Changes;
use super::error::CommandError;
use crate::experiment::{Experiment, Plan, Registry};

/// Reads and checks an experiment and opens its data set.
pub fn plan<'r>(path: &Path, changes: &Changes, registry: &'r Registry) -> Result<Plan<'r>, CommandError> {
    let mut experiment = Experiment::load(path)?;
    changes.overrides().apply(&mut experiment)?;
    Ok(Plan::new(experiment, registry)?)
}
