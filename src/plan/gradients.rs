//! The plan of a training step: the program, the loss, and the program backward.
//!
//! The first gradient that a value gets is written, and every further one added to it. Two values can share a gradient, as
//! behind a sum, as long as neither changes it.

use std::collections::HashMap;

use super::{Buffer, Launch, Length, Plan, Planner, Statistics};
use crate::kernels::product::Output;
use crate::program::{Instruction, Program, Step, Value};

pub(super) fn plan(program: &Program) -> Plan {
    let mut forward = Forward {
        planner: Planner::new(program),
        statistics: HashMap::new(),
        factors: HashMap::new(),
    };
    for (place, step) in program.steps.iter().enumerate() {
        forward.add(place, step);
    }
    let Forward {
        mut planner, factors, ..
    } = forward;
    let logits = planner.read(program.logits);
    let gradient = planner.like(logits);
    planner.launch(Launch::Loss { logits, gradient });
    let mut parameters = Vec::new();
    for parameter in &program.parameters {
        let gradient = parameter
            .trainable
            .then(|| planner.buffer(Length::Fixed(parameter.size())));
        parameters.push(gradient);
    }
    let mut backward = Backward {
        planner,
        factors,
        parameters,
        gradients: HashMap::from([(program.logits, Gradient::new(gradient))]),
    };
    for (place, step) in program.steps.iter().enumerate().rev() {
        backward.add(place, step);
    }
    backward.planner.finish(backward.parameters)
}

struct Forward<'p> {
    planner: Planner<'p>,
    /// Of maps that have been normalised, and of those concatenated from them.
    statistics: HashMap<Value, Statistics>,
    /// What the dropout in a place multiplied by.
    factors: HashMap<usize, Buffer>,
}

impl Forward<'_> {
    fn add(&mut self, place: usize, step: &Step) {
        let inputs: Vec<Buffer> = step.inputs.iter().map(|&input| self.planner.read(input)).collect();
        let output = self.planner.write(step.output);
        match (&step.instruction, &inputs[..]) {
            (Instruction::BatchNorm { .. }, &[input]) => {
                let statistics = self.measure(place, step.inputs[0]);
                self.planner.launch(Launch::Normalize {
                    step: place,
                    input,
                    statistics: Some(statistics),
                    output,
                });
            }
            (Instruction::Mask { .. }, &[input]) => {
                let factors = self.planner.like(output);
                self.factors.insert(place, factors);
                self.planner.launch(Launch::Drop {
                    step: place,
                    input,
                    factors,
                    output,
                });
            }
            _ => {
                self.planner.launch(Launch::Forward {
                    step: place,
                    inputs,
                    output,
                });
                if let Instruction::Concatenate { .. } = step.instruction {
                    self.join(place, step);
                }
            }
        }
    }

    /// A map's statistics, measured if nobody has.
    fn measure(&mut self, step: usize, map: Value) -> Statistics {
        if let Some(&known) = self.statistics.get(&map) {
            return known;
        }
        let channels = self.planner.program.shape(map).last().copied().unwrap_or(0);
        let statistics = self.planner.measured(channels);
        let input = self.planner.read(map);
        self.planner.launch(Launch::Measure {
            step,
            input,
            channels,
            statistics,
        });
        self.statistics.insert(map, statistics);
        statistics
    }

    /// The statistics of concatenated maps, if those of any part are known: in DenseNet, of all channels but the newest.
    fn join(&mut self, place: usize, step: &Step) {
        if !step.inputs.iter().any(|input| self.statistics.contains_key(input)) {
            return;
        }
        let parts: Vec<Statistics> = step.inputs.iter().map(|&input| self.measure(place, input)).collect();
        let channels = parts.iter().map(|part| self.planner.statistics[part.index()]).sum();
        let statistics = self.planner.measured(channels);
        self.planner.launch(Launch::Join {
            step: place,
            parts,
            statistics,
        });
        self.statistics.insert(step.output, statistics);
    }
}

/// The gradient of a value.
#[derive(Debug, Clone, Copy)]
struct Gradient {
    buffer: Buffer,
    /// Whether its sum over all pixels is zero in every channel. Behind a batch normalisation it is: adding a constant to a
    /// channel changes nothing there. What the sum of the values would give is their rounding.
    sums_to_zero: bool,
}

impl Gradient {
    fn new(buffer: Buffer) -> Self {
        Self {
            buffer,
            sums_to_zero: false,
        }
    }
}

struct Backward<'p> {
    planner: Planner<'p>,
    factors: HashMap<usize, Buffer>,
    /// The gradients of the parameters.
    parameters: Vec<Option<Buffer>>,
    /// Those of values that somebody has written and nobody has read so far.
    gradients: HashMap<Value, Gradient>,
}

