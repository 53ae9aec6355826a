//! The memory in which executables run, and where a plan's buffers are in it.

use std::ops::Range;

use crate::kernels::pixels::{Pixels, PixelsMut};
use crate::plan::{Arena, Buffer, Length, Map, Plan};

/// The memory in which executables run, one at a time. It is allocated when the first one needs it, or a larger one.
#[derive(Debug, Default)]
pub struct Memory(Vec<f32>);

impl Memory {
    /// The values, as many as asked for at least.
    fn reserve(&mut self, length: usize) {
        if self.0.len() < length {
            // What is there is given back before more is asked for.
            self.0 = Vec::new();
            self.0 = vec![0.0; length];
        }
    }
}

/// A plan's buffers, in memory while it runs.
#[derive(Debug)]
pub(super) struct Buffers {
    arena: Vec<f32>,
    places: Arena,
    lengths: Vec<Length>,
    /// Images of the batch that was run last.
    pub batch: usize,
}

impl Buffers {
    /// Those of a plan, for batches of up to so many images.
    pub fn new(plan: &Plan, largest: usize) -> Self {
        Self {
            arena: Vec::new(),
            places: plan.arena(largest),
            lengths: plan.buffers.clone(),
            batch: 0,
        }
    }

    /// Takes memory to run in.
    pub fn enter(&mut self, memory: &mut Memory) {
        memory.reserve(self.places.length());
        std::mem::swap(&mut self.arena, &mut memory.0);
    }

    /// Gives it back.
    pub fn leave(&mut self, memory: &mut Memory) {
        std::mem::swap(&mut self.arena, &mut memory.0);
    }

    /// What a buffer holds after the last run, if nothing else has run in the memory since.
    pub fn result<'m>(&self, memory: &'m Memory, buffer: Buffer) -> &'m [f32] {
        memory.0.get(self.range(buffer)).unwrap_or_default()
    }

    fn range(&self, buffer: Buffer) -> Range<usize> {
        let length = self.lengths[buffer.index()].of_batch(self.batch);
        self.places.range(buffer, length)
    }

    /// Different buffers, to be read and written.
    pub fn views<const N: usize>(&mut self, buffers: [Buffer; N]) -> [&mut [f32]; N] {
        let ranges = buffers.map(|buffer| self.range(buffer));
        match self.arena.get_disjoint_mut(ranges) {
            Ok(views) => views,
            Err(error) => panic!("buffers of one launch: {error}"),
        }
    }
}

/// A map's pixels, as they lie in its buffer.
pub(super) fn pixels(values: &[f32], map: Map) -> Pixels<'_> {
    Pixels::of(values, map.place)
}

/// As [`pixels`], to be written.
pub(super) fn pixels_mut(values: &mut [f32], map: Map) -> PixelsMut<'_> {
    PixelsMut::of(values, map.place)
}
