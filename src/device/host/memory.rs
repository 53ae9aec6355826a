//! The memory in which executables run, and where a plan's buffers are in it.

use std::ops::Range;

use crate::kernels::element::Element;
use crate::kernels::pixels::{Pixels, PixelsMut};
use crate::plan::{Arena, Buffer, Extent, Map, Plan, Precision, Storage};

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
    extents: Vec<Extent>,
    precision: Precision,
    /// Images of the batch that was run last.
    pub batch: usize,
}

impl Buffers {
    /// Those of a plan, for batches of up to so many images.
    pub fn new(plan: &Plan, largest: usize) -> Self {
        Self {
            arena: Vec::new(),
            places: plan.arena(largest),
            extents: plan.buffers.clone(),
            precision: plan.precision,
            batch: 0,
        }
    }

    /// Takes memory to run in.
    pub fn enter(&mut self, memory: &mut Memory) {
        memory.reserve(self.places.bytes() / size_of::<f32>());
        std::mem::swap(&mut self.arena, &mut memory.0);
    }

    /// Gives it back.
    pub fn leave(&mut self, memory: &mut Memory) {
        std::mem::swap(&mut self.arena, &mut memory.0);
    }

    /// The numbers that a buffer holds after the last run, if nothing else has run in the memory since.
    pub fn numbers<'m>(&self, memory: &'m Memory, buffer: Buffer) -> &'m [f32] {
        assert_eq!(self.storage(buffer), Storage::Number, "a buffer of numbers");
        memory.0.get(self.range(buffer)).unwrap_or_default()
    }

    /// As [`numbers`](Self::numbers), of whatever the buffer holds.
    pub fn result<T: Element>(&self, memory: &Memory, buffer: Buffer) -> Vec<f32> {
        let words = memory.0.get(self.range(buffer)).unwrap_or_default();
        match self.storage(buffer) {
            Storage::Number => words.to_vec(),
            Storage::Map => {
                let stored: &[T] = bytemuck::cast_slice(words);
                let count = self.extents[buffer.index()].length.of_batch(self.batch);
                stored.iter().take(count).map(|value| value.widen()).collect()
            }
        }
    }

    pub fn storage(&self, buffer: Buffer) -> Storage {
        self.extents[buffer.index()].storage
    }

    /// A buffer's words of 32 bits. Its place begins with one; of a map in 16 bits, half of the last one may not be its own, but
    /// nobody else's either.
    fn range(&self, buffer: Buffer) -> Range<usize> {
        let bytes = self.extents[buffer.index()].bytes(self.batch, self.precision);
        let range = self.places.range(buffer, bytes);
        range.start / size_of::<f32>()..range.end.div_ceil(size_of::<f32>())
    }

    /// Different buffers, to be read and written.
    pub fn views<const N: usize>(&mut self, buffers: [Buffer; N]) -> [View<'_>; N] {
        let ranges = buffers.map(|buffer| self.range(buffer));
        let values = buffers.map(|buffer| self.extents[buffer.index()].length.of_batch(self.batch));
        let mut values = values.into_iter();
        match self.arena.get_disjoint_mut(ranges) {
            Ok(views) => views.map(|words| View {
                words,
                values: values.next().unwrap_or(0),
            }),
            Err(error) => panic!("buffers of one launch: {error}"),
        }
    }

    /// As [`views`](Self::views), of buffers that hold maps.
    pub fn maps<T: Element, const N: usize>(&mut self, buffers: [Buffer; N]) -> [&mut [T]; N] {
        self.views(buffers).map(View::map)
    }
}

/// What a buffer holds.
pub(super) struct View<'a> {
    words: &'a mut [f32],
    values: usize,
}

impl<'a> View<'a> {
    /// Values of a map.
    pub fn map<T: Element>(self) -> &'a mut [T] {
        &mut bytemuck::cast_slice_mut(self.words)[..self.values]
    }

    /// Numbers.
    pub fn numbers(self) -> &'a mut [f32] {
        self.words
    }
}

/// A map's pixels, as they lie in its buffer.
pub(super) fn pixels<T: Element>(values: &[T], map: Map) -> Pixels<'_, T> {
    Pixels::of(values, map.place)
}

/// As [`pixels`], to be written.
pub(super) fn pixels_mut<T: Element>(values: &mut [T], map: Map) -> PixelsMut<'_, T> {
    PixelsMut::of(values, map.place)
}
