//! Maps that are made where a concatenation puts them: a dense block is one wide map to which every layer adds some channels.

use std::collections::HashMap;

use super::readers::Readers;
use crate::program::{Instruction, Program, Step, Value};

/// The values that are channels of a concatenation from the first: which one, and which of its channels.
pub(super) struct Slices(HashMap<Value, (Value, usize)>);

impl Slices {
    pub fn of(program: &Program, readers: &Readers<'_>) -> Self {
        let mut slices = HashMap::new();
        // The widest come first: what is inside of them is inside of the widest.
        for (place, step) in program.steps.iter().enumerate().rev() {
            let Instruction::Concatenate { channels } = &step.instruction else {
                continue;
            };
            let (wide, mut first) = slices.get(&step.output).copied().unwrap_or((step.output, 0));
            for (&part, channels) in step.inputs.iter().zip(channels) {
                if is_made_in_place(program, readers, place, step, part) {
                    slices.insert(part, (wide, first));
                }
                first += channels;
            }
        }
        Self(slices)
    }

    /// The concatenation that a value is a part of, and its first channel there.
    pub fn place(&self, value: Value) -> Option<(Value, usize)> {
        self.0.get(&value).copied()
    }
}

/// Whether a part of the concatenation in a place can be made there: its maker writes some channels of a wider map, and what
/// reads it beside the concatenation reads such, before.
fn is_made_in_place(program: &Program, readers: &Readers<'_>, place: usize, step: &Step, part: Value) -> bool {
    let is_written = readers.maker(part).is_some_and(|maker| {
        let maker = &program.steps[maker];
        match maker.instruction {
            // The sums of a bias' gradient are of whole maps.
            Instruction::Convolution(_) => maker.parameters.len() == 1,
            Instruction::Concatenate { .. } => true,
            _ => false,
        }
    });
    let is_read = readers.of(part).iter().all(|&reader| {
        let normalizes = matches!(program.steps[reader].instruction, Instruction::BatchNorm { .. });
        reader == place || (normalizes && reader < place)
    });
    let is_once = step.inputs.iter().filter(|&&input| input == part).count() == 1;
    is_written && is_read && is_once && part != program.logits && part != program.map
}
