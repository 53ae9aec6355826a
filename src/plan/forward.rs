//! The forward pass of a plan: its first operations are frozen, which in inference are all, and the others train.
//!
//! What need not be written down is not: a normalisation whose values a pointwise convolution alone reads is made while they
//! are read, as are those of a frozen depthwise convolution; one that a sum alone reads is made with the sum; a frozen one
//! behind a convolution becomes a part of the convolution's kernel and bias.

use std::collections::{HashMap, HashSet};

use super::readers::Readers;
use super::slices::Slices;
use super::{Buffer, Launch, Map, Planner, Statistics, Then};
use crate::kernels::depthwise::Depthwise;
use crate::program::{Instruction, Program, Step, Value};

/// Cells along a side of the widest window of a depthwise convolution that is made while it is read.
const WIDEST: usize = 3;

/// Collects the launches of a forward pass.
pub(super) struct Forward<'p> {
    planner: Planner<'p>,
    readers: &'p Readers<'p>,
    slices: &'p Slices,
    /// How many operations use running statistics, drop nothing, and have no backward pass.
    frozen: usize,
    /// Of maps that have been normalised, and of those concatenated from them.
    statistics: HashMap<Value, Statistics>,
    /// What the dropout in a place multiplied by.
    factors: HashMap<usize, Buffer>,
    /// Operations that are a part of one before them.
    merged: HashSet<usize>,
}

impl<'p> Forward<'p> {
    /// All launches of a program, and the factors of its dropouts by their places.
    pub fn plan(
        program: &'p Program,
        readers: &'p Readers<'p>,
        slices: &'p Slices,
        frozen: usize,
    ) -> (Planner<'p>, HashMap<usize, Buffer>) {
        let mut forward = Self {
            planner: Planner::new(program),
            readers,
            slices,
            frozen,
            statistics: HashMap::new(),
            factors: HashMap::new(),
            merged: HashSet::new(),
        };
        for (place, step) in program.steps.iter().enumerate() {
            if !forward.merged.contains(&place) {
                forward.add(place, step);
            }
        }
        (forward.planner, forward.factors)
    }

    fn add(&mut self, place: usize, step: &'p Step) {
        match &step.instruction {
            Instruction::BatchNorm { .. } => self.normalize(place, step),
            Instruction::Add { .. } => self.sum(place, step),
            Instruction::Concatenate { channels } => self.concatenate(place, step, channels),
            Instruction::Mask { .. } if self.is_frozen(place) => {
                let input = self.planner.read(step.inputs[0]);
                self.planner.put(step.output, input);
            }
            Instruction::Mask { .. } => self.drop(place, step),
            Instruction::Depthwise(sizes) if self.is_made_while_read(place, step, sizes) => {
                let input = self.planner.read(step.inputs[0]);
                let through = Some(place);
                self.planner.put(step.output, Map { through, ..input });
            }
            _ => {
                let inputs = step.inputs.iter().map(|&input| self.planner.read(input)).collect();
                let (then, value) = match &step.instruction {
                    Instruction::Convolution(_) if self.is_frozen(place) => self.merge(step),
                    _ => (Then::default(), step.output),
                };
                let output = self.output(value);
                self.planner.made.insert(value, self.planner.launches.len());
                self.planner.launch(Launch::Forward {
                    step: place,
                    inputs,
                    output,
                    then,
                });
            }
        }
    }

    /// Whether a pointwise convolution that is frozen too, alone, reads a frozen depthwise convolution. If it is not frozen, its
    /// kernel's gradient reads it again. Wider windows gain nothing: a task reads too many rows beside its own.
    fn is_made_while_read(&mut self, place: usize, step: &Step, sizes: &Depthwise) -> bool {
        sizes.window.kernel <= WIDEST
            && self.is_frozen(place)
            && self.readers.reads_through(step.output)
            && self.frozen_reader(step.output).is_some()
            && self.planner.read(step.inputs[0]).is_plain()
    }

    fn is_frozen(&self, place: usize) -> bool {
        place < self.frozen
    }

    /// What alone reads a value, if that is frozen.
    fn frozen_reader(&self, value: Value) -> Option<(usize, &'p Instruction)> {
        let reader = self.readers.only_instruction(value);
        reader.filter(|&(place, _)| self.is_frozen(place))
    }

