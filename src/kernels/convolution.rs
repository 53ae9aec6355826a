//! Convolution as matrix products over patches: rows of output pixels are gathered into a matrix of patches
//! (im2col), a few hundred pixels at a time, and multiplied. 1×1 convolutions need no patches.

use rayon::prelude::*;

use super::product::{self, Matrix, Output, multiply};
use super::window::WindowGeometry;

/// Pixels whose patches are gathered before they are multiplied.
const PIXELS: usize = 256;

/// A convolution's sizes. Kernels are stored as Keras stores them: `kernel × kernel × in_channels × out_channels`.
#[derive(Debug, Clone, Copy)]
pub struct Convolution {
    /// The window and the maps.
    pub window: WindowGeometry,
    /// Channels of the input map.
    pub in_channels: usize,
    /// Channels of the output map.
    pub out_channels: usize,
}

impl Convolution {
    /// Multiply-adds of the forward pass of one image.
    pub fn multiply_adds(&self) -> u64 {
        (self.window.output[0] * self.window.output[1] * self.patch() * self.out_channels) as u64
    }

    fn patch(&self) -> usize {
        self.window.taps() * self.in_channels
    }

    /// Rows of a map of this width that make up a task.
    fn rows_per_task(width: usize) -> usize {
        (PIXELS / width.max(1)).max(1)
    }

    /// `y = x ∗ kernel + bias`.
    pub fn forward(&self, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        if self.window.is_pointwise() {
            return product::forward(x, kernel, bias, self.in_channels, self.out_channels, y);
        }
        let width = self.window.output[1];
        let rows = Self::rows_per_task(width);
        y.par_chunks_mut((rows * width * self.out_channels).max(1))
            .enumerate()
            .for_each_init(Vec::new, |patches, (task, y)| {
                let pixels = y.len() / self.out_channels;
                let first = task * rows;
                self.gather_patches(x, first..first + pixels / width, 0..self.window.taps(), patches);
                let mode = match bias {
                    Some(bias) => {
                        product::fill_rows(y, bias);
                        Output::Add
                    }
                    None => Output::Overwrite,
                };
                let patches = Matrix::new(patches, pixels, self.patch());
                multiply(patches, Matrix::new(kernel, self.patch(), self.out_channels), y, mode);
            });
    }

    /// Writes the patches of output rows `rows` (counted through the batch), restricted to the window's cells `taps`,
    /// as a matrix of `pixels × (taps · in_channels)`; cells outside the map are zero.
    fn gather_patches(
        &self,
        x: &[f32],
        rows: std::ops::Range<usize>,
        taps: std::ops::Range<usize>,
        patches: &mut Vec<f32>,
    ) {
        let (window, channels) = (&self.window, self.in_channels);
        let patch = taps.len() * channels;
        patches.clear();
        patches.resize(rows.len() * window.output[1] * patch, 0.0);
        let mut pixels = patches.chunks_exact_mut(patch);
        for row in rows {
            let (image, y) = (row / window.output[0], row % window.output[0]);
            let (rows_inside, first_row) = window.taps_inside(0, y);
            for x_out in 0..window.output[1] {
                let Some(pixel) = pixels.next() else { return };
                let (columns_inside, first_column) = window.taps_inside(1, x_out);
                for tap_row in rows_inside.clone() {
                    let line = tap_row * window.kernel;
                    let from = (line + columns_inside.start).max(taps.start);
                    let to = (line + columns_inside.end).min(taps.end);
                    if from >= to {
                        continue;
                    }
                    let source_row = image * window.input[0] + first_row + tap_row - rows_inside.start;
                    let source_column = first_column + from - line - columns_inside.start;
                    let source = (source_row * window.input[1] + source_column) * channels;
                    let length = (to - from) * channels;
                    let target = (from - taps.start) * channels;
                    pixel[target..target + length].copy_from_slice(&x[source..source + length]);
                }
            }
        }
    }

    /// `dx += dy ∗ᵀ kernel`. Input pixels with equal remainders modulo the stride are read by the same cells of the
    /// window, so each such phase is a product of gathered output gradients with a part of the kernel: nothing is
    /// multiplied by a padding zero of the stride.
    pub fn input_gradient(&self, dy: &[f32], kernel: &[f32], dx: &mut [f32]) {
        if self.window.is_pointwise() {
            return product::input_gradient(dy, kernel, self.in_channels, self.out_channels, dx);
        }
        let (window, channels) = (&self.window, self.in_channels);
        let phases: Vec<Phase> = (0..window.stride * window.stride)
            .map(|index| Phase::new(self, kernel, [index / window.stride, index % window.stride]))
            .filter(|phase| !phase.is_empty())
            .collect();
        let width = window.input[1];
        let rows = Self::rows_per_task(width) * window.stride;
        dx.par_chunks_mut((rows * width * channels).max(1))
            .enumerate()
            .for_each_init(<(Vec<f32>, Vec<f32>)>::default, |(gathered, sums), (task, dx)| {
                let first = task * rows;
                for phase in &phases {
                    phase.add_to(self, dy, first, dx, gathered, sums);
                }
            });
    }

