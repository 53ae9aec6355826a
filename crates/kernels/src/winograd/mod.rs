//! 3×3 convolution with stride 1 by Winograd's minimal filtering, F(4×4, 3×3): squares of 6×6 pixels and the kernel are
//! transformed, multiplied position by position, and transformed back to 4×4 outputs. 36 multiplications do the work of
//! 144; each position's are a matrix product over all squares.
//!
//! Source: Lavin & Gray 2015, *Fast Algorithms for Convolutional Neural Networks* (arXiv 1509.09308).
#![allow(unsafe_code)]

mod tile;

use std::ptr;

use rayon::prelude::*;

use crate::accumulate::add_serial;
use crate::accumulate::{Output, keep_or_clear};
use crate::length;
use crate::memory::unwritten;
use crate::pixels::{Pixels, PixelsMut, Place};
use crate::product::{Epilogue, Matrix, Right, Start, multiply};
use crate::scratch::scratch;
use crate::window::WindowGeometry;
use tile::{Ends, Kernel, KernelGradient, OutputGradients, Outputs, Patch, Square, Transform, transform};

/// Outputs along a side of a square.
const SIDE: usize = 4;

/// Pixels along a side of the patch that they read.
const PATCH: usize = SIDE + 2;

/// Places in a transformed patch.
const POSITIONS: usize = PATCH * PATCH;

/// Squares that are transformed before they are multiplied: enough for large products, few enough to stay in a cache.
const SQUARES: usize = 256;

/// Squares whose products are summed before they are added to those of the squares before: a long sum loses digits, and the
/// transform back to the kernel magnifies what is lost.
const SUMMED: usize = 64;

/// Maps smaller than this along a side are faster directly: much of their squares lies outside.
const SMALLEST_MAP: usize = 14;

/// Products with fewer channels than this are not worth their transforms.
const FEWEST_CHANNELS: usize = 16;

/// With 512 channels the transforms' rounding exceeds what all kernels are held to, a hundred-thousandth of the largest
/// output; with this many it does not.
const MOST_CHANNELS: usize = 256;

/// A convolution with a 3×3 kernel and stride 1.
#[derive(Debug, Clone, Copy)]
pub struct Winograd {
    batch: usize,
    /// Sizes of the map that is read, and of the one that is written.
    source: [usize; 2],
    target: [usize; 2],
    /// Cells of padding above and left of the source.
    before: [usize; 2],
    /// Channels of both.
    inputs: usize,
    outputs: usize,
}

impl Winograd {
    /// For a convolution for which it is faster than direct products. Two cells of padding are the most that the gradient
    /// can undo by padding of its own.
    pub fn of(window: &WindowGeometry, inputs: usize, outputs: usize) -> Option<Self> {
        let is_supported = window.kernel == 3 && window.stride == 1 && window.before.iter().all(|&before| before < 3);
        let is_large = window.output.iter().all(|&size| size >= SMALLEST_MAP);
        let channels = FEWEST_CHANNELS..=MOST_CHANNELS;
        let fits = is_supported && is_large && channels.contains(&inputs) && channels.contains(&outputs);
        fits.then_some(Self {
            batch: window.batch,
            source: window.input,
            target: window.output,
            before: window.before,
            inputs,
            outputs,
        })
    }

    /// The convolution that leads from the gradient of the output to that of the input, with the kernel turned around.
    fn reversed(self) -> Self {
        Self {
            batch: self.batch,
            source: self.target,
            target: self.source,
            before: self.before.map(|before| 2 - before),
            inputs: self.outputs,
            outputs: self.inputs,
        }
    }

    /// `y = x ∗ kernel + bias`, with the transformed kernel.
    pub fn forward(&self, x: &[f32], kernel: &[f32], epilogue: Epilogue<'_>, y: &mut PixelsMut<'_>) {
        let x = Pixels::whole(x, self.inputs);
        self.convolve(x, kernel, epilogue.start(), epilogue.floor(), y);
    }

    /// `dx = dy ∗ᵀ kernel`, or `+=`.
    pub fn input_gradient(&self, dy: Pixels<'_>, kernel: &[f32], mode: Output, dx: &mut [f32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let mut turned = unwritten(kernel.len());
        let cells = turned.par_chunks_exact_mut(inputs * outputs);
        cells
            .zip(kernel.par_chunks_exact(inputs * outputs).rev())
            .for_each(|(turned, cell)| transpose(cell, inputs, outputs, turned));
        let reversed = self.reversed();
        let kernel = reversed.transformed_kernel(&turned);
        let mut dx = PixelsMut::whole(dx, inputs);
        reversed.convolve(dy, &kernel, mode.into(), f32::NEG_INFINITY, &mut dx);
    }

