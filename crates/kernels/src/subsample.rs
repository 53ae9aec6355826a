//! Every second pixel of a map.

use rayon::prelude::*;

use super::accumulate::add_serial;
use super::accumulate::{Output, keep_or_clear};
use super::element::Element;
use super::length;

/// Takes the pixels `2y + offset, 2x + offset` of a batch of maps; what lies beyond the border is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsample {
    /// Size of an input map: height and width.
    pub input: [usize; 2],
    /// Size of an output map.
    pub output: [usize; 2],
    /// Channels of both.
    pub channels: usize,
    /// The first pixel taken along each axis.
    pub offset: usize,
}

impl Subsample {
    /// Asserts that batches of maps of both sizes have equally many.
    fn check<T>(&self, x: &[T], y: &[T]) {
        let [of_input, of_output] =
            [self.input, self.output].map(|[height, width]| length::of(&[height, width, self.channels]));
        let maps = y.len() / of_output.max(1);
        let lengths = [of_input, of_output].map(|values| length::of(&[maps, values]));
        assert_eq!([x.len(), y.len()], lengths, "values of input and output");
    }

    /// Writes the taken pixels.
    pub fn forward<T: Element>(&self, x: &[T], y: &mut [T]) {
        self.check(x, y);
        let line = (self.output[1] * self.channels).max(1);
        y.par_chunks_mut(line).enumerate().for_each(|(row, y)| {
            for (column, y) in y.chunks_exact_mut(self.channels).enumerate() {
                match self.taken(row, column) {
                    Some(pixel) => y.copy_from_slice(&x[pixel * self.channels..(pixel + 1) * self.channels]),
                    None => y.fill(T::default()),
                }
            }
        });
    }

    /// Adds each output's gradient to that of the pixel it was taken from; those of all others are 0, or stay.
    pub fn input_gradient<T: Element>(&self, dy: &[T], mode: Output, dx: &mut [T]) {
        self.check(dx, dy);
        keep_or_clear(mode, dx);
        for (pixel, dy) in dy.chunks_exact(self.channels).enumerate() {
            if let Some(taken) = self.taken(pixel / self.output[1], pixel % self.output[1]) {
                add_serial(&mut dx[taken * self.channels..(taken + 1) * self.channels], dy);
            }
        }
    }

    /// The input pixel, counted through the batch, that goes to an output pixel; `row` is counted through the batch.
    fn taken(&self, row: usize, column: usize) -> Option<usize> {
        let (image, row) = (row / self.output[0], 2 * (row % self.output[0]) + self.offset);
        let column = 2 * column + self.offset;
        let inside = row < self.input[0] && column < self.input[1];
        inside.then_some((image * self.input[0] + row) * self.input[1] + column)
    }
}