    /// Merges what follows a frozen convolution into it, and tells the value that it makes then.
    fn merge(&mut self, step: &'p Step) -> (Then, Value) {
        let (mut then, mut value) = (Then::default(), step.output);
        if let Some((normalization, &Instruction::BatchNorm { relu, .. })) = self.frozen_reader(value) {
            (then.folded, then.relu) = (Some(normalization), relu);
            value = self.absorb(normalization);
        }
        if let Some((rectification, Instruction::Rectify)) = self.frozen_reader(value) {
            then.relu = true;
            value = self.absorb(rectification);
        }
        (then, value)
    }

    /// Makes an operation a part of the one before it: the value that it makes.
    fn absorb(&mut self, place: usize) -> Value {
        self.merged.insert(place);
        self.planner.program.steps[place].output
    }

    fn drop(&mut self, place: usize, step: &Step) {
        let input = self.planner.plain(step.inputs[0]);
        let output = self.planner.write(step.output);
        let factors = self.planner.like(output);
        self.factors.insert(place, factors);
        self.planner.launch(Launch::Drop {
            step: place,
            input,
            factors,
            output,
        });
    }

    /// Where an operation makes its value: in a buffer of its own, or among the channels of a wider map.
    fn output(&mut self, value: Value) -> Map {
        let Some((wide, first)) = self.slices.place(value) else {
            // A wide map has its place as soon as one of its channels has.
            return self.planner.read(value);
        };
        let map = self
            .planner
            .read(wide)
            .slice(first, self.planner.program.channels(value));
        self.planner.put(value, map);
        map
    }

    /// Statistics, what follows from them, and the values unless their readers make them.
    fn normalize(&mut self, place: usize, step: &Step) {
        let statistics = (!self.is_frozen(place)).then(|| self.measure(place, step.inputs[0]));
        self.planner.launch(Launch::Settle {
            step: place,
            statistics,
        });
        let input = self.planner.read(step.inputs[0]);
        if self.readers.reads_through(step.output) || self.readers.sum_of(place).is_some() {
            let through = Some(place);
            return self.planner.put(step.output, Map { through, ..input });
        }
        let output = self.planner.write(step.output);
        self.planner.launch(Launch::Normalize {
            step: place,
            input,
            addend: None,
            output,
        });
    }

    /// A sum; a normalisation that it alone reads is made in the same pass.
    fn sum(&mut self, place: usize, step: &Step) {
        let [a, b] = [0, 1].map(|input| self.planner.read(step.inputs[input]));
        let (normalized, other) = if a.through.is_some() { (a, b) } else { (b, a) };
        let output = self.planner.write(step.output);
        let launch = match normalized.through {
            Some(normalization) => Launch::Normalize {
                step: normalization,
                input: Map {
                    through: None,
                    ..normalized
                },
                addend: Some((other, place)),
                output,
            },
            None => Launch::Forward {
                step: place,
                inputs: vec![a, b],
                output: self.planner.whole(step.output, output),
                then: Then::default(),
            },
        };
        self.planner.launch(launch);
    }

    fn concatenate(&mut self, place: usize, step: &Step, channels: &[usize]) {
        let output = self.output(step.output);
        let mut first = 0;
        for (&part, &channels) in step.inputs.iter().zip(channels) {
            if self.slices.place(part).is_none() {
                let part = self.planner.plain(part);
                let output = output.slice(first, channels);
                self.planner.launch(Launch::Insert {
                    step: place,
                    part,
                    output,
                });
            }
            first += channels;
        }
        self.join(place, step);
    }

    /// A map's statistics, measured if nobody has: where it is made, if that is a convolution.
    fn measure(&mut self, step: usize, map: Value) -> Statistics {
        if let Some(&known) = self.statistics.get(&map) {
            return known;
        }
        let channels = self.planner.program.channels(map);
        let statistics = self.planner.measured(channels);
        self.statistics.insert(map, statistics);
        let steps = &self.planner.program.steps;
        let made = self.planner.made.get(&map).copied();
        if let Some(Launch::Forward { step, then, .. }) = made.and_then(|at| self.planner.launches.get_mut(at))
            && let Instruction::Convolution(_) = steps[*step].instruction
        {
            then.measured = Some(statistics);
            return statistics;
        }
        let input = self.planner.read(map);
        self.planner.launch(Launch::Measure {
            step,
            input,
            statistics,
        });
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
