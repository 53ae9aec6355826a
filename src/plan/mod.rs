//! What a step does, launch by launch, and where in memory: made once from a [`Program`], run many times.
//!
//! A plan is data. It can be printed and checked without running: everything that is read was written before, and no two
//! buffers that are alive at the same time overlap.

mod arena;
mod forward;
mod gradients;
mod inference;
mod launch;
mod memory;
mod planner;
mod readers;
mod slices;

pub use arena::{Arena, Lifetime};
pub use launch::{Access, Launch, Map, Then};
pub use memory::PlannedMemory;

use serde::{Deserialize, Serialize};

use crate::program::Program;
use gradients::Gradients;
use planner::Planner;

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

/// How feature maps are stored, and what products are made of. Parameters, velocities, statistics, logits and the loss are f32,
/// and so are all sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// The upper 16 bits of it, rounded to nearest.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// Bytes of a stored value of a map.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }
}

/// What a buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Values of a map, stored in the plan's precision.
    Map,
    /// Numbers that are f32 in every precision: logits, and gradients of parameters.
    Number,
}

/// How large a buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How many values.
    pub length: Length,
    /// What kind of values.
    pub storage: Storage,
}

impl Extent {
    /// Bytes for a batch of so many images.
    pub fn bytes(self, batch: usize, precision: Precision) -> usize {
        let of_value = match self.storage {
            Storage::Map => precision.bytes(),
            Storage::Number => Precision::F32.bytes(),
        };
        of_value * self.length.of_batch(batch)
    }
}

/// What becomes of feature maps between the forward and the backward pass. The results are the same, to the bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryUse {
    /// They are kept.
    #[default]
    Keep,
    /// What is cheap to make again is made again: normalised maps, ReLUs, depthwise convolutions.
    Recompute,
}

/// How a step trains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Training {
    /// What becomes of feature maps.
    pub memory: MemoryUse,
    /// How many operations are frozen, from the first on: their normalisations use running statistics and leave them as they are,
    /// their dropouts drop nothing, and they have no backward pass.
    pub frozen: usize,
}

impl From<MemoryUse> for Training {
    fn from(memory: MemoryUse) -> Self {
        Self { memory, frozen: 0 }
    }
}

/// The launches of a step, and the buffers that they touch.
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the order in which they run.
    pub launches: Vec<Launch>,
    /// How large the buffers are.
    pub buffers: Vec<Extent>,
    /// How maps are stored.
    pub precision: Precision,
    /// The channels of all statistics.
    pub statistics: Vec<usize>,
    /// Where the images are before the first launch.
    pub images: Buffer,
    /// Whether running statistics move: those of what is not frozen.
    pub trains: bool,
    /// Where the logits are after the last launch.
    pub logits: Buffer,
    /// Where the gradient of each parameter is after the last launch, in the program's order; none of one that isn't trained, or
    /// has been updated, or is frozen.
    pub gradients: Vec<Option<Buffer>>,
}

impl Plan {
    /// A training step: forward, the loss, and the gradients of all parameters that are trained.
    pub fn training(program: &Program, training: impl Into<Training>) -> Self {
        gradients::plan(program, Gradients::Kept, training.into())
    }

    /// A training step whose gradients update the parameters as soon as they are there, and are forgotten.
    pub fn update(program: &Program, training: impl Into<Training>) -> Self {
        gradients::plan(program, Gradients::Used, training.into())
    }

    /// An inference step: the logits of the images.
    pub fn inference(program: &Program) -> Self {
        inference::plan(program)
    }

    /// The same plan, with maps stored in another precision.
    pub fn stored(self, precision: Precision) -> Self {
        Self { precision, ..self }
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
