//! Convolution as matrix products over patches: rows of output pixels are gathered into a matrix of patches
//! (im2col), a few hundred pixels at a time, and multiplied. 1×1 convolutions need no patches, nor do those of bf16
//! maps whose windows matrix instructions can read where they lie.

mod bf16;
mod memory;
mod padded;

pub use memory::WorkingMemory;

use std::ops::Range;

use rayon::prelude::*;

use super::accumulate::{Output, keep_or_clear};
use super::batch_norm::{self, Moments};
use super::element::Element;
use super::pixels::{Pixels, PixelsMut};
use super::product::{self, Epilogue, Factor, Matrix, Rows, Start, SumOverPixels, spread};
use super::scratch::scratch;
use super::window::WindowGeometry;
use super::winograd::Winograd;
use super::{length, tasks};

/// Pixels whose patches are gathered before they are multiplied.
const PIXELS: usize = 256;

/// A convolution's sizes. Kernels are stored as Keras stores them: `kernel × kernel × in_channels × out_channels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// The window and the maps.
    pub window: WindowGeometry,
    /// Channels of the input map.
    pub in_channels: usize,
    /// Channels of the output map.
    pub out_channels: usize,
}

/// A kernel as the forward pass reads it.
pub enum PackedKernel<T: Convolved = f32> {
    /// Of a product, over patches or not.
    Packed(T::Packed),
    /// Of an algorithm that is faster than products over patches.
    Transformed(T::Transformed),
}

/// A value that convolutions are made of. Windows of some sizes have an algorithm of their own that is faster than products over
/// patches.
pub trait Convolved: Factor {
    /// A kernel that is laid out for such an algorithm.
    type Transformed: Send + Sync;

    /// What the passes of a convolution work in.
    fn working_memory(sizes: &Convolution) -> WorkingMemory;

    /// Lays out a kernel; nothing if the convolution has no such algorithm.
    fn transformed(sizes: &Convolution, kernel: &[f32]) -> Option<Self::Transformed>;

    /// As [`Convolution::forward_packed`].
    fn forward(
        sizes: &Convolution,
        x: &[Self],
        kernel: &Self::Transformed,
        epilogue: Epilogue<'_>,
        y: &mut PixelsMut<'_, Self>,
    );

    /// As [`Convolution::input_gradient_of`]; whether there is such an algorithm.
    fn input_gradient(sizes: &Convolution, dy: Pixels<'_, Self>, kernel: &[f32], mode: Output, dx: &mut [Self])
    -> bool;

    /// As [`Convolution::kernel_gradient_of`]; whether there is such an algorithm.
    fn kernel_gradient(
        sizes: &Convolution,
        x: &[Self],
        dy: Pixels<'_, Self>,
        mode: Output,
        dkernel: &mut [f32],
    ) -> bool;
}

/// By Winograd's algorithm.
impl Convolved for f32 {
    type Transformed = Vec<f32>;

    fn working_memory(sizes: &Convolution) -> WorkingMemory {
        memory::in_f32(sizes)
    }

    fn transformed(sizes: &Convolution, kernel: &[f32]) -> Option<Vec<f32>> {
        sizes.winograd().map(|winograd| winograd.transformed_kernel(kernel))
    }

    fn forward(sizes: &Convolution, x: &[f32], kernel: &Vec<f32>, epilogue: Epilogue<'_>, y: &mut PixelsMut<'_>) {
        match sizes.winograd() {
            Some(winograd) => winograd.forward(x, kernel, epilogue, y),
            None => panic!("a kernel that was packed for this convolution"),
        }
    }

    fn input_gradient(sizes: &Convolution, dy: Pixels<'_>, kernel: &[f32], mode: Output, dx: &mut [f32]) -> bool {
        let winograd = sizes.winograd();
        winograd
            .inspect(|winograd| winograd.input_gradient(dy, kernel, mode, dx))
            .is_some()
    }

