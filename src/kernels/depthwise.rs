//! Depthwise convolution: each channel with a kernel of its own, in direct loops that run along the channels.

use multiversion::multiversion;
use rayon::prelude::*;

use super::elementwise::add_serial;
use super::window::WindowGeometry;

/// A depthwise convolution's sizes. Kernels are stored as `kernel × kernel × channels` (Keras' `depthwise_kernel` with
/// a depth multiplier of 1).
#[derive(Debug, Clone, Copy)]
pub struct Depthwise {
    /// The window and the maps.
    pub window: WindowGeometry,
    /// Channels of the input and the output map.
    pub channels: usize,
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn add_product(target: &mut [f32], a: &[f32], b: &[f32]) {
    for ((target, a), b) in target.iter_mut().zip(a).zip(b) {
        *target += a * b;
    }
}

impl Depthwise {
    /// Multiply-adds of the forward pass of one image.
    pub fn multiply_adds(&self) -> u64 {
        (self.window.output[0] * self.window.output[1] * self.window.taps() * self.channels) as u64
    }

    fn pixel<'a>(&self, map: &'a [f32], size: [usize; 2], row: usize, column: usize) -> &'a [f32] {
        let start = (row * size[1] + column) * self.channels;
        &map[start..start + self.channels]
    }

    fn tap<'a>(&self, kernel: &'a [f32], row: usize, column: usize) -> &'a [f32] {
        let start = (row * self.window.kernel + column) * self.channels;
        &kernel[start..start + self.channels]
    }

    /// For each output row, each cell inside the map: `(output column, tap row, tap column, input row, input column)`,
    /// rows counted through the batch.
    fn cells(&self, row: usize, mut visit: impl FnMut(usize, [usize; 2], [usize; 2])) {
        let window = &self.window;
        let (image, y) = (row / window.output[0], row % window.output[0]);
        let (tap_rows, first_row) = window.taps_inside(0, y);
        for x in 0..window.output[1] {
            let (tap_columns, first_column) = window.taps_inside(1, x);
            for (row, tap_row) in tap_rows.clone().enumerate() {
                for (column, tap_column) in tap_columns.clone().enumerate() {
                    let input_row = image * window.input[0] + first_row + row;
                    visit(x, [tap_row, tap_column], [input_row, first_column + column]);
                }
            }
        }
    }

    /// `y = x ∗ kernel + bias`, channel by channel.
    pub fn forward(&self, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let line = self.window.output[1] * self.channels;
        y.par_chunks_mut(line.max(1)).enumerate().for_each(|(row, y)| {
            match bias {
                Some(bias) => super::product::fill_rows(y, bias),
                None => y.fill(0.0),
            }
            self.cells(row, |column, tap, input| {
                let target = &mut y[column * self.channels..(column + 1) * self.channels];
                let x = self.pixel(x, self.window.input, input[0], input[1]);
                add_product(target, x, self.tap(kernel, tap[0], tap[1]));
            });
        });
    }

    /// `dx += dy ∗ᵀ kernel`.
    pub fn input_gradient(&self, dy: &[f32], kernel: &[f32], dx: &mut [f32]) {
        let window = &self.window;
        let line = window.input[1] * self.channels;
        dx.par_chunks_mut(line.max(1)).enumerate().for_each(|(row, dx)| {
            let (image, y) = (row / window.input[0], row % window.input[0]);
            for (x, target) in dx.chunks_exact_mut(self.channels).enumerate() {
                for (y_out, tap_row) in window.outputs_over(0, y) {
                    for (x_out, tap_column) in window.outputs_over(1, x) {
                        let dy = self.pixel(dy, window.output, image * window.output[0] + y_out, x_out);
                        add_product(target, dy, self.tap(kernel, tap_row, tap_column));
                    }
                }
            }
        });
    }

    /// `dkernel += Σ over pixels of x · dy`.
    pub fn kernel_gradient(&self, x: &[f32], dy: &[f32], dkernel: &mut [f32]) {
        let window = &self.window;
        let rows = window.batch * window.output[0];
        let run = rows.div_ceil(16).max(1);
        let parts: Vec<Vec<f32>> = (0..rows.div_ceil(run))
            .into_par_iter()
            .map(|part| {
                let mut partial = vec![0.0; dkernel.len()];
                for row in part * run..rows.min((part + 1) * run) {
                    self.cells(row, |column, tap, input| {
                        let start = (tap[0] * window.kernel + tap[1]) * self.channels;
                        let x = self.pixel(x, window.input, input[0], input[1]);
                        let dy = self.pixel(dy, window.output, row, column);
                        add_product(&mut partial[start..start + self.channels], x, dy);
                    });
                }
                partial
            })
            .collect();
        for part in &parts {
            add_serial(dkernel, part);
        }
    }
}
