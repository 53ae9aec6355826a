//! Average pooling over windows, and over the whole map.

use rayon::prelude::*;

use super::accumulate::{Output, keep_or_clear};
use super::element::Element;
use super::scratch::in_f32_mut;
use super::window::Pooling;
use crate::simd::vectorized;

vectorized! {
    /// The loops of average pooling, each over the channels of a pixel.
    pub trait AveragingLoops<T> {
        /// `sums += values`.
        fn add_row(sums: &mut [f32], values: &[T]) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value.widen();
            }
        }

        /// `target += share · values`.
        fn add_share(target: &mut [f32], values: &[T], share: f32) {
            for (target, value) in target.iter_mut().zip(values) {
                *target += value.widen() * share;
            }
        }
    }
}

/// The number that an output's sum is divided by: all cells of the window where padding zeros count, else the cells
/// inside the map.
fn divisor(pooling: &Pooling, y_out: usize, x_out: usize) -> f32 {
    let window = &pooling.window;
    if pooling.zeros_count {
        return window.taps() as f32;
    }
    (window.taps_inside(0, y_out).0.len() * window.taps_inside(1, x_out).0.len()) as f32
}

/// `y = mean over the window`.
pub fn forward<T: Element>(pooling: &Pooling, x: &[T], y: &mut [T]) {
    let Pooling { window, channels, .. } = *pooling;
    window.check([x, y], [channels, channels]);
    let line = (window.output[1] * channels).max(1);
    y.par_chunks_mut(line).enumerate().for_each(|(row, y)| {
        let (image, y_out) = (row / window.output[0], row % window.output[0]);
        let (rows, first_row) = window.taps_inside(0, y_out);
        in_f32_mut(y, false, |y| {
            for (x_out, means) in y.chunks_exact_mut(channels).enumerate() {
                means.fill(0.0);
                let (columns, first_column) = window.taps_inside(1, x_out);
                for row in first_row..first_row + rows.len() {
                    for column in first_column..first_column + columns.len() {
                        let start = ((image * window.input[0] + row) * window.input[1] + column) * channels;
                        T::add_row(means, &x[start..start + channels]);
                    }
                }
                let divisor = divisor(pooling, y_out, x_out);
                means.iter_mut().for_each(|mean| *mean /= divisor);
            }
        });
    });
}

/// Adds each output's gradient, divided as the output was, to all inputs of its window.
pub fn input_gradient<T: Element>(pooling: &Pooling, dy: &[T], mode: Output, dx: &mut [T]) {
    let Pooling { window, channels, .. } = *pooling;
    window.check([dx, dy], [channels, channels]);
    let line = (window.input[1] * channels).max(1);
    dx.par_chunks_mut(line).enumerate().for_each(|(row, dx)| {
        in_f32_mut(dx, mode == Output::Add, |dx| {
            keep_or_clear(mode, dx);
            let (image, y) = (row / window.input[0], row % window.input[0]);
            for (x, target) in dx.chunks_exact_mut(channels).enumerate() {
                for (y_out, _) in window.outputs_over(0, y) {
                    for (x_out, _) in window.outputs_over(1, x) {
                        let share = 1.0 / divisor(pooling, y_out, x_out);
                        let pixel = (image * window.output[0] + y_out) * window.output[1] + x_out;
                        let dy = &dy[pixel * channels..(pixel + 1) * channels];
                        T::add_share(target, dy, share);
                    }
                }
            }
        });
    });
}