    /// With a transformed kernel.
    fn convolve(&self, x: Pixels<'_>, kernel: &[f32], start: Start<'_>, floor: f32, y: &mut PixelsMut<'_>) {
        self.check(x, y.read(), kernel.len(), POSITIONS);
        if let Start::Row(bias) = start {
            assert_eq!(bias.len(), self.outputs, "values of a bias");
        }
        let (inputs, outputs) = (self.inputs, self.outputs);
        let squares = self.squares();
        let mut patches = unwritten(POSITIONS * SQUARES.min(squares) * inputs);
        let mut products = unwritten(POSITIONS * SQUARES.min(squares) * outputs);
        for first in (0..squares).step_by(SQUARES) {
            let count = SQUARES.min(squares - first);
            let patches = &mut patches[..POSITIONS * count * inputs];
            let products = &mut products[..POSITIONS * count * outputs];
            self.transform_patches(x, first, count, patches);
            products
                .par_chunks_exact_mut(count * outputs)
                .zip(patches.par_chunks_exact(count * inputs))
                .zip(kernel.par_chunks_exact(inputs * outputs))
                .for_each(|((products, patches), kernel)| {
                    let kernel = Right::Rows(Matrix::new(kernel, inputs, outputs));
                    multiply(
                        Matrix::new(patches, count, inputs),
                        kernel,
                        Start::Zero,
                        products,
                        outputs,
                    );
                });
            self.transform_outputs(products, first, count, start, floor, y);
        }
    }

    /// `dkernel = Σ over squares of patchᵀ · dy`, or `+=`, position by position, transformed back.
    pub fn kernel_gradient(&self, x: &[f32], dy: Pixels<'_>, mode: Output, dkernel: &mut [f32]) {
        let x = Pixels::whole(x, self.inputs);
        self.check(x, dy, dkernel.len(), 9);
        let (inputs, outputs) = (self.inputs, self.outputs);
        let squares = self.squares();
        if squares == 0 {
            return keep_or_clear(mode, dkernel);
        }
        let mut patches = unwritten(POSITIONS * SQUARES.min(squares) * inputs);
        let mut gradients = unwritten(POSITIONS * SQUARES.min(squares) * outputs);
        let mut sums = unwritten(POSITIONS * inputs * outputs);
        for first in (0..squares).step_by(SQUARES) {
            let count = SQUARES.min(squares - first);
            let patches = &mut patches[..POSITIONS * count * inputs];
            let gradients = &mut gradients[..POSITIONS * count * outputs];
            self.transform_patches(x, first, count, patches);
            let view = View::new(self.target, dy.place());
            self.transform_squares::<OutputGradients, SIDE>(dy, &view, [0, 0], first, count, gradients);
            sums.par_chunks_exact_mut(inputs * outputs)
                .zip(patches.par_chunks_exact(count * inputs))
                .zip(gradients.par_chunks_exact(count * outputs))
                .for_each(|((sums, patches), gradients)| {
                    let runs = patches.chunks(SUMMED * inputs).zip(gradients.chunks(SUMMED * outputs));
                    for (run, (patches, gradients)) in runs.enumerate() {
                        let squares = patches.len() / inputs;
                        let patches = Matrix::new(patches, squares, inputs).transposed();
                        let gradients = Right::Rows(Matrix::new(gradients, squares, outputs));
                        if first == 0 && run == 0 {
                            multiply(patches, gradients, Start::Zero, sums, outputs);
                            continue;
                        }
                        scratch(|part| {
                            part.resize(inputs * outputs, 0.0);
                            multiply(patches, gradients, Start::Zero, part, outputs);
                            add_serial(sums, part);
                        });
                    }
                });
        }
        self.transform_sums(&sums, mode, dkernel);
    }

