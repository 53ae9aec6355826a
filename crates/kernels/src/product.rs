//! Matrix products over the pixels of a batch: what a 1×1 convolution and a dense layer are, and what other
//! convolutions become. The right factor is packed into panels that the tiles read from one end to the
//! other; the left one is read where it lies.
#![allow(unsafe_code)]

use std::ops::Range;

use rayon::prelude::*;

use super::batch_norm::{Moments, run_moments};
use super::elementwise::{self, add_serial};
use super::pixels::{Pixels, PixelsMut, Place};
use super::scratch::scratch;
use super::tile::{Tile, Tiles};
use super::{length, tasks};
use crate::memory::unwritten;

/// Terms of the sums that are added before the output is stored: a tile's part of the left factor stays in the first
/// cache level.
const DEPTH: usize = 1024;

/// Values of the right factor that are multiplied with one tile's rows after another: half of a second-level cache.
const GROUP: usize = 1 << 17;

/// A matrix in a slice: `rows × columns`, with the distance between neighbours in a column and in a row.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A densely packed row-major matrix.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// A row-major matrix whose rows lie `row_stride` values apart.
    pub fn with_stride(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        let needed = length::of_rows(rows, columns, row_stride);
        assert!(
            values.len() >= needed,
            "a {rows}×{columns} matrix needs {needed} values, not {}",
            values.len()
        );
        Self {
            values,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// A transposed matrix whose columns, rows of what it was, lie side by side in the buffer.
    fn gathered(self, buffer: &mut Vec<f32>) -> Matrix<'_> {
        let stride = spread(self.rows);
        buffer.resize(self.columns * stride, 0.0);
        let columns = self.values.chunks(self.column_stride).take(self.columns);
        for (gathered, column) in buffer.chunks_exact_mut(stride).zip(columns) {
            gathered[..self.rows].copy_from_slice(&column[..self.rows]);
        }
        Matrix {
            values: buffer,
            column_stride: stride,
            ..self
        }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Whether many lines that lie so far apart, in values, compete for the same few places in the first cache level: 64 sets of lines of
/// 64 bytes, of which lines 2 or 4 KiB apart take two or one.
pub(super) fn competes(stride: usize) -> bool {
    stride.is_multiple_of(512)
}

/// A distance between rows of `length` values at which many rows don't compete.
pub(super) fn spread(length: usize) -> usize {
    length.next_multiple_of(16) | 16
}

/// What a product starts from.
#[derive(Clone, Copy, PartialEq)]
pub enum Start<'a> {
    /// Zeros: what the output held is replaced.
    Zero,
    /// In each row the same values, one a column.
    Row(&'a [f32]),
    /// What the output holds.
    Output,
}

impl Start<'_> {
    /// The same once what is not zero stands in the output.
    fn or_output(self) -> Self {
        if self == Self::Zero { self } else { Self::Output }
    }
}

/// Whether a kernel replaces what its output holds, or adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It is replaced.
    Overwrite,
    /// The result is added to it.
    Add,
}

impl From<Output> for Start<'_> {
    fn from(output: Output) -> Self {
        match output {
            Output::Overwrite => Start::Zero,
            Output::Add => Start::Output,
        }
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

/// A right factor, packed: for each `DEPTH` rows, panels as wide as a tile, row behind row. The last panel may be as wide
/// as one vector; what it lacks is zero.
#[derive(Default)]
pub struct Panels {
    values: Vec<f32>,
    depth: usize,
    columns: usize,
}

/// Of each panel in a matrix with this many columns: its first column and its width, of which the last ones may lie
/// beyond the matrix.
fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = Tiles::current();
    (0..columns).step_by(tiles.columns()).map(move |first| {
        let rest = columns - first;
        let width = if rest <= tiles.lanes {
            tiles.lanes
        } else {
            tiles.columns()
        };
        (first, width)
    })
}

/// The columns of all panels.
fn padded(columns: usize) -> usize {
    panels(columns).last().map_or(0, |(first, width)| first + width)
}

impl Panels {
    /// Packs a matrix on the current pool.
    pub fn new(matrix: Matrix<'_>) -> Self {
        Self::stacked(&[matrix])
    }