    fn kernel_gradient(sizes: &Convolution, x: &[f32], dy: Pixels<'_>, mode: Output, dkernel: &mut [f32]) -> bool {
        let winograd = sizes.winograd();
        winograd
            .inspect(|winograd| winograd.kernel_gradient(x, dy, mode, dkernel))
            .is_some()
    }
}

impl Convolution {
    /// Multiply-adds of the forward pass of one image.
    pub fn multiply_adds(&self) -> u64 {
        let [height, width] = self.window.output;
        length::of(&[height, width, self.patch(), self.out_channels]) as u64
    }

    fn patch(&self) -> usize {
        length::of(&[self.window.taps(), self.in_channels])
    }

    /// Asserts that the maps of both sides have the pixels and the channels that the sizes say, and the kernel its values.
    fn check(&self, maps: [[usize; 2]; 2], kernel: &[f32]) {
        self.window.check_pixels(maps, [self.in_channels, self.out_channels]);
        self.check_kernel(kernel);
    }

    fn check_kernel(&self, kernel: &[f32]) {
        assert_eq!(
            kernel.len(),
            length::of(&[self.patch(), self.out_channels]),
            "values of the kernel"
        );
    }

    fn winograd(&self) -> Option<Winograd> {
        Winograd::of(&self.window, self.in_channels, self.out_channels)
    }

    /// Rows of a batch of maps of this size that make up a task.
    fn rows_per_task(&self, [height, width]: [usize; 2]) -> usize {
        let rows = self.window.batch * height;
        rows.div_ceil(tasks::of_rows(rows * width, PIXELS)).max(1)
    }

    /// `y = x ∗ kernel + bias`.
    pub fn forward(&self, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let (x, y) = (
            Pixels::whole(x, self.in_channels),
            PixelsMut::whole(y, self.out_channels),
        );
        self.check([[x.count(), x.channels()], [y.count(), y.place().channels]], kernel);
        if x.count() == 0 {
            // As when a network is traced: the kernel need not be packed.
            return;
        }
        self.forward_packed(x, &self.pack(kernel), bias.into(), y, None);
    }

    /// Lays a kernel out for [`forward_packed`](Self::forward_packed).
    pub fn pack<T: Convolved>(&self, kernel: &[f32]) -> PackedKernel<T> {
        self.check_kernel(kernel);
        match T::transformed(self, kernel) {
            Some(transformed) => PackedKernel::Transformed(transformed),
            None => PackedKernel::Packed(T::pack(&[Matrix::new(kernel, self.patch(), self.out_channels)])),
        }
    }

    /// `y = x ∗ kernel + bias`, with the output's moments if they are asked for. Pixels that are normalised on the way are those
    /// of a pointwise convolution.
    ///
    /// # Panics
    /// If sizes differ from the convolution's, or the kernel was packed for another one.
    pub fn forward_packed<T: Convolved>(
        &self,
        x: Pixels<'_, T>,
        kernel: &PackedKernel<T>,
        epilogue: Epilogue<'_>,
        mut y: PixelsMut<'_, T>,
        moments: Option<&mut Moments>,
    ) {
        let maps = [[x.count(), x.channels()], [y.count(), y.place().channels]];
        self.window.check_pixels(maps, [self.in_channels, self.out_channels]);
        match kernel {
            PackedKernel::Transformed(kernel) => T::forward(self, x.dense(), kernel, epilogue, &mut y),
            PackedKernel::Packed(kernel) if self.window.is_pointwise() => {
                return product::forward_packed(&x, kernel, epilogue, y, moments);
            }
            PackedKernel::Packed(kernel) => self.forward_over_patches(x.dense(), kernel, epilogue, &mut y),
        }
        if let Some(moments) = moments {
            batch_norm::moments(y.read(), moments);
        }
    }