    /// Asserts that maps and kernel have as many pixels, channels and values as the addresses below reach.
    fn check(&self, source: Pixels<'_>, target: Pixels<'_>, kernel: usize, cells: usize) {
        let pixels = |[height, width]: [usize; 2]| length::of(&[self.batch, height, width]);
        let sizes = |map: Pixels<'_>| [map.count(), map.channels()];
        assert_eq!(
            sizes(source),
            [pixels(self.source), self.inputs],
            "pixels and channels of the input"
        );
        assert_eq!(
            sizes(target),
            [pixels(self.target), self.outputs],
            "pixels and channels of the output"
        );
        assert_eq!(
            kernel,
            length::of(&[cells, self.inputs, self.outputs]),
            "values of the kernel"
        );
        assert!(source.affine().is_none(), "pixels as they are");
    }

    /// Values of a transformed kernel.
    pub fn kernel_values(&self) -> usize {
        length::of(&[POSITIONS, self.inputs, self.outputs])
    }

    /// Values of transformed patches and of their products.
    pub fn working_values(&self) -> usize {
        length::of(&[POSITIONS, SQUARES.min(self.squares()), self.inputs + self.outputs])
    }

    /// Squares of outputs in the batch.
    fn squares(&self) -> usize {
        let [rows, columns] = self.target.map(|size| size.div_ceil(SIDE));
        length::of(&[self.batch, rows, columns])
    }

    /// The image of a square, and its first output's row and column.
    fn place(&self, square: usize) -> (usize, [usize; 2]) {
        let [rows, columns] = self.target.map(|size| size.div_ceil(SIDE));
        let (image, inside) = (square / (rows * columns), square % (rows * columns));
        (image, [inside / columns * SIDE, inside % columns * SIDE])
    }

    /// Six by six values of each kernel: `positions × inputs × outputs`.
    pub fn transformed_kernel(&self, kernel: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        assert_eq!(kernel.len(), length::of(&[9, inputs, outputs]), "values of the kernel");
        let mut transformed = unwritten(POSITIONS * inputs * outputs);
        let lines = Lines::new(&mut transformed, inputs * outputs);
        (0..inputs).into_par_iter().for_each(|input| {
            let line = input * outputs;
            let source = Square::whole(kernel[line..].as_ptr(), 3 * inputs * outputs, inputs * outputs, 3);
            // SAFETY: each of the nine cells has a line for this input; the targets of different inputs don't overlap.
            unsafe {
                transform::<Kernel, 6, 3>(outputs, source, lines.positions(line), Ends::REPLACE);
            }
        });
        transformed
    }

    /// The kernel's gradient from the sums of all positions.
    fn transform_sums(&self, sums: &[f32], mode: Output, dkernel: &mut [f32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let area = inputs * outputs;
        let lines = Lines::new(dkernel, area);
        (0..inputs).into_par_iter().for_each(|input| {
            let line = input * outputs;
            let source = Square::whole(sums[line..].as_ptr(), PATCH * area, area, PATCH);
            // SAFETY: each position has a line for this input; the targets of different inputs don't overlap.
            unsafe {
                let target = Square::whole(lines.line(line), 3 * area, area, 3);
                let ends = Ends {
                    adds: mode == Output::Add,
                    ..Ends::REPLACE
                };
                transform::<KernelGradient, 3, 6>(outputs, source, target, ends);
            }
        });
    }

    fn transform_patches(&self, x: Pixels<'_>, first: usize, count: usize, patches: &mut [f32]) {
        let view = View::new(self.source, x.place());
        self.transform_squares::<Patch, PATCH>(x, &view, self.before, first, count, patches);
    }

    /// Transforms the pixels of a map that squares read, `IN × IN` each: `positions × squares × channels`.
    fn transform_squares<T: Transform<PATCH, IN>, const IN: usize>(
        &self,
        map: Pixels<'_>,
        view: &View,
        before: [usize; 2],
        first: usize,
        count: usize,
        transformed: &mut [f32],
    ) {
        let channels = map.channels();
        let lines = Lines::new(transformed, count * channels);
        (0..count).into_par_iter().with_min_len(4).for_each(|square| {
            let (image, place) = self.place(first + square);
            let source = view.square(map.first(), image, place, before, IN);
            // SAFETY: the source's pixels lie inside the map; the targets of different squares don't overlap.
            unsafe {
                let target = lines.positions(square * channels);
                transform::<T, PATCH, IN>(channels, source, target, Ends::REPLACE);
            }
        });
    }

    fn transform_outputs(
        &self,
        products: &[f32],
        first: usize,
        count: usize,
        start: Start<'_>,
        floor: f32,
        y: &mut PixelsMut<'_>,
    ) {
        let (channels, view) = (self.outputs, View::new(self.target, y.place()));
        let (bias, adds) = match start {
            Start::Zero => (None, false),
            Start::Row(bias) => (Some(bias), false),
            Start::Output => (None, true),
        };
        let first_channel = y.place().first.min(y.values.len());
        let lines = Lines::new(&mut y.values[first_channel..], 0);
        (0..count).into_par_iter().with_min_len(4).for_each(|square| {
            let (image, place) = self.place(first + square);
            let line = square * channels;
            let (source, distance) = (products[line..].as_ptr(), count * channels);
            let source = Square::whole(source, PATCH * distance, distance, PATCH);
            let ends = Ends {
                start: bias.map_or(ptr::null(), <[f32]>::as_ptr),
                adds,
                floor,
            };
            // SAFETY: each position has a line for this square; the target's pixels lie inside the map, and those of different
            // squares don't overlap; a bias has a value for each channel.
            unsafe {
                let target = view.square(lines.line(0), image, place, [0, 0], SIDE);
                transform::<Outputs, SIDE, PATCH>(channels, source, target, ends);
            }
        });
    }
}

/// Where pixels lie in a batch of maps.
struct View {
    size: [usize; 2],
    /// Channels between a pixel and the next.
    all: usize,
}

impl View {
    fn new(size: [usize; 2], place: Place) -> Self {
        Self { size, all: place.all }
    }

