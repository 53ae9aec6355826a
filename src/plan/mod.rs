//! What a step does, launch by launch, and where in memory: made once from a [`Program`], run many times.
//!
//! A plan is data. It can be printed and checked without running: everything that is read was written before, and no two
//! buffers that are alive at the same time overlap.

mod arena;
mod gradients;
mod inference;

pub use arena::{Arena, Lifetime};

use crate::kernels::product::Output;
use crate::program::{Program, Value};

/// A tensor in memory while a step runs, by its place in [`Plan::buffers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Buffer(usize);

impl Buffer {
    /// Its place among a plan's buffers.
    pub fn index(self) -> usize {
        self.0
    }
}

/// Mean and variance of a map's channels, by their place in [`Plan::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Statistics(usize);

impl Statistics {
    /// Their place among a plan's statistics.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The number of a buffer's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As many for each image of the batch.
    PerImage(usize),
    /// Whatever the batch.
    Fixed(usize),
}

impl Length {
    /// For a batch of so many images.
    pub fn of_batch(self, batch: usize) -> usize {
        match self {
            Self::PerImage(length) => length * batch,
            Self::Fixed(length) => length,
        }
    }
}

/// Something that a step does at once. `step` is the place of an operation in [`Program::steps`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// An operation without a state of its own, forward.
    Forward {
        /// The operation.
        step: usize,
        /// What it reads.
        inputs: Vec<Buffer>,
        /// What it makes.
        output: Buffer,
    },
    /// Mean and variance of a map.
    Measure {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Buffer,
        /// Of the map.
        channels: usize,
        /// What is measured.
        statistics: Statistics,
    },
    /// The statistics of maps side by side.
    Join {
        /// The operation.
        step: usize,
        /// Those of the maps, in their order.
        parts: Vec<Statistics>,
        /// What is measured.
        statistics: Statistics,
    },
    /// Batch normalisation by a batch's statistics, which move the running ones; without any, by the running ones.
    Normalize {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Buffer,
        /// What is measured.
        statistics: Option<Statistics>,
        /// What it makes.
        output: Buffer,
    },
    /// Dropout, with the factors that it multiplies by.
    Drop {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Buffer,
        /// A factor for each value.
        factors: Buffer,
        /// What it makes.
        output: Buffer,
    },
    /// The mean loss, and the gradient of the logits.
    Loss {
        /// The logits.
        logits: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
    },
    /// Sets a buffer to 0.
    Clear {
        /// The buffer.
        buffer: Buffer,
    },
    /// Copies a buffer.
    Copy {
        /// What is read.
        from: Buffer,
        /// What is written.
        to: Buffer,
    },
    /// Adds a buffer to another.
    Accumulate {
        /// What is read.
        from: Buffer,
        /// What is written.
        to: Buffer,
    },
    /// Clears a gradient where the result was not positive.
    ReluGradient {
        /// The operation.
        step: usize,
        /// What it makes.
        output: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
    },
    /// Multiplies a gradient by dropout's factors.
    DropGradient {
        /// The operation.
        step: usize,
        /// A factor for each value.
        factors: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
    },
    /// The gradient of an operation's input.
    InputGradient {
        /// The operation.
        step: usize,
        /// Which of the inputs.
        input: usize,
        /// The gradient of the operation's output.
        of_output: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
        /// Whether the gradient is the first of its value.
        mode: Output,
    },
    /// The gradient of a kernel.
    KernelGradient {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Buffer,
        /// The gradient of the operation's output.
        of_output: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
    },
    /// The gradient of a bias.
    BiasGradient {
        /// The operation.
        step: usize,
        /// The gradient of the operation's output.
        of_output: Buffer,
        /// The gradient that is made.
        gradient: Buffer,
    },
    /// The gradients of a normalised map, of γ and of β.
    NormalizeGradient {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Buffer,
        /// The gradient of the operation's output.
        of_output: Buffer,
        /// Another buffer than that of the output's gradient if this one is still needed.
        gradient: Buffer,
        /// The gradient of γ.
        gamma: Buffer,
        /// The gradient of β.
        beta: Buffer,
    },
}

/// What a launch does with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads all of it.
    Read,
    /// Writes all of it; what was there is lost.
    Write,
    /// Reads and writes it.
    Update,
}

/// Which way a launch goes through the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the images to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
}

