//! Who reads each value of a program.

use std::collections::HashMap;

use crate::program::{Instruction, Program, Value};

/// The operations that read each value, by their places in [`Program::steps`].
pub(super) struct Readers<'p> {
    program: &'p Program,
    of: HashMap<Value, Vec<usize>>,
    /// The operation that makes each value.
    makers: HashMap<Value, usize>,
}

impl<'p> Readers<'p> {
    pub fn new(program: &'p Program) -> Self {
        let mut of: HashMap<Value, Vec<usize>> = HashMap::new();
        let mut makers = HashMap::new();
        for (place, step) in program.steps.iter().enumerate() {
            for &input in &step.inputs {
                of.entry(input).or_default().push(place);
            }
            makers.insert(step.output, place);
        }
        Self { program, of, makers }
    }

    /// The operations that read a value.
    pub fn of(&self, value: Value) -> &[usize] {
        self.of.get(&value).map_or(&[], Vec::as_slice)
    }

    /// The operation that reads a value, if it is the only one and nobody asks for the value afterwards.
    pub fn only(&self, value: Value) -> Option<usize> {
        match *self.of(value) {
            [place] if value != self.program.logits => Some(place),
            _ => None,
        }
    }

    /// As [`only`](Self::only), with what the operation computes.
    pub fn only_instruction(&self, value: Value) -> Option<(usize, &'p Instruction)> {
        let place = self.only(value)?;
        Some((place, &self.program.steps[place].instruction))
    }

    /// The operation that makes a value; none makes the images.
    pub fn maker(&self, value: Value) -> Option<usize> {
        self.makers.get(&value).copied()
    }

    /// Whether a value need not be written down, if it can be made as it is read: a pointwise convolution, alone, reads it.
    pub fn reads_through(&self, value: Value) -> bool {
        matches!(self.only_instruction(value),
            Some((_, Instruction::Convolution(sizes))) if sizes.window.is_pointwise())
    }

    /// The sum that alone reads a normalisation without a ReLU of its own.
    pub fn sum_of(&self, place: usize) -> Option<usize> {
        let step = &self.program.steps[place];
        match (&step.instruction, self.only_instruction(step.output)?) {
            (Instruction::BatchNorm { relu: false, .. }, (sum, Instruction::Add { .. })) => Some(sum),
            _ => None,
        }
    }
}