    /// Packs matrices of equal sizes, one below the other, on the current pool.
    pub fn stacked(matrices: &[Matrix<'_>]) -> Self {
        let Some(first) = matrices.first() else {
            return Self::default();
        };
        let sizes = |matrix: &Matrix<'_>| (matrix.rows, matrix.columns);
        assert!(
            matrices.iter().all(|matrix| sizes(matrix) == sizes(first)),
            "stacked matrices have equal sizes"
        );
        let (depth, columns) = (length::of(&[matrices.len(), first.rows]), first.columns);
        let mut packed = Self {
            values: unwritten(length::of(&[depth, padded(columns)])),
            depth,
            columns,
        };
        let wide = Tiles::current().columns();
        let mut rest = packed.values.as_mut_slice();
        let mut parts = Vec::new();
        for first in (0..depth).step_by(DEPTH) {
            let rows = first..depth.min(first + DEPTH);
            let (block, others) = std::mem::take(&mut rest).split_at_mut(rows.len() * padded(columns));
            rest = others;
            let panels = block.chunks_mut(rows.len() * wide).zip(panels(columns));
            parts.extend(panels.map(|(panel, place)| (panel, rows.clone(), place)));
        }
        parts
            .into_par_iter()
            .for_each(|(mut panel, mut rows, (column, width))| {
                while !rows.is_empty() {
                    let (matrix, row) = (matrices[rows.start / first.rows], rows.start % first.rows);
                    let count = rows.len().min(first.rows - row);
                    let (part, others) = panel.split_at_mut(count * width);
                    pack(matrix, row..row + count, column, width, part);
                    (panel, rows.start) = (others, rows.start + count);
                }
            });
        packed
    }
}

/// Packs a panel of some rows.
fn pack(matrix: Matrix<'_>, rows: Range<usize>, column: usize, width: usize, panel: &mut [f32]) {
    let used = width.min(matrix.columns - column);
    if matrix.column_stride == 1 {
        for (row, line) in rows.zip(panel.chunks_exact_mut(width)) {
            let start = row * matrix.row_stride + column;
            line[..used].copy_from_slice(&matrix.values[start..start + used]);
            line[used..].fill(0.0);
        }
        return;
    }
    if used < width {
        panel.fill(0.0);
    }
    // A few lines at a time, so that they stay in the first cache level while they are filled column by column.
    const LINES: usize = 16;
    for (first, lines) in rows.step_by(LINES).zip(panel.chunks_mut(LINES * width)) {
        for place in 0..used {
            let start = (column + place) * matrix.column_stride + first * matrix.row_stride;
            let values = matrix.values[start..].iter().step_by(matrix.row_stride);
            for (line, value) in lines.chunks_exact_mut(width).zip(values) {
                line[place] = *value;
            }
        }
    }
}

/// A right factor.
#[derive(Clone, Copy)]
pub enum Right<'a> {
    /// Packed, because many rows are multiplied with it.
    Packed(&'a Panels),
    /// Row-major where it lies.
    Rows(Matrix<'a>),
}

impl Right<'_> {
    fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Packed(panels) => (panels.depth, panels.columns),
            Self::Rows(matrix) => (matrix.rows, matrix.columns),
        }
    }
}

/// `output = start + left · right` on the calling thread. The output's rows lie `output_stride` values apart.
///
/// A value of the output depends on its row and column alone, not on how many rows are computed together.
pub fn multiply(left: Matrix<'_>, right: Right<'_>, start: Start<'_>, output: &mut [f32], output_stride: usize) {
    multiply_down_to(f32::NEG_INFINITY, left, right, start, output, output_stride);
}

/// As [`multiply`], where results below the floor become it.
pub fn multiply_down_to(
    floor: f32,
    left: Matrix<'_>,
    right: Right<'_>,
    start: Start<'_>,
    output: &mut [f32],
    output_stride: usize,
) {
    let (rows, (depth, columns)) = (left.rows, right.sizes());
    assert_eq!(left.columns, depth, "inner sizes of a product");
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(
        output_stride >= columns && output.len() >= length::of_rows(rows, columns, output_stride),
        "size of a product"
    );
    if let Start::Row(values) = start {
        assert_eq!(values.len(), columns, "values of a row");
    }
    if depth == 0 {
        return fill_rows(output, output_stride, columns, start, floor);
    }
    if left.row_stride == 1 && left.column_stride != 1 && competes(left.column_stride) && depth <= DEPTH {
        return scratch(|packed| {
            let left = left.gathered(packed);
            multiply_down_to(floor, left, right, start, output, output_stride);
        });
    }
    for first in (0..depth).step_by(DEPTH) {
        let block = Block {
            left,
            terms: first..depth.min(first + DEPTH),
            columns,
            start: if first == 0 { start } else { Start::Output },
            floor: if first + DEPTH >= depth {
                floor
            } else {
                f32::NEG_INFINITY
            },
            output_stride,
        };
        match right {
            Right::Packed(panels) => block.multiply_packed(&panels.values[first * padded(columns)..], output),
            Right::Rows(matrix) => block.multiply_rows(matrix, output),
        }
    }
}