impl Launch {
    /// The operation that it is a part of, by its place in [`Program::steps`]; none of what is done between operations.
    pub fn step(&self) -> Option<usize> {
        match *self {
            Self::Forward { step, .. }
            | Self::Normalize { step, .. }
            | Self::Drop { step, .. }
            | Self::InputGradient { step, .. }
            | Self::KernelGradient { step, .. }
            | Self::BiasGradient { step, .. }
            | Self::NormalizeGradient { step, .. }
            | Self::Measure { step, .. }
            | Self::Join { step, .. }
            | Self::ReluGradient { step, .. }
            | Self::DropGradient { step, .. } => Some(step),
            Self::Loss { .. } | Self::Clear { .. } | Self::Copy { .. } | Self::Accumulate { .. } => None,
        }
    }

    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Forward { .. }
            | Self::Measure { .. }
            | Self::Join { .. }
            | Self::Normalize { .. }
            | Self::Drop { .. }
            | Self::Loss { .. } => Direction::Forward,
            _ => Direction::Backward,
        }
    }

    /// The buffers that it touches. One that it writes is none of those that it reads.
    pub fn accesses(&self) -> Vec<(Buffer, Access)> {
        use Access::{Read, Update, Write};
        let by = |mode: Output| match mode {
            Output::Overwrite => Write,
            Output::Add => Update,
        };
        match *self {
            Self::Forward { ref inputs, output, .. } => {
                let mut inputs: Vec<Buffer> = inputs.clone();
                inputs.sort_unstable();
                inputs.dedup();
                let reads = inputs.into_iter().map(|input| (input, Read));
                reads.chain([(output, Write)]).collect()
            }
            Self::Measure { input, .. } => vec![(input, Read)],
            Self::Join { .. } => Vec::new(),
            Self::Normalize { input, output, .. } => vec![(input, Read), (output, Write)],
            Self::Drop {
                input, factors, output, ..
            } => vec![(input, Read), (factors, Write), (output, Write)],
            Self::Loss { logits, gradient } => vec![(logits, Read), (gradient, Write)],
            Self::Clear { buffer } => vec![(buffer, Write)],
            Self::Copy { from, to } => vec![(from, Read), (to, Write)],
            Self::Accumulate { from, to } => vec![(from, Read), (to, Update)],
            Self::ReluGradient { output, gradient, .. } => vec![(output, Read), (gradient, Update)],
            Self::DropGradient { factors, gradient, .. } => vec![(factors, Read), (gradient, Update)],
            Self::InputGradient {
                of_output,
                gradient,
                mode,
                ..
            } => vec![(of_output, Read), (gradient, by(mode))],
            Self::KernelGradient {
                input,
                of_output,
                gradient,
                ..
            } => vec![(input, Read), (of_output, Read), (gradient, Write)],
            Self::BiasGradient {
                of_output, gradient, ..
            } => vec![(of_output, Read), (gradient, Write)],
            Self::NormalizeGradient {
                input,
                of_output,
                gradient,
                gamma,
                beta,
                ..
            } => {
                let mut accesses = vec![(input, Read), (gamma, Write), (beta, Write)];
                if gradient == of_output {
                    accesses.push((gradient, Update));
                } else {
                    accesses.extend([(of_output, Read), (gradient, Write)]);
                }
                accesses
            }
        }
    }
}

/// The launches of a step, and the buffers that they touch.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the order in which they run.
    pub launches: Vec<Launch>,
    /// The buffers' lengths.
    pub buffers: Vec<Length>,
    /// The channels of all statistics.
    pub statistics: Vec<usize>,
    /// Where the images are before the first launch.
    pub images: Buffer,
    /// Where the backbone's map is.
    pub map: Buffer,
    /// Where the logits are after the last launch.
    pub logits: Buffer,
    /// Where the gradient of each parameter is after the last launch, in the program's order; none of one that isn't trained.
    pub gradients: Vec<Option<Buffer>>,
}

impl Plan {
    /// A training step: forward, the loss, and the gradients of all trainable parameters.
    pub fn training(program: &Program) -> Self {
        gradients::plan(program)
    }

    /// An inference step: the logits of the images.
    pub fn inference(program: &Program) -> Self {
        inference::plan(program)
    }

    /// The buffer in a place.
    pub fn buffer(&self, index: usize) -> Buffer {
        Buffer(index)
    }

    /// The buffers that are alive after the last launch.
    fn results(&self) -> impl Iterator<Item = Buffer> {
        [self.logits]
            .into_iter()
            .chain(self.gradients.iter().copied().flatten())
    }
}

/// Collects launches and buffers.
struct Planner<'p> {
    program: &'p Program,
    launches: Vec<Launch>,
    buffers: Vec<Length>,
    statistics: Vec<usize>,
    /// The buffer of each value that has one so far.
    values: Vec<Option<Buffer>>,
}

impl<'p> Planner<'p> {
    fn new(program: &'p Program) -> Self {
        let mut planner = Self {
            program,
            launches: Vec::new(),
            buffers: Vec::new(),
            statistics: Vec::new(),
            values: Vec::new(),
        };
        planner.write(program.images);
        planner
    }

    fn launch(&mut self, launch: Launch) {
        self.launches.push(launch);
    }

    fn buffer(&mut self, length: Length) -> Buffer {
        self.buffers.push(length);
        Buffer(self.buffers.len() - 1)
    }

    /// A new buffer of the length of another.
    fn like(&mut self, buffer: Buffer) -> Buffer {
        self.buffer(self.buffers[buffer.0])
    }

    /// A new buffer of the sizes of a value.
    fn of_value(&mut self, value: Value) -> Buffer {
        self.buffer(Length::PerImage(self.program.size(value)))
    }

    fn measured(&mut self, channels: usize) -> Statistics {
        self.statistics.push(channels);
        Statistics(self.statistics.len() - 1)
    }

    /// Gives a value a buffer of its own.
    fn write(&mut self, value: Value) -> Buffer {
        let buffer = self.of_value(value);
        self.put(value, buffer);
        buffer
    }

    /// Says where a value is.
    fn put(&mut self, value: Value, buffer: Buffer) {
        let index = value.index();
        self.values.resize(self.values.len().max(index + 1), None);
        self.values[index] = Some(buffer);
    }

    /// Where a value is. Programs read what was written before; anything else would be one of its own, never written.
    fn read(&mut self, value: Value) -> Buffer {
        match self.values.get(value.index()).copied().flatten() {
            Some(buffer) => buffer,
            None => self.write(value),
        }
    }

    fn finish(mut self, gradients: Vec<Option<Buffer>>) -> Plan {
        let program = self.program;
        let [images, map, logits] = [program.images, program.map, program.logits].map(|value| self.read(value));
        Plan {
            launches: self.launches,
            buffers: self.buffers,
            statistics: self.statistics,
            images,
            map,
            logits,
            gradients,
        }
    }
}