    /// As [`forward_packed`](Self::forward_packed), of a pointwise convolution over pixels that are made when they are read.
    ///
    /// # Panics
    /// As there, and if the convolution is not pointwise.
    pub fn forward_rows<T: Convolved>(
        &self,
        x: &impl Rows<T>,
        kernel: &PackedKernel<T>,
        epilogue: Epilogue<'_>,
        y: PixelsMut<'_, T>,
        moments: Option<&mut Moments>,
    ) {
        let maps = [x.sizes(), [y.count(), y.place().channels]];
        self.window.check_pixels(maps, [self.in_channels, self.out_channels]);
        match kernel {
            PackedKernel::Packed(kernel) if self.window.is_pointwise() => {
                product::forward_packed(x, kernel, epilogue, y, moments);
            }
            _ => panic!("a pointwise convolution"),
        }
    }

    fn forward_over_patches<T: Factor>(
        &self,
        x: &[T],
        kernel: &T::Packed,
        epilogue: Epilogue<'_>,
        y: &mut PixelsMut<'_, T>,
    ) {
        let (width, place) = (self.window.output[1], y.place());
        let rows = self.rows_per_task(self.window.output);
        y.values
            .par_chunks_mut((rows * width * place.all).max(1))
            .enumerate()
            .for_each(|(task, y)| {
                let pixels = y.len() / place.all;
                let first = task * rows;
                scratch(|patches| {
                    let patches = self.gather_patches(x, first..first + pixels / width, 0..self.window.taps(), patches);
                    let (start, floor) = (epilogue.start(), epilogue.floor());
                    T::multiply(patches, kernel, start, floor, &mut y[place.first..], place.all);
                });
            });
    }

