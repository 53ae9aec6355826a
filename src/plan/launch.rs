//! What a step does at once, and what that reads and writes.

use super::{Buffer, Statistics};
use crate::kernels::accumulate::Output;
use crate::kernels::pixels::Place;
use crate::program::Program;
use crate::stopwatch::Direction;

/// A map in memory: all channels of a buffer, or some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// Where it is.
    pub buffer: Buffer,
    /// Which channels.
    pub place: Place,
    /// The normalisation or depthwise convolution, by its operation, that makes its values of what is there whenever they are
    /// read; what it makes is never written down.
    pub through: Option<usize>,
}

impl Map {
    /// Whether the values lie side by side as they are.
    pub fn is_plain(self) -> bool {
        self.place.is_whole() && self.through.is_none()
    }

    /// Some of its channels.
    pub(super) fn slice(self, first: usize, channels: usize) -> Self {
        let place = Place {
            first: self.place.first + first,
            channels,
            ..self.place
        };
        Self { place, ..self }
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        let (a, b) = (self.place, other.place);
        self.buffer == other.buffer && a.first < b.first + b.channels && b.first < a.first + a.channels
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
        inputs: Vec<Map>,
        /// What it makes.
        output: Map,
        /// What becomes of the results before they are written.
        then: Then,
    },
    /// One of the maps that a concatenation puts side by side.
    Insert {
        /// The operation.
        step: usize,
        /// What it reads.
        part: Buffer,
        /// Its channels in the concatenation.
        output: Map,
    },
    /// Mean and variance of a map.
    Measure {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Map,
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
    /// What a batch normalisation will do to each channel: by a batch's statistics, which move the running ones; without any, by
    /// the running ones.
    Settle {
        /// The operation.
        step: usize,
        /// What was measured.
        statistics: Option<Statistics>,
    },
    /// Batch normalisation, as it has been settled.
    Normalize {
        /// The operation.
        step: usize,
        /// What it reads.
        input: Map,
        /// A map that is added to the result, by the sum of this place among the operations.
        addend: Option<(Map, usize)>,
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
    /// Copies a map.
    Copy {
        /// What is read.
        from: Map,
        /// What is written.
        to: Buffer,
    },
    /// Adds a map to another.
    Accumulate {
        /// What is read.
        from: Map,
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
        of_output: Map,
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
        input: Map,
        /// The gradient of the operation's output.
        of_output: Map,
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
        input: Map,
        /// The gradient of the operation's output.
        of_output: Buffer,
        /// The gradient that is made: in another buffer than that of the output's gradient if this one is still needed.
        gradient: Map,
        /// Whether the gradient is the first of its value.
        mode: Output,
        /// The gradient of γ.
        gamma: Buffer,
        /// The gradient of β.
        beta: Buffer,
    },
    /// The optimizer's step of a parameter.
    Update {
        /// The parameter, by its place in [`Program::parameters`].
        parameter: usize,
        /// Its velocity, by its place among those of the trainable parameters.
        velocity: usize,
        /// Its gradient.
        gradient: Buffer,
    },
}

/// What becomes of an operation's results before they are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Then {
    /// The batch normalisation that is a part of the kernel and the bias.
    pub folded: Option<usize>,
    /// Whether negative results become 0.
    pub relu: bool,
    /// What is measured of them.
    pub measured: Option<Statistics>,
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
    /// Writes some channels of it; the others stay.
    WritePart,
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
            | Self::Insert { step, .. }
            | Self::Settle { step, .. }
            | Self::Measure { step, .. }
            | Self::Join { step, .. }
            | Self::ReluGradient { step, .. }
            | Self::DropGradient { step, .. } => Some(step),
            Self::Loss { .. }
            | Self::Clear { .. }
            | Self::Copy { .. }
            | Self::Accumulate { .. }
            | Self::Update { .. } => None,
        }
    }

    /// The kind of layer that it is a part of.
    pub fn kind(&self, program: &Program) -> &'static str {
        let step = self.step().map(|step| &program.steps[step]);
        match (self, step) {
            (_, Some(step)) => step.instruction.name(),
            (Self::Loss { .. }, None) => "Softmax cross-entropy",
            (Self::Update { .. }, None) => "optimizer",
            (_, None) => "between layers",
        }
    }

    /// What it does, in a word or three.
    pub fn pass(&self) -> &'static str {
        match self {
            Self::Forward { .. } | Self::Normalize { .. } | Self::Drop { .. } | Self::Loss { .. } => "forward",
            Self::Insert { .. } => "insert",
            Self::Measure { .. } => "statistics",
            Self::Join { .. } => "joined statistics",
            Self::Settle { .. } => "settle",
            Self::Clear { .. } => "clear",
            Self::Copy { .. } => "copy",
            Self::Accumulate { .. } => "sum",
            Self::InputGradient { .. } => "input's gradient",
            Self::KernelGradient { .. } => "kernel's gradient",
            Self::BiasGradient { .. } => "bias' gradient",
            Self::Update { .. } => "update",
            Self::ReluGradient { .. } | Self::DropGradient { .. } | Self::NormalizeGradient { .. } => "gradient",
        }
    }

    /// Whether it does the operation's multiply-adds, one way or another.
    pub fn multiplies(&self) -> bool {
        use Launch::{Forward, InputGradient, KernelGradient};
        matches!(self, Forward { .. } | InputGradient { .. } | KernelGradient { .. })
    }

    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Forward { .. }
            | Self::Measure { .. }
            | Self::Join { .. }
            | Self::Insert { .. }
            | Self::Settle { .. }
            | Self::Normalize { .. }
            | Self::Drop { .. }
            | Self::Loss { .. } => Direction::Forward,
            _ => Direction::Backward,
        }
    }

    /// The buffers that it touches. One that it writes is none of those that it reads.
    pub fn accesses(&self) -> Vec<(Buffer, Access)> {
        use Access::{Read, Update, Write, WritePart};
        let by = |mode: Output| match mode {
            Output::Overwrite => Write,
            Output::Add => Update,
        };
        // Of a buffer of which only some channels are written, the others stay.
        let part = |map: Map, access: Access| {
            if map.place.is_whole() {
                (map.buffer, access)
            } else {
                (map.buffer, WritePart)
            }
        };
        match *self {
            Self::Forward { ref inputs, output, .. } => {
                let mut inputs: Vec<Buffer> = inputs.iter().map(|map| map.buffer).collect();
                inputs.sort_unstable();
                inputs.dedup();
                let reads = inputs.into_iter().map(|input| (input, Read));
                reads.chain([part(output, Write)]).collect()
            }
            Self::Insert {
                part: input, output, ..
            } => vec![(input, Read), part(output, Write)],
            Self::Measure { input, .. } => vec![(input.buffer, Read)],
            Self::Join { .. } | Self::Settle { .. } => Vec::new(),
            Self::Normalize {
                input, addend, output, ..
            } => {
                let addend = addend
                    .map(|(map, _)| map.buffer)
                    .filter(|&buffer| buffer != input.buffer);
                let reads = [input.buffer].into_iter().chain(addend).map(|buffer| (buffer, Read));
                reads.chain([(output, Write)]).collect()
            }
            Self::Drop {
                input, factors, output, ..
            } => vec![(input, Read), (factors, Write), (output, Write)],
            Self::Loss { logits, gradient } => vec![(logits, Read), (gradient, Write)],
            Self::Clear { buffer } => vec![(buffer, Write)],
            Self::Copy { from, to } => vec![(from.buffer, Read), (to, Write)],
            Self::Accumulate { from, to } => vec![(from.buffer, Read), (to, Update)],
            Self::ReluGradient { output, gradient, .. } => vec![(output, Read), (gradient, Update)],
            Self::DropGradient { factors, gradient, .. } => vec![(factors, Read), (gradient, Update)],
            Self::InputGradient {
                of_output,
                gradient,
                mode,
                ..
            } => vec![(of_output.buffer, Read), (gradient, by(mode))],
            Self::KernelGradient {
                input,
                of_output,
                gradient,
                ..
            } => vec![(input.buffer, Read), (of_output.buffer, Read), (gradient, Write)],
            Self::BiasGradient {
                of_output, gradient, ..
            } => vec![(of_output, Read), (gradient, Write)],
            Self::NormalizeGradient {
                input,
                of_output,
                gradient,
                mode,
                gamma,
                beta,
                ..
            } => {
                let mut accesses = vec![(input.buffer, Read), (gamma, Write), (beta, Write)];
                if gradient.buffer == of_output {
                    accesses.push((of_output, Update));
                } else {
                    accesses.extend([(of_output, Read), part(gradient, by(mode))]);
                }
                accesses
            }
            Self::Update { gradient, .. } => vec![(gradient, Read)],
        }
    }
}
