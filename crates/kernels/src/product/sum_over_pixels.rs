//! Products that sum over the pixels of a batch: the gradients of kernels.

use std::ops::Range;

use rayon::prelude::*;

use super::multiply::Start;
use crate::accumulate::{Output, add_serial};
use crate::element::Element;
use crate::memory::unwritten;
use crate::scratch::scratch;
use crate::{length, tasks};

/// The sizes of a product that sums over the pixels of a batch, and so is divided into runs of pixels as well as into
/// blocks of its output.
pub struct SumOverPixels {
    /// Rows of the maps, counted through the batch.
    pub rows: usize,
    /// Pixels of a row.
    pub pixels: usize,
    /// Lines of the output.
    pub lines: usize,
    /// Values of a line.
    pub width: usize,
    /// How many lines a task has at least.
    pub least_lines: usize,
}

impl SumOverPixels {
    /// Computes the sum on the current pool. `add(rows, block, start, part, buffer)` adds the product over some rows to
    /// the block of lines that `part` holds, from `start` on; the buffer is for its use.
    pub fn compute<T: Element>(
        &self,
        mode: Output,
        sum: &mut [f32],
        add: impl Fn(Range<usize>, Range<usize>, Start<'_>, &mut [f32], &mut Vec<T>) + Sync,
    ) {
        assert_eq!(sum.len(), length::of(&[self.lines, self.width]), "values of the sum");
        let pixels = length::of(&[self.rows, self.pixels]);
        let (runs, blocks) = tasks::summed(pixels, self.lines / self.least_lines);
        let (run, lines) = (self.rows.div_ceil(runs), self.lines.div_ceil(blocks));
        let at_once = (tasks::SUMMED_AT_ONCE / self.pixels).max(1);
        let add_run = |number: usize, block: Range<usize>, mut start: Start<'_>, part: &mut [f32]| {
            let end = self.rows.min((number + 1) * run);
            scratch(|buffer| {
                for first in (number * run..end).step_by(at_once) {
                    add(first..end.min(first + at_once), block.clone(), start, part, buffer);
                    start = Start::Output;
                }
            });
        };
        sum.par_chunks_mut(lines * self.width)
            .enumerate()
            .for_each(|(index, block)| {
                let range = index * lines..index * lines + block.len() / self.width;
                let length = block.len();
                let later = || -> Vec<Vec<f32>> {
                    let parts = (1..self.rows.div_ceil(run)).into_par_iter().map(|number| {
                        let mut partial = unwritten(length);
                        add_run(number, range.clone(), Start::Zero, &mut partial);
                        partial
                    });
                    parts.collect()
                };
                let ((), later) = rayon::join(|| add_run(0, range.clone(), mode.into(), block), later);
                for part in &later {
                    add_serial(block, part);
                }
            });
    }
}
