//! The plan of an inference step: running statistics, and no dropout.

use super::Plan;
use super::forward::{Forward, Mode};
use super::readers::Readers;
use super::slices::Slices;
use crate::program::Program;

pub(super) fn plan(program: &Program) -> Plan {
    let readers = Readers::new(program);
    let slices = Slices::of(program, &readers);
    let (planner, _) = Forward::plan(program, &readers, &slices, Mode::Inference);
    planner.finish(None)
}