    /// The pixels from `place − before` on, `side` along each side.
    fn square<P: Address>(
        &self,
        map: P,
        image: usize,
        place: [usize; 2],
        before: [usize; 2],
        side: usize,
    ) -> Square<P> {
        let [height, width] = self.size;
        let from = [0, 1].map(|axis| before[axis].saturating_sub(place[axis]));
        let to = [0, 1].map(|axis| side.min((self.size[axis] + before[axis]).saturating_sub(place[axis])));
        let first = [0, 1].map(|axis| place[axis] as isize - before[axis] as isize);
        let pixel = ((image * height) as isize + first[0]) * width as isize + first[1];
        Square {
            first: map.moved(pixel * self.all as isize),
            row: (width * self.all) as isize,
            column: self.all as isize,
            from,
            to,
        }
    }
}

/// An address that may be moved out of its map, as long as nobody reads it there.
trait Address {
    fn moved(self, distance: isize) -> Self;
}

impl Address for *const f32 {
    fn moved(self, distance: isize) -> Self {
        self.wrapping_offset(distance)
    }
}

impl Address for *mut f32 {
    fn moved(self, distance: isize) -> Self {
        self.wrapping_offset(distance)
    }
}

impl<P> Square<P> {
    /// A square whose cells all lie inside.
    fn whole(first: P, row: usize, column: usize, side: usize) -> Self {
        Self {
            first,
            row: row as isize,
            column: column as isize,
            from: [0, 0],
            to: [side, side],
        }
    }
}

/// A buffer that several tasks write, each its own lines: `position × line`, the positions `distance` apart.
struct Lines {
    first: *mut f32,
    distance: usize,
}

// SAFETY: whoever takes an address from it promises to write nothing that another task reads or writes.
unsafe impl Sync for Lines {}

impl Lines {
    fn new(buffer: &mut [f32], distance: usize) -> Self {
        Self {
            first: buffer.as_mut_ptr(),
            distance,
        }
    }

    /// The address of a line of the first position.
    fn line(&self, offset: usize) -> *mut f32 {
        self.first.wrapping_add(offset)
    }

    /// A line of all positions.
    fn positions(&self, offset: usize) -> Square<*mut f32> {
        Square::whole(self.line(offset), PATCH * self.distance, self.distance, PATCH)
    }
}

/// `turned = matrixᵀ`, in blocks that stay in the first cache level.
fn transpose(matrix: &[f32], rows: usize, columns: usize, turned: &mut [f32]) {
    const BLOCK: usize = 16;
    for row in (0..rows).step_by(BLOCK) {
        for column in 0..columns {
            let line = &mut turned[column * rows..(column + 1) * rows];
            for (place, value) in line.iter_mut().enumerate().skip(row).take(BLOCK) {
                *value = matrix[place * columns + column];
            }
        }
    }
}
