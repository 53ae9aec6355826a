//! The plan of an inference step: running statistics, and no dropout.

use super::{Launch, Plan, Planner};
use crate::program::{Instruction, Program};

pub(super) fn plan(program: &Program) -> Plan {
    let mut planner = Planner::new(program);
    for (place, step) in program.steps.iter().enumerate() {
        let inputs: Vec<_> = step.inputs.iter().map(|&input| planner.read(input)).collect();
        match (&step.instruction, &inputs[..]) {
            (Instruction::Mask { .. }, &[input]) => planner.put(step.output, input),
            (Instruction::BatchNorm { .. }, &[input]) => {
                let output = planner.write(step.output);
                planner.launch(Launch::Normalize {
                    step: place,
                    input,
                    statistics: None,
                    output,
                });
            }
            _ => {
                let output = planner.write(step.output);
                planner.launch(Launch::Forward {
                    step: place,
                    inputs,
                    output,
                });
            }
        }
    }
    planner.finish(Vec::new())
}
