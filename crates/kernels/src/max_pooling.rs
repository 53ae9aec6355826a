//! Max pooling. Ties go to the first cell in reading order, as in TensorFlow.

use rayon::prelude::*;

use super::accumulate::{Output, keep_or_clear};
use super::element::Element;
use super::scratch::in_f32_mut;
use super::window::{Pooling, WindowGeometry};
use crate::simd::vectorized;

/// A cell of a window, row by row.
pub type Cell = u16;

/// The cell that holds no input: a padding zero was the maximum.
const PADDING: Cell = Cell::MAX;

/// Asserts that both maps have as many values as the sizes say, and that the window's cells can be told apart.
fn check<T>(window: &WindowGeometry, maps: [&[T]; 2], channels: usize) {
    window.check(maps, [channels, channels]);
    assert!(
        window.taps() <= usize::from(PADDING),
        "cells of a window that can be told apart"
    );
}

/// `y = max over the window`; returns the cell (row-major in the window) of each maximum, for the gradient.
pub fn forward<T: Element>(pooling: &Pooling, x: &[T], y: &mut [T]) -> Vec<Cell> {
    let Pooling {
        window,
        channels,
        zeros_count,
    } = *pooling;
    check(&window, [x, y], channels);
    let line = (window.output[1] * channels).max(1);
    let mut cells = vec![0; y.len()];
    y.par_chunks_mut(line)
        .zip(cells.par_chunks_mut(line))
        .enumerate()
        .for_each(|(row, (y, cells))| {
            let (image, y_out) = (row / window.output[0], row % window.output[0]);
            in_f32_mut(y, false, |y| {
                let pixels = y.chunks_exact_mut(channels).zip(cells.chunks_exact_mut(channels));
                for (x_out, (maxima, cells)) in pixels.enumerate() {
                    maxima.fill(f32::NEG_INFINITY);
                    for cell in 0..window.taps() {
                        let position = |axis: usize, out: usize, tap: usize| {
                            (out * window.stride + tap)
                                .checked_sub(window.before[axis])
                                .filter(|&p| p < window.input[axis])
                        };
                        let row = position(0, y_out, cell / window.kernel);
                        let column = position(1, x_out, cell % window.kernel);
                        match (row, column) {
                            (Some(row), Some(column)) => {
                                let start = ((image * window.input[0] + row) * window.input[1] + column) * channels;
                                T::keep_larger(maxima, cells, &x[start..start + channels], cell as Cell);
                            }
                            _ if zeros_count => {
                                for (maximum, cell) in maxima.iter_mut().zip(cells.iter_mut()) {
                                    if 0.0 > *maximum {
                                        (*maximum, *cell) = (0.0, PADDING);
                                    }
                                }
                            }
                            _ => {}
                        }
                    }
                }
            });
        });
    cells
}

vectorized! {
    /// The loops of max pooling, each over the channels of a pixel.
    pub trait MaximumLoops<T> {
        /// Takes over the values of `candidates` that are larger; NaN is kept once seen, so that it stays visible.
        fn keep_larger(maxima: &mut [f32], cells: &mut [Cell], candidates: &[T], cell: Cell) {
            for ((maximum, kept), candidate) in maxima.iter_mut().zip(cells).zip(candidates) {
                let value = candidate.widen();
                let takes_over = (value > *maximum) | value.is_nan();
                *maximum = if takes_over { value } else { *maximum };
                *kept = if takes_over { cell } else { *kept };
            }
        }

        /// Adds the gradients of the outputs whose maximum was in this cell.
        fn add_where(target: &mut [f32], kept: &[Cell], cell: Cell, dy: &[T]) {
            for ((target, kept), dy) in target.iter_mut().zip(kept).zip(dy) {
                // Read in any case: what is read under a condition is read one by one.
                let gradient = dy.widen();
                *target += if *kept == cell { gradient } else { 0.0 };
            }
        }
    }
}

/// Adds each output's gradient to the input cell that was its maximum.
pub fn input_gradient<T: Element>(pooling: &Pooling, cells: &[Cell], dy: &[T], mode: Output, dx: &mut [T]) {
    let Pooling { window, channels, .. } = *pooling;
    check(&window, [dx, dy], channels);
    assert_eq!(cells.len(), dy.len(), "cells of the maxima");
    let line = (window.input[1] * channels).max(1);
    dx.par_chunks_mut(line).enumerate().for_each(|(row, dx)| {
        in_f32_mut(dx, mode == Output::Add, |dx| {
            keep_or_clear(mode, dx);
            let (image, y) = (row / window.input[0], row % window.input[0]);
            for (x, target) in dx.chunks_exact_mut(channels).enumerate() {
                for (y_out, tap_row) in window.outputs_over(0, y) {
                    for (x_out, tap_column) in window.outputs_over(1, x) {
                        let cell = (tap_row * window.kernel + tap_column) as Cell;
                        let pixel = (image * window.output[0] + y_out) * window.output[1] + x_out;
                        let range = pixel * channels..(pixel + 1) * channels;
                        T::add_where(target, &cells[range.clone()], cell, &dy[range]);
                    }
                }
            }
        });
    });
}
