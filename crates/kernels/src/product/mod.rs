//! Matrix products over the pixels of a batch: what a 1×1 convolution and a dense layer are, and what other
//! convolutions become. The right factor is packed into panels that the tiles read from one end to the
//! other; the left one is read where it lies.

mod bf16;
mod matrix;
mod multiply;
mod panels;
mod sum_over_pixels;
mod tile;

pub(crate) use bf16::{BLOCK, Run, Windows, multiply_windows, sum_over_windows};
pub use bf16::{PackedBf16, Unit, multiply_bf16, sum_over_rows};
pub use matrix::Matrix;
pub(crate) use matrix::{competes, spread};
pub use multiply::{Start, multiply, multiply_down_to};
pub(crate) use panels::packed_values;
pub use panels::{Panels, Right};
pub use sum_over_pixels::SumOverPixels;

use std::ops::Range;

use rayon::prelude::*;

use crate::accumulate::{Output, keep_or_clear};
use crate::batch_norm::Moments;
use crate::element::{Bf16, Element};
use crate::elementwise;
use crate::pixels::{Pixels, PixelsMut, Place};
use crate::scratch::scratch;
use crate::{length, tasks};

/// A value that products are made of: how they are computed, on the calling thread, with f32 sums.
pub trait Factor: Element {
    /// A right factor, laid out for products with many rows.
    type Packed: Send + Sync;