/// The output of a product that sums over nothing.
fn fill_rows(output: &mut [f32], stride: usize, columns: usize, start: Start<'_>, floor: f32) {
    for row in output.chunks_mut(stride) {
        match start {
            Start::Zero => row[..columns].fill(0.0),
            Start::Row(values) => row[..columns].copy_from_slice(values),
            Start::Output => {}
        }
        row[..columns]
            .iter_mut()
            .for_each(|value| *value = elementwise::at_least(floor, *value));
    }
}

/// A product over at most [`DEPTH`] terms, whose sizes [`multiply`] has checked.
struct Block<'a> {
    left: Matrix<'a>,
    terms: Range<usize>,
    columns: usize,
    start: Start<'a>,
    /// The smallest value that is stored.
    floor: f32,
    output_stride: usize,
}

/// Some columns of the right factor, as many as a tile has, with the distance between rows.
#[derive(Clone, Copy)]
struct Panel<'a> {
    values: &'a [f32],
    row_stride: usize,
    column: usize,
    width: usize,
}

impl Block<'_> {
    /// As many panels as stay in the cache, while all rows go past.
    fn multiply_packed(&self, values: &[f32], output: &mut [f32]) {
        let depth = self.terms.len();
        let wide = depth * Tiles::current().columns();
        let all: Vec<Panel<'_>> = values[..depth * padded(self.columns)]
            .chunks(wide)
            .zip(panels(self.columns))
            .map(|(values, (column, width))| Panel {
                values,
                row_stride: width,
                column,
                width,
            })
            .collect();
        for group in all.chunks((GROUP / wide).max(1)) {
            for rows in tile_rows(self.left.rows) {
                for panel in group {
                    self.tile(rows.clone(), *panel, output);
                }
            }
        }
    }

    /// One panel after another; all rows go past each of them.
    fn multiply_rows(&self, matrix: Matrix<'_>, output: &mut [f32]) {
        scratch(|packed| {
            for (column, width) in panels(self.columns) {
                let is_whole = column + width <= self.columns;
                let panel = if is_whole && !competes(matrix.row_stride) {
                    Panel {
                        values: &matrix.values[self.terms.start * matrix.row_stride + column..],
                        row_stride: matrix.row_stride,
                        column,
                        width,
                    }
                } else {
                    packed.resize(self.terms.len() * width, 0.0);
                    pack(matrix, self.terms.clone(), column, width, packed);
                    Panel {
                        values: packed,
                        row_stride: width,
                        column,
                        width,
                    }
                };
                for rows in tile_rows(self.left.rows) {
                    self.tile(rows, panel, output);
                }
            }
        });
    }

    /// The output's `rows`, as far as the panel goes.
    fn tile(&self, rows: Range<usize>, panel: Panel<'_>, output: &mut [f32]) {
        let used = panel.width.min(self.columns - panel.column);
        let output = &mut output[rows.start * self.output_stride + panel.column..];
        if used == panel.width {
            return self.run(rows, panel, self.start, output, self.output_stride);
        }
        // The last panel is wider than what is left of the output: it goes by way of a tile of its own.
        let mut whole = [0.0; Tiles::LARGEST];
        for (row, values) in whole.chunks_exact_mut(panel.width).take(rows.len()).enumerate() {
            match self.start {
                Start::Zero => {}
                Start::Row(row) => values[..used].copy_from_slice(&row[panel.column..]),
                Start::Output => values[..used].copy_from_slice(&output[row * self.output_stride..][..used]),
            }
        }
        let height = rows.len();
        self.run(rows, panel, self.start.or_output(), &mut whole, panel.width);
        for (row, values) in whole.chunks_exact(panel.width).take(height).enumerate() {
            output[row * self.output_stride..][..used].copy_from_slice(&values[..used]);
        }
    }

    /// A tile as wide as the panel; the output begins with it.
    fn run(&self, rows: Range<usize>, panel: Panel<'_>, start: Start<'_>, output: &mut [f32], output_stride: usize) {
        let tiles = Tiles::current();
        let (left, depth, width) = (self.left, self.terms.len(), panel.width);
        assert!(output.len() >= length::of_rows(rows.len(), width, output_stride));
        assert!(panel.values.len() >= length::of_rows(depth, width, panel.row_stride));
        let c = output.as_mut_ptr();
        let (start, start_row) = match start {
            Start::Zero => (std::ptr::null(), 0),
            Start::Row(values) => (values[panel.column..panel.column + width].as_ptr(), 0),
            Start::Output => (c.cast_const(), output_stride),
        };
        let a = rows.start * left.row_stride + self.terms.start * left.column_stride;
        let a = left.values[a..].as_ptr();
        let (ahead, ahead_row, ahead_step) = if left.column_stride == 1 {
            // The next tile's rows.
            let next = rows.len() * left.row_stride;
            (a.wrapping_add(next), left.row_stride, rows.len())
        } else {
            // The right factor's rows for the first tile of a panel, this tile's columns for the others, some way on.
            let (next, step) = if rows.start == 0 {
                (panel.values.as_ptr(), panel.row_stride)
            } else {
                (a, left.column_stride)
            };
            (next.wrapping_add(16 * step), depth.div_ceil(rows.len()) * step, step)
        };
        let tile = Tile {
            depth,
            a,
            a_row: left.row_stride,
            a_column: left.column_stride,
            b: panel.values.as_ptr(),
            b_row: panel.row_stride,
            start,
            start_row,
            floor: self.floor,
            c,
            c_row: output_stride,
            ahead,
            ahead_row,
            ahead_step,
        };
        // SAFETY: `Matrix` guarantees that its elements lie inside its slice, and `multiply` has checked the rows and the depth;
        // the panel holds `depth` rows of `width` values, and the output, which is borrowed exclusively, and a row of the
        // start hold the tile, as checked above. The processor has the instructions of `Tiles::current`.
        unsafe { tiles.runs[width / tiles.lanes - 1][rows.len() - 1](&tile) }
    }
}