    /// The patches of output rows `rows` (counted through the batch), restricted to the window's cells `taps`, as a
    /// matrix of `pixels × (taps · in_channels)` in `patches`; cells outside the map are zero.
    fn gather_patches<'a, T: Element>(
        &self,
        x: &[T],
        rows: Range<usize>,
        taps: Range<usize>,
        patches: &'a mut Vec<T>,
    ) -> Matrix<'a, T> {
        let (window, channels) = (&self.window, self.in_channels);
        let patch = taps.len() * channels;
        let (pixels, stride) = (rows.len() * window.output[1], spread::<T>(patch));
        patches.resize(pixels * stride, T::default());
        let mut targets = patches.chunks_exact_mut(stride);
        for row in rows {
            let (image, y) = (row / window.output[0], row % window.output[0]);
            let (rows_inside, first_row) = window.taps_inside(0, y);
            for x_out in 0..window.output[1] {
                let Some(pixel) = targets.next() else { break };
                let (columns_inside, first_column) = window.taps_inside(1, x_out);
                // What the buffer held is overwritten as far as the patch goes, cells outside the map included.
                let mut written = 0;
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
                    pixel[written..target].fill(T::default());
                    pixel[target..target + length].copy_from_slice(&x[source..source + length]);
                    written = target + length;
                }
                pixel[written..patch].fill(T::default());
            }
        }
        Matrix::with_stride(patches, pixels, patch, stride)
    }

    /// `dx = dy ∗ᵀ kernel`, or `+=`. Input pixels with equal remainders modulo the stride are read by the same cells of
    /// the window, so each such phase is a product of gathered output gradients with a part of the kernel: nothing is
    /// multiplied by a padding zero of the stride.
    pub fn input_gradient(&self, dy: &[f32], kernel: &[f32], mode: Output, dx: &mut [f32]) {
        self.input_gradient_of(Pixels::whole(dy, self.out_channels), kernel, mode, dx);
    }

    /// As [`input_gradient`](Self::input_gradient).
    pub fn input_gradient_of<T: Convolved>(&self, dy: Pixels<'_, T>, kernel: &[f32], mode: Output, dx: &mut [T]) {
        let pixels = dx.len().checked_div(self.in_channels).unwrap_or(0);
        assert_eq!(
            dx.len(),
            length::of(&[pixels, self.in_channels]),
            "values of the input's gradient"
        );
        self.check([[pixels, self.in_channels], [dy.count(), dy.channels()]], kernel);
        if self.window.is_pointwise() {
            return product::input_gradient_of(dy, kernel, self.in_channels, self.out_channels, mode, dx);
        }
        if !T::input_gradient(self, dy, kernel, mode, dx) {
            self.input_gradient_over_patches(dy, kernel, mode, dx);
        }
    }

    fn input_gradient_over_patches<T: Factor>(&self, dy: Pixels<'_, T>, kernel: &[f32], mode: Output, dx: &mut [T]) {
        let (window, channels) = (&self.window, self.in_channels);
        let phases: Vec<Phase<T>> = (0..window.stride * window.stride)
            .map(|index| Phase::new(self, kernel, [index / window.stride, index % window.stride]))
            .filter(|phase| !phase.is_empty())
            .collect();
        let width = window.input[1];
        let rows = self.rows_per_task(window.input).next_multiple_of(window.stride);
        dx.par_chunks_mut((rows * width * channels).max(1))
            .enumerate()
            .for_each_init(<(Vec<T>, Vec<T>)>::default, |buffers, (task, dx)| {
                if window.stride > 1 {
                    keep_or_clear(mode, dx);
                }
                let first = task * rows;
                for phase in &phases {
                    phase.compute(self, dy, first, mode, dx, buffers);
                }
            });
    }

    /// `dkernel = patches(x)ᵀ · dy`, or `+=`.
    pub fn kernel_gradient(&self, x: &[f32], dy: &[f32], mode: Output, dkernel: &mut [f32]) {
        let (x, dy) = (Pixels::whole(x, self.in_channels), Pixels::whole(dy, self.out_channels));
        self.kernel_gradient_of(x, dy, mode, dkernel);
    }

    /// As [`kernel_gradient`](Self::kernel_gradient). Pixels that are normalised on the way are those of a pointwise convolution.
    pub fn kernel_gradient_of<T: Convolved>(
        &self,
        x: Pixels<'_, T>,
        dy: Pixels<'_, T>,
        mode: Output,
        dkernel: &mut [f32],
    ) {
        self.check([x, dy].map(|map| [map.count(), map.channels()]), dkernel);
        if self.window.is_pointwise() {
            return product::weight_gradient_of(x, dy, mode, dkernel);
        }
        let x = x.dense();
        if !T::kernel_gradient(self, x, dy, mode, dkernel) {
            self.kernel_gradient_over_patches(x, dy, mode, dkernel);
        }
    }

    fn kernel_gradient_over_patches<T: Factor>(&self, x: &[T], dy: Pixels<'_, T>, mode: Output, dkernel: &mut [f32]) {
        let (window, channels, outputs) = (&self.window, self.in_channels, self.out_channels);
        let (pixels, width) = (window.output_pixels(), window.output[1]);
        if pixels * outputs == 0 {
            return keep_or_clear(mode, dkernel);
        }
        if window.taps() == 1 {
            let rows = self.rows_per_task(window.output);
            let mut read = vec![T::default(); pixels * channels];
            let tasks = read.par_chunks_mut(rows * width * channels).enumerate();
            tasks.for_each(|(task, read)| {
                let first = task * rows;
                scratch(|patches| {
                    let count = read.len() / channels;
                    self.gather_patches(x, first..first + count / width, 0..1, patches);
                    let patches = patches.chunks_exact(spread::<T>(channels));
                    for (read, patch) in read.chunks_exact_mut(channels).zip(patches) {
                        read.copy_from_slice(&patch[..channels]);
                    }
                });
            });
            return product::weight_gradient_of(Pixels::whole(&read, channels), dy, mode, dkernel);
        }
        // Blocks of the sum are whole cells of the window: a "line" of the sum is one cell with all its channels.
        let sizes = SumOverPixels {
            rows: pixels / width,
            pixels: width,
            lines: window.taps(),
            width: channels * outputs,
            least_lines: tasks::SUMMED_LINES.div_ceil(channels),
        };
        sizes.compute(mode, dkernel, |rows, taps, start, sum, patches| {
            let pixels = rows.start * width..rows.end * width;
            let patches = self.gather_patches(x, rows, taps, patches);
            let dy = dy.lying(pixels);
            T::multiply_transposed(patches, dy, start, sum);
        });
    }
}