    /// Lays out matrices, one below the other: parameters, which are kept in f32.
    fn pack(matrices: &[Matrix<'_>]) -> Self::Packed;

    /// `output = start + left · right`, where results below the floor become it. A value of the output depends on its row and
    /// column alone, not on how many rows are computed together.
    fn multiply(
        left: Matrix<'_, Self>,
        right: &Self::Packed,
        start: Start<'_>,
        floor: f32,
        output: &mut [Self],
        output_stride: usize,
    );

    /// `sum = start + xᵀ · dy`.
    fn multiply_transposed(x: Matrix<'_, Self>, dy: Matrix<'_, Self>, start: Start<'_>, sum: &mut [f32]);
}

impl Factor for f32 {
    type Packed = Panels;

    fn pack(matrices: &[Matrix<'_>]) -> Panels {
        Panels::stacked(matrices)
    }

    fn multiply(
        left: Matrix<'_>,
        right: &Panels,
        start: Start<'_>,
        floor: f32,
        output: &mut [f32],
        output_stride: usize,
    ) {
        multiply_down_to(floor, left, Right::Packed(right), start, output, output_stride);
    }

    fn multiply_transposed(x: Matrix<'_>, dy: Matrix<'_>, start: Start<'_>, sum: &mut [f32]) {
        multiply(x.transposed(), Right::Rows(dy), start, sum, dy.columns);
    }
}

impl Factor for Bf16 {
    type Packed = PackedBf16;

    fn pack(matrices: &[Matrix<'_>]) -> PackedBf16 {
        PackedBf16::stacked(matrices)
    }

    fn multiply(
        left: Matrix<'_, Self>,
        right: &PackedBf16,
        start: Start<'_>,
        floor: f32,
        output: &mut [Self],
        output_stride: usize,
    ) {
        multiply_bf16(floor, left, right, start, output, output_stride);
    }

    fn multiply_transposed(x: Matrix<'_, Self>, dy: Matrix<'_, Self>, start: Start<'_>, sum: &mut [f32]) {
        sum_over_rows(x, dy, start == Start::Output, sum, dy.columns);
    }
}

/// The left factor of a product: pixels that are there, or that are made when a task asks for them.
pub trait Rows<T>: Sync {
    /// Pixels, and channels of a pixel.
    fn sizes(&self) -> [usize; 2];

    /// Some pixels with all their channels, in rows that don't compete for the same places in a cache. The buffer is for its
    /// use.
    fn gather<'m>(&'m self, pixels: Range<usize>, buffer: &'m mut Vec<T>) -> Matrix<'m, T>;
}

impl<T: Element> Rows<T> for Pixels<'_, T> {
    fn sizes(&self) -> [usize; 2] {
        [self.count(), self.channels()]
    }

    fn gather<'m>(&'m self, pixels: Range<usize>, buffer: &'m mut Vec<T>) -> Matrix<'m, T> {
        self.rows_apart(pixels, buffer)
    }
}

/// What becomes of a sum before it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a> {
    /// Added to each channel.
    pub bias: Option<&'a [f32]>,
    /// Whether negative results become 0.
    pub relu: bool,
}

impl<'a> From<Option<&'a [f32]>> for Epilogue<'a> {
    fn from(bias: Option<&'a [f32]>) -> Self {
        Self { bias, relu: false }
    }
}

impl<'a> Epilogue<'a> {
    pub(super) fn start(&self) -> Start<'a> {
        self.bias.map_or(Start::Zero, Start::Row)
    }

    pub(super) fn floor(&self) -> f32 {
        elementwise::floor(self.relu)
    }
}

/// Asserts that both maps of a product have the same pixels, and the weights one value for each pair of channels.
fn check(x: &[f32], w: &[f32], y: &[f32], inputs: usize, outputs: usize) {
    let pixels = x.len().checked_div(inputs).or(y.len().checked_div(outputs));
    let pixels = pixels.unwrap_or(0);
    assert_eq!(x.len(), length::of(&[pixels, inputs]), "values of the input");
    assert_eq!(y.len(), length::of(&[pixels, outputs]), "values of the output");
    assert_eq!(w.len(), length::of(&[inputs, outputs]), "values of the weights");
}

/// `y = x · w + bias`: `x` is `rows × inputs`, `w` is `inputs × outputs`.
pub fn forward(x: &[f32], w: &[f32], bias: Option<&[f32]>, inputs: usize, outputs: usize, y: &mut [f32]) {
    check(x, w, y, inputs, outputs);
    if y.is_empty() {
        return;
    }
    let w = Panels::new(Matrix::new(w, inputs, outputs));
    forward_packed(
        &Pixels::whole(x, inputs),
        &w,
        bias.into(),
        PixelsMut::whole(y, outputs),
        None,
    );
}

/// `y = x · w + bias`, with the output's moments if they are asked for.
pub fn forward_packed<T: Factor>(
    x: &impl Rows<T>,
    w: &T::Packed,
    epilogue: Epilogue<'_>,
    y: PixelsMut<'_, T>,
    moments: Option<&mut Moments>,
) {
    multiply_rows(x, w, epilogue.start(), epilogue.floor(), y, moments);
}

/// `dx = dy · wᵀ`, or `+=`.
pub fn input_gradient(dy: &[f32], w: &[f32], inputs: usize, outputs: usize, mode: Output, dx: &mut [f32]) {
    check(dx, w, dy, inputs, outputs);
    input_gradient_of(Pixels::whole(dy, outputs), w, inputs, outputs, mode, dx);
}

/// As [`input_gradient`].
pub fn input_gradient_of<T: Factor>(
    dy: Pixels<'_, T>,
    w: &[f32],
    inputs: usize,
    outputs: usize,
    mode: Output,
    dx: &mut [T],
) {
    assert_eq!(
        [dy.channels(), dx.len()],
        [outputs, length::of(&[dy.count(), inputs])],
        "values of the gradients"
    );
    assert_eq!(w.len(), length::of(&[inputs, outputs]), "values of the weights");
    if dx.is_empty() {
        return;
    }
    let w = T::pack(&[Matrix::new(w, inputs, outputs).transposed()]);
    let dx = PixelsMut::whole(dx, inputs);
    multiply_rows(&dy, &w, mode.into(), f32::NEG_INFINITY, dx, None);
}

/// Values of the partial sums of a [`weight_gradient`].
pub(super) fn weight_gradient_values(pixels: usize, inputs: usize, outputs: usize) -> usize {
    let (runs, _) = tasks::summed(pixels, inputs / tasks::SUMMED_LINES);
    length::of(&[runs - 1, inputs, outputs])
}

/// A product with all pixels of a batch, some pixels a task.
fn multiply_rows<T: Factor>(
    left: &impl Rows<T>,
    right: &T::Packed,
    start: Start<'_>,
    floor: f32,
    output: PixelsMut<'_, T>,
    moments: Option<&mut Moments>,
) {
    let (pixels, place) = (output.count(), output.place());
    assert_eq!(left.sizes()[0], pixels, "pixels of a product");
    let (run, Place { first, all, .. }) = (tasks::product_rows(pixels), place);
    let task = |index: usize, output: &mut [T], moments: Option<&mut [f32]>| {
        let pixels = index * run..index * run + output.len() / all;
        let count = pixels.len();
        scratch(|buffer| {
            let left = left.gather(pixels, buffer);
            T::multiply(left, right, start, floor, &mut output[first..], all);
        });
        if let Some(moments) = moments {
            T::run_moments(Pixels::of(output, place), 0..count, moments);
        }
    };
    let tasks = output.values.par_chunks_mut((run * all).max(1)).enumerate();
    match moments {
        None => tasks.for_each(|(index, output)| task(index, output, None)),
        Some(moments) => {
            moments.prepare(pixels, place.channels);
            let tasks = tasks.zip(moments.runs());
            tasks.for_each(|((index, output), moments)| task(index, output, Some(moments)));
        }
    }
}

/// `dw = xᵀ · dy`, or `+=`.
pub fn weight_gradient(x: &[f32], dy: &[f32], inputs: usize, outputs: usize, mode: Output, dw: &mut [f32]) {
    check(x, dw, dy, inputs, outputs);
    weight_gradient_of(Pixels::whole(x, inputs), Pixels::whole(dy, outputs), mode, dw);
}

/// As [`weight_gradient`].
pub fn weight_gradient_of<T: Factor>(x: Pixels<'_, T>, dy: Pixels<'_, T>, mode: Output, dw: &mut [f32]) {
    let (inputs, outputs, pixels) = (x.channels(), dy.channels(), x.count());
    assert_eq!(
        [dy.count(), dw.len()],
        [pixels, length::of(&[inputs, outputs])],
        "pixels of both maps, and values of the weights"
    );
    if pixels * dw.len() == 0 {
        return keep_or_clear(mode, dw);
    }
    let sizes = SumOverPixels {
        rows: pixels,
        pixels: 1,
        lines: inputs,
        width: outputs,
        least_lines: tasks::SUMMED_LINES,
    };
    sizes.compute(mode, dw, |rows, block, start, sum, buffer| {
        let x = x.matrix(rows.clone(), block, buffer);
        let dy = dy.lying(rows);
        T::multiply_transposed(x, dy, start, sum);
    });
}
