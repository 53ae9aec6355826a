//! The plan of a training step: the program, the loss, and the program backward.
//!
//! The first gradient that a value gets is written, and every further one added to it. Two values can share a gradient, as
//! behind a sum, as long as neither changes it. Maps side by side have their gradients side by side.

use std::collections::HashMap;

use super::forward::Forward;
use super::readers::Readers;
use super::slices::Slices;
use super::{Buffer, Extent, Launch, Length, Map, MemoryUse, Plan, Planner, Then, Training};
use crate::kernels::accumulate::Output;
use crate::kernels::pixels::Place;
use crate::program::{Instruction, Program, Step, Value};

/// What becomes of the parameters' gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gradients {
    /// They are there after the step.
    Kept,
    /// They update the parameters.
    Used,
}

pub(super) fn plan(program: &Program, gradients: Gradients, training: Training) -> Plan {
    let Training { memory, frozen } = training;
    let readers = Readers::new(program);
    let slices = Slices::of(program, &readers);
    let (mut planner, factors) = Forward::plan(program, &readers, &slices, frozen);
    let logits = planner.plain(program.logits);
    let gradient = planner.like(logits);
    planner.launch(Launch::Loss { logits, gradient });
    let mut parameters = vec![None; program.parameters.len()];
    for &place in program.steps.iter().skip(frozen).flat_map(|step| &step.parameters) {
        let parameter = &program.parameters[place];
        if parameter.trainable && parameters[place].is_none() {
            parameters[place] = Some(planner.of_parameter(place));
        }
    }
    let gradient = planner.whole(program.logits, gradient);
    let mut backward = Backward {
        planner,
        readers: &readers,
        slices: &slices,
        memory,
        frozen,
        again: HashMap::new(),
        factors,
        parameters,
        gradients: HashMap::from([(program.logits, Gradient::new(gradient))]),
    };
    let velocities = velocities(program);
    for (place, step) in program.steps.iter().enumerate().skip(frozen).rev() {
        backward.add(place, step);
        if gradients == Gradients::Used {
            backward.update(step, &velocities);
        }
    }
    let kept = match gradients {
        Gradients::Kept => backward.parameters,
        Gradients::Used => vec![None; program.parameters.len()],
    };
    backward.planner.finish(Some(kept))
}

/// Each parameter's place among those that are trained.
fn velocities(program: &Program) -> Vec<usize> {
    let before = program.parameters.iter().scan(0, |trained, parameter| {
        let place = *trained;
        *trained += usize::from(parameter.trainable);
        Some(place)
    });
    before.collect()
}

/// The gradient of a value.
#[derive(Debug, Clone, Copy)]
struct Gradient {
    map: Map,
    /// Whether its sum over all pixels is zero in every channel. Behind a batch normalisation it is: adding a constant to a
    /// channel changes nothing there. What the sum of the values would give is their rounding.
    sums_to_zero: bool,
}

impl Gradient {
    fn new(map: Map) -> Self {
        Self {
            map,
            sums_to_zero: false,
        }
    }
}