/// The part of a transposed convolution that writes the input pixels with one remainder modulo the stride.
struct Phase<T: Factor> {
    /// Remainders of the pixels' row and column.
    offset: [usize; 2],
    /// The window's rows and columns that read such pixels.
    taps: [Vec<usize>; 2],
    /// Those cells of the kernel, transposed: `(taps · out_channels) × in_channels`.
    kernel: T::Packed,
}

impl<T: Factor> Phase<T> {
    fn new(convolution: &Convolution, kernel: &[f32], offset: [usize; 2]) -> Self {
        let window = &convolution.window;
        let (inputs, outputs) = (convolution.in_channels, convolution.out_channels);
        let taps = [0, 1].map(|axis| {
            let first = (offset[axis] + window.before[axis]) % window.stride;
            (first..window.kernel).step_by(window.stride).collect::<Vec<_>>()
        });
        let cells = taps[0]
            .iter()
            .flat_map(|&row| taps[1].iter().map(move |&column| row * window.kernel + column));
        let weights = kernel.chunks_exact((inputs * outputs).max(1)).collect::<Vec<_>>();
        let transposed = cells.map(|cell| Matrix::new(weights[cell], inputs, outputs).transposed());
        Self {
            offset,
            kernel: T::pack(&transposed.collect::<Vec<_>>()),
            taps,
        }
    }

    fn is_empty(&self) -> bool {
        self.taps.iter().any(Vec::is_empty)
    }

    /// Computes this phase's share of `dx`, which holds the input rows from `first` on (counted through the batch). With
    /// a stride, the shares are added to what there is.
    fn compute(
        &self,
        convolution: &Convolution,
        dy: Pixels<'_, T>,
        first: usize,
        mode: Output,
        dx: &mut [T],
        (gathered, sums): &mut (Vec<T>, Vec<T>),
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
        let stride = spread::<T>(patch);
        gathered.resize(pixels.len() * stride, T::default());
        for (&(row, column), target) in pixels.iter().zip(gathered.chunks_exact_mut(stride)) {
            let (image, y) = (row / window.input[0], row % window.input[0]);
            let cells = self.taps[0]
                .iter()
                .flat_map(|&row| self.taps[1].iter().map(move |&column| (row, column)));
            for ((tap_row, tap_column), slot) in cells.zip(target.chunks_exact_mut(outputs)) {
                let place = output_position(window, 0, y, tap_row).zip(output_position(window, 1, column, tap_column));
                match place {
                    Some((y_out, x_out)) => {
                        let source = (image * window.output[0] + y_out) * window.output[1] + x_out;
                        slot.copy_from_slice(dy.pixel(source));
                    }
                    None => slot.fill(T::default()),
                }
            }
        }
        let gathered = Matrix::with_stride(gathered, pixels.len(), patch, stride);
        if window.stride == 1 {
            return T::multiply(gathered, &self.kernel, mode.into(), f32::NEG_INFINITY, dx, inputs);
        }
        sums.resize(pixels.len() * inputs, T::default());
        T::multiply(gathered, &self.kernel, Start::Zero, f32::NEG_INFINITY, sums, inputs);
        for (&(row, column), sum) in pixels.iter().zip(sums.chunks_exact(inputs)) {
            let target = ((row - first) * width + column) * inputs;
            super::accumulate::add_serial(&mut dx[target..target + inputs], sum);
        }
    }
}

/// The output position whose window reads input `position` through `tap`; the phase guarantees divisibility.
fn output_position(window: &WindowGeometry, axis: usize, position: usize, tap: usize) -> Option<usize> {
    let padded = (position + window.before[axis]).checked_sub(tap)?;
    let output = padded / window.stride;
    (output < window.output[axis]).then_some(output)
}
