//! The plan of an inference step: running statistics, and no dropout.

use super::Plan;
use super::forward::Forward;
use super::readers::Readers;
use super::slices::Slices;
use crate::program::Program;

pub(super) fn plan(program: &Program) -> Plan {
    let readers = Readers::new(program);
    let slices = Slices::of(program, &readers);
    // Everything is frozen.
    let (planner, _) = Forward::plan(program, &readers, &slices, program.steps.len());
    planner.finish(None)
}