struct Backward<'p> {
    planner: Planner<'p>,
    readers: &'p Readers<'p>,
    slices: &'p Slices,
    memory: MemoryUse,
    /// How many operations have no backward pass.
    frozen: usize,
    /// Values that have been made again.
    again: HashMap<Value, Map>,
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
            Instruction::Concatenate { channels } => {
                let dy = if self.is_shared(dy.map) {
                    Gradient::new(self.copy(dy.map))
                } else {
                    dy
                };
                let mut first = 0;
                for (input, &channels) in channels.iter().enumerate() {
                    if self.slices.place(step.inputs[input]).is_some() {
                        self.give(step.inputs[input], Gradient::new(dy.map.slice(first, channels)));
                    } else {
                        self.input(place, step, input, dy);
                    }
                    first += channels;
                }
            }
            Instruction::MaxPool(_) | Instruction::AveragePool(_) | Instruction::Subsample(_) => {
                self.input(place, step, 0, dy);
            }
            Instruction::Mask { .. } => {
                if let Some(&factors) = self.factors.get(&place) {
                    let gradient = self.own(dy);
                    self.planner.launch(Launch::DropGradient {
                        step: place,
                        factors,
                        gradient: gradient.buffer,
                    });
                    self.give(step.inputs[0], Gradient::new(gradient));
                }
            }
            Instruction::CrossEntropy { .. } => {}
        }
    }

    /// Updates a step's parameters: nothing that follows reads them.
    fn update(&mut self, step: &Step, velocities: &[usize]) {
        for &parameter in &step.parameters {
            if let Some(gradient) = self.parameters[parameter] {
                self.planner.launch(Launch::Update {
                    parameter,
                    velocity: velocities[parameter],
                    gradient,
                });
            }
        }
    }

    fn weighted(&mut self, place: usize, step: &Step, dy: Gradient) {
        let of_output = dy.map;
        let of = |index: usize| step.parameters.get(index).copied();
        if let Some(gradient) = of(1).and_then(|bias| self.parameters[bias]) {
            self.planner.launch(if dy.sums_to_zero {
                Launch::Clear { buffer: gradient }
            } else {
                Launch::BiasGradient {
                    step: place,
                    of_output: of_output.buffer,
                    gradient,
                }
            });
        }
        if let Some(gradient) = of(0).and_then(|kernel| self.parameters[kernel]) {
            let input = self.read(step.inputs[0]);
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
        let value = step.inputs[0];
        let of_output = self.plain(dy).buffer;
        let sum = self.gradients.get(&value).copied();
        let (gradient, mode) = match sum {
            // Some channels of a wide map's gradient: it is added to where it is.
            Some(sum) if !sum.map.is_plain() => (sum.map, Output::Add),
            _ if self.is_shared(dy.map) => {
                let buffer = self.planner.like(of_output);
                (self.planner.whole(value, buffer), Output::Overwrite)
            }
            _ => (dy.map, Output::Overwrite),
        };
        let [gamma, beta] = [0, 1].map(|index| self.parameters[step.parameters[index]]);
        if let (Some(gamma), Some(beta)) = (gamma, beta) {
            let input = self.read(value);
            self.planner.launch(Launch::NormalizeGradient {
                step: place,
                input,
                of_output,
                gradient,
                mode,
                gamma,
                beta,
            });
        }
        if mode == Output::Overwrite {
            let gradient = Gradient {
                map: gradient,
                sums_to_zero: true,
            };
            self.give(value, gradient);
        }
    }

    /// The gradient before a ReLU.
    fn rectified(&mut self, place: usize, step: &Step, dy: Gradient) -> Gradient {
        let output = self.read(step.output);
        let gradient = self.own(dy);
        self.planner.launch(Launch::ReluGradient {
            step: place,
            output: output.buffer,
            gradient: gradient.buffer,
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
            None => {
                let buffer = self.planner.of_value(value);
                (Output::Overwrite, self.planner.whole(value, buffer))
            }
        };
        self.gradients.insert(value, Gradient::new(gradient));
        self.planner.launch(Launch::InputGradient {
            step: place,
            input,
            of_output: dy.map,
            gradient: gradient.buffer,
            mode,
        });
    }

    /// Where a value of the forward pass is; one that is cheap to make again is, where maps are not kept.
    fn read(&mut self, value: Value) -> Map {
        let kept = self.planner.read(value);
        let steps = &self.planner.program.steps;
        let maker = self
            .readers
            .maker(value)
            .filter(|&place| self.memory == MemoryUse::Recompute && place >= self.frozen);
        let Some((place, step)) = maker.map(|place| (place, &steps[place])) else {
            return kept;
        };
        if let Some(through) = kept.through {
            let input = self.read(step.inputs[0]);
            return Map {
                through: Some(through),
                ..input
            };
        }
        if let Some(&again) = self.again.get(&value) {
            return again;
        }
        let is_cheap = matches!(
            step.instruction,
            Instruction::BatchNorm { .. }
                | Instruction::Rectify
                | Instruction::Depthwise(_)
                | Instruction::Subsample(_)
        );
        if !is_cheap {
            return kept;
        }
        let input = self.read(step.inputs[0]);
        let buffer = self.planner.of_value(value);
        let output = self.planner.whole(value, buffer);
        self.planner.launch(match step.instruction {
            Instruction::BatchNorm { .. } => Launch::Normalize {
                step: place,
                input,
                addend: None,
                output: buffer,
            },
            _ => Launch::Forward {
                step: place,
                inputs: vec![input],
                output,
                then: Then::default(),
            },
        });
        self.again.insert(value, output);
        output
    }

    /// Nobody asks for the gradient of the images, nor of what frozen operations make.
    fn is_wanted(&self, value: Value) -> bool {
        self.readers.maker(value).is_some_and(|maker| maker >= self.frozen)
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
            from: gradient.map,
            to: to.buffer,
        });
        self.gradients.insert(value, Gradient::new(to));
    }

    /// Takes a finished gradient away.
    fn take(&mut self, value: Value) -> Gradient {
        self.gradients.remove(&value).unwrap_or_else(|| {
            // Nothing that follows depends on the value.
            let buffer = self.planner.of_value(value);
            self.planner.launch(Launch::Clear { buffer });
            Gradient::new(self.planner.whole(value, buffer))
        })
    }

    /// Whether a value's gradient is in this place.
    fn is_shared(&self, map: Map) -> bool {
        self.gradients.values().any(|gradient| gradient.map.overlaps(map))
    }

    /// A gradient that was taken away, to be changed: a copy if others share it, or if it lies among others' channels.
    fn own(&mut self, gradient: Gradient) -> Map {
        if gradient.map.is_plain() && !self.is_shared(gradient.map) {
            gradient.map
        } else {
            self.copy(gradient.map)
        }
    }

    /// As [`own`](Self::own), of the gradient that a value has.
    fn own_of(&mut self, value: Value, gradient: Gradient) -> Map {
        self.gradients.remove(&value);
        self.own(gradient)
    }

    /// A gradient to be read whole: a copy if it lies among others' channels.
    fn plain(&mut self, gradient: Gradient) -> Map {
        if gradient.map.is_plain() {
            gradient.map
        } else {
            self.copy(gradient.map)
        }
    }

    fn copy(&mut self, from: Map) -> Map {
        let extent = self.planner.buffers[from.buffer.index()];
        let Length::PerImage(length) = extent.length else {
            panic!("the gradient of a value");
        };
        let length = Length::PerImage(length / from.place.all * from.place.channels);
        let to = self.planner.buffer(Extent { length, ..extent });
        self.planner.launch(Launch::Copy { from, to });
        Map {
            buffer: to,
            place: Place::whole(from.place.channels),
            through: None,
        }
    }
}