impl Backward<'_> {
    fn add(&mut self, place: usize, step: &Step) {
        let dy = self.take(step.output);
        match &step.instruction {
            Instruction::Convolution(_) | Instruction::Depthwise(_) | Instruction::Multiply { .. } => {
                self.weighted(place, step, dy);
            }
            Instruction::BatchNorm { .. } => self.normalized(place, step, dy),
            Instruction::Rectify => {
                let dy = self.rectified(place, step, dy);
                self.give(step.inputs[0], dy);
            }
            Instruction::Add { relu } => {
                let dy = if *relu { self.rectified(place, step, dy) } else { dy };
                self.give(step.inputs[1], dy);
                self.give(step.inputs[0], dy);
            }
            Instruction::Concatenate { .. }
            | Instruction::MaxPool(_)
            | Instruction::AveragePool(_)
            | Instruction::Subsample(_) => {
                for input in 0..step.inputs.len() {
                    self.input(place, step, input, dy);
                }
            }
            Instruction::Mask { .. } => {
                if let Some(&factors) = self.factors.get(&place) {
                    let gradient = self.own(dy);
                    self.planner.launch(Launch::DropGradient {
                        step: place,
                        factors,
                        gradient,
                    });
                    self.give(step.inputs[0], Gradient::new(gradient));
                }
            }
            Instruction::CrossEntropy { .. } => {}
        }
    }

    fn weighted(&mut self, place: usize, step: &Step, dy: Gradient) {
        let of_output = dy.buffer;
        let of = |index: usize| step.parameters.get(index).copied();
        if let Some(gradient) = of(1).and_then(|bias| self.parameters[bias]) {
            self.planner.launch(if dy.sums_to_zero {
                Launch::Clear { buffer: gradient }
            } else {
                Launch::BiasGradient {
                    step: place,
                    of_output,
                    gradient,
                }
            });
        }
        if let Some(gradient) = of(0).and_then(|kernel| self.parameters[kernel]) {
            let input = self.planner.read(step.inputs[0]);
            self.planner.launch(Launch::KernelGradient {
                step: place,
                input,
                of_output,
                gradient,
            });
        }
        self.input(place, step, 0, dy);
    }

    fn normalized(&mut self, place: usize, step: &Step, dy: Gradient) {
        let gradient = if self.is_shared(dy.buffer) {
            self.planner.like(dy.buffer)
        } else {
            dy.buffer
        };
        let [gamma, beta] = [0, 1].map(|index| self.parameters[step.parameters[index]]);
        if let (Some(gamma), Some(beta)) = (gamma, beta) {
            let input = self.planner.read(step.inputs[0]);
            self.planner.launch(Launch::NormalizeGradient {
                step: place,
                input,
                of_output: dy.buffer,
                gradient,
                gamma,
                beta,
            });
        }
        let gradient = Gradient {
            buffer: gradient,
            sums_to_zero: true,
        };
        self.give(step.inputs[0], gradient);
    }

    /// The gradient before a ReLU.
    fn rectified(&mut self, place: usize, step: &Step, dy: Gradient) -> Gradient {
        let output = self.planner.read(step.output);
        let gradient = self.own(dy);
        self.planner.launch(Launch::ReluGradient {
            step: place,
            output,
            gradient,
        });
        Gradient::new(gradient)
    }

    /// Writes an input's gradient, or adds to it.
    fn input(&mut self, place: usize, step: &Step, input: usize, dy: Gradient) {
        let value = step.inputs[input];
        if !self.is_wanted(value) {
            return;
        }
        let (mode, gradient) = match self.gradients.get(&value).copied() {
            Some(sum) => (Output::Add, self.own_of(value, sum)),
            None => (Output::Overwrite, self.planner.of_value(value)),
        };
        self.gradients.insert(value, Gradient::new(gradient));
        self.planner.launch(Launch::InputGradient {
            step: place,
            input,
            of_output: dy.buffer,
            gradient,
            mode,
        });
    }

    /// Nobody asks for the images' gradient.
    fn is_wanted(&self, value: Value) -> bool {
        value != self.planner.program.images
    }

    /// Adds to a value's gradient; if it is the first, it becomes the gradient.
    fn give(&mut self, value: Value, gradient: Gradient) {
        if !self.is_wanted(value) {
            return;
        }
        let Some(sum) = self.gradients.get(&value).copied() else {
            self.gradients.insert(value, gradient);
            return;
        };
        let to = self.own_of(value, sum);
        self.planner.launch(Launch::Accumulate {
            from: gradient.buffer,
            to,
        });
        self.gradients.insert(value, Gradient::new(to));
    }

    /// Takes a finished gradient away.
    fn take(&mut self, value: Value) -> Gradient {
        self.gradients.remove(&value).unwrap_or_else(|| {
            // Nothing that follows depends on the value.
            let buffer = self.planner.of_value(value);
            self.planner.launch(Launch::Clear { buffer });
            Gradient::new(buffer)
        })
    }

    /// Whether a value's gradient is in this buffer.
    fn is_shared(&self, buffer: Buffer) -> bool {
        self.gradients.values().any(|gradient| gradient.buffer == buffer)
    }

    /// A buffer with a gradient that was taken away, to be changed: a copy if others share it.
    fn own(&mut self, gradient: Gradient) -> Buffer {
        if self.is_shared(gradient.buffer) {
            self.copy(gradient.buffer)
        } else {
            gradient.buffer
        }
    }

    /// As [`own`](Self::own), of the gradient that a value has.
    fn own_of(&mut self, value: Value, gradient: Gradient) -> Buffer {
        self.gradients.remove(&value);
        self.own(gradient)
    }

    fn copy(&mut self, from: Buffer) -> Buffer {
        let to = self.planner.like(from);
        self.planner.launch(Launch::Copy { from, to });
        to
    }
}