    /// `dkernel += patches(x)ᵀ · dy`.
    pub fn kernel_gradient(&self, x: &[f32], dy: &[f32], dkernel: &mut [f32]) {
        let (window, channels, outputs) = (&self.window, self.in_channels, self.out_channels);
        if window.is_pointwise() {
            return product::weight_gradient(x, dy, channels, outputs, dkernel);
        }
        let (rows, width) = (window.batch * window.output[0], window.output[1]);
        // Blocks of the sum are whole cells of the window: a "line" of the sum is one cell with all its channels.
        product::sum_of_products(
            rows * width,
            window.taps(),
            channels * outputs,
            dkernel,
            |pixels, taps, sum| {
                let (mut row, end) = (pixels.start.div_ceil(width), pixels.end.div_ceil(width));
                let mut patches = Vec::new();
                while row < end {
                    let next = end.min(row + Self::rows_per_task(width));
                    self.gather_patches(x, row..next, taps.clone(), &mut patches);
                    let pixels = (next - row) * width;
                    let patches = Matrix::new(&patches, pixels, taps.len() * channels);
                    let dy = Matrix::new(&dy[row * width * outputs..next * width * outputs], pixels, outputs);
                    multiply(patches.transposed(), dy, sum, Output::Add);
                    row = next;
                }
            },
        );
    }
}

/// The part of a transposed convolution that writes the input pixels with one remainder modulo the stride.
struct Phase {
    /// Remainders of the pixels' row and column.
    offset: [usize; 2],
    /// The window's rows and columns that read such pixels.
    taps: [Vec<usize>; 2],
    /// Those cells of the kernel, transposed: `(taps · out_channels) × in_channels`.
    kernel: Vec<f32>,
}

impl Phase {
    fn new(convolution: &Convolution, kernel: &[f32], offset: [usize; 2]) -> Self {
        let window = &convolution.window;
        let (inputs, outputs) = (convolution.in_channels, convolution.out_channels);
        let taps = [0, 1].map(|axis| {
            let first = (offset[axis] + window.before[axis]) % window.stride;
            (first..window.kernel).step_by(window.stride).collect::<Vec<_>>()
        });
        let mut transposed = vec![0.0; taps[0].len() * taps[1].len() * outputs * inputs];
        let cells = taps[0]
            .iter()
            .flat_map(|&row| taps[1].iter().map(move |&column| row * window.kernel + column));
        for (target, cell) in transposed.chunks_exact_mut((outputs * inputs).max(1)).zip(cells) {
            let source = &kernel[cell * inputs * outputs..(cell + 1) * inputs * outputs];
            for (input, line) in source.chunks_exact(outputs).enumerate() {
                for (output, &value) in line.iter().enumerate() {
                    target[output * inputs + input] = value;
                }
            }
        }
        Self {
            offset,
            taps,
            kernel: transposed,
        }
    }

    fn is_empty(&self) -> bool {
        self.kernel.is_empty()
    }

    /// Adds this phase's share to `dx`, which holds the input rows from `first` on (counted through the batch).
    fn add_to(
        &self,
        convolution: &Convolution,
        dy: &[f32],
        first: usize,
        dx: &mut [f32],
        gathered: &mut Vec<f32>,
        sums: &mut Vec<f32>,
    ) {
        let (window, inputs, outputs) = (&convolution.window, convolution.in_channels, convolution.out_channels);
        let width = window.input[1];
        let patch = self.taps[0].len() * self.taps[1].len() * outputs;
        let pixels: Vec<(usize, usize)> = (first..first + dx.len() / (width * inputs))
            .filter(|row| (row % window.input[0]) % window.stride == self.offset[0])
            .flat_map(|row| {
                (self.offset[1]..width)
                    .step_by(window.stride)
                    .map(move |column| (row, column))
            })
            .collect();
        gathered.clear();
        gathered.resize(pixels.len() * patch, 0.0);
        for (&(row, column), target) in pixels.iter().zip(gathered.chunks_exact_mut(patch)) {
            let (image, y) = (row / window.input[0], row % window.input[0]);
            for (row_index, &tap_row) in self.taps[0].iter().enumerate() {
                let Some(y_out) = output_position(window, 0, y, tap_row) else {
                    continue;
                };
                for (column_index, &tap_column) in self.taps[1].iter().enumerate() {
                    let Some(x_out) = output_position(window, 1, column, tap_column) else {
                        continue;
                    };
                    let source = ((image * window.output[0] + y_out) * window.output[1] + x_out) * outputs;
                    let slot = (row_index * self.taps[1].len() + column_index) * outputs;
                    target[slot..slot + outputs].copy_from_slice(&dy[source..source + outputs]);
                }
            }
        }
        let gathered = Matrix::new(gathered, pixels.len(), patch);
        let kernel = Matrix::new(&self.kernel, patch, inputs);
        if window.stride == 1 {
            return multiply(gathered, kernel, dx, Output::Add);
        }
        sums.clear();
        sums.resize(pixels.len() * inputs, 0.0);
        multiply(gathered, kernel, sums, Output::Overwrite);
        for (&(row, column), sum) in pixels.iter().zip(sums.chunks_exact(inputs)) {
            let target = ((row - first) * width + column) * inputs;
            super::elementwise::add_serial(&mut dx[target..target + inputs], sum);
        }
    }
}

/// The output position whose window reads input `position` through `tap`; the phase guarantees divisibility.
fn output_position(window: &WindowGeometry, axis: usize, position: usize, tap: usize) -> Option<usize> {
    let padded = (position + window.before[axis]).checked_sub(tap)?;
    let output = padded / window.stride;
    (output < window.output[axis]).then_some(output)
}