/// Divides rows among tiles of almost equal height: full ones and a low last one would take longer.
fn tile_rows(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = rows.div_ceil(Tiles::current().rows());
    (0..tiles).map(move |tile| tile * rows / tiles..(tile + 1) * rows / tiles)
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
        Pixels::whole(x, inputs),
        &w,
        bias.into(),
        PixelsMut::whole(y, outputs),
        None,
    );
}

/// `y = x · w + bias`, with the output's moments if they are asked for.
pub fn forward_packed(
    x: Pixels<'_>,
    w: &Panels,
    epilogue: Epilogue<'_>,
    y: PixelsMut<'_>,
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
pub fn input_gradient_of(dy: Pixels<'_>, w: &[f32], inputs: usize, outputs: usize, mode: Output, dx: &mut [f32]) {
    assert_eq!(
        [dy.channels(), dx.len()],
        [outputs, length::of(&[dy.count(), inputs])],
        "values of the gradients"
    );
    assert_eq!(w.len(), length::of(&[inputs, outputs]), "values of the weights");
    if dx.is_empty() {
        return;
    }
    let w = Panels::new(Matrix::new(w, inputs, outputs).transposed());
    let dx = PixelsMut::whole(dx, inputs);
    multiply_rows(dy, &w, mode.into(), f32::NEG_INFINITY, dx, None);
}

/// Values of a packed right factor.
pub(super) fn packed_values(depth: usize, columns: usize) -> usize {
    length::of(&[depth, padded(columns)])
}

/// Values of the partial sums of a [`weight_gradient`].
pub(super) fn weight_gradient_values(pixels: usize, inputs: usize, outputs: usize) -> usize {
    let (runs, _) = tasks::summed(pixels, inputs / tasks::SUMMED_LINES);
    length::of(&[runs - 1, inputs, outputs])
}

/// A product with all pixels of a batch, some pixels a task.
fn multiply_rows(
    left: Pixels<'_>,
    right: &Panels,
    start: Start<'_>,
    floor: f32,
    output: PixelsMut<'_>,
    moments: Option<&mut Moments>,
) {
    let (pixels, place) = (output.count(), output.place());
    assert_eq!(
        [left.count(), left.channels(), place.channels],
        [pixels, right.depth, right.columns],
        "pixels and channels of a product"
    );
    let (run, Place { first, all, .. }) = (tasks::product_rows(pixels), place);
    let task = |index: usize, output: &mut [f32], moments: Option<&mut [f32]>| {
        let pixels = index * run..index * run + output.len() / all;
        let count = pixels.len();
        scratch(|buffer| {
            let left = left.rows_apart(pixels, buffer);
            let right = Right::Packed(right);
            multiply_down_to(floor, left, right, start, &mut output[first..], all);
        });
        if let Some(moments) = moments {
            run_moments(Pixels::of(output, place), 0..count, moments);
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
pub fn weight_gradient_of(x: Pixels<'_>, dy: Pixels<'_>, mode: Output, dw: &mut [f32]) {
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
        multiply(x.transposed(), Right::Rows(dy), start, sum, outputs);
    });
}

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
    pub fn compute(
        &self,
        mode: Output,
        sum: &mut [f32],
        add: impl Fn(Range<usize>, Range<usize>, Start<'_>, &mut [f32], &mut Vec<f32>) + Sync,
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

/// What becomes of an output to which nothing is added.
pub fn keep_or_clear(mode: Output, output: &mut [f32]) {
    if mode == Output::Overwrite {
        output.fill(0.0);
    }
}
