//! The product of two matrices on the calling thread, tile by tile.
#![allow(unsafe_code)]

use std::ops::Range;

use super::matrix::{Matrix, competes};
use super::panels::{DEPTH, Right, pack, padded, panels};
use super::tile::{Tile, Tiles};
use crate::accumulate::Output;
use crate::elementwise;
use crate::length;
use crate::scratch::scratch;

/// Values of the right factor that are multiplied with one tile's rows after another: half of a second-level cache.
const GROUP: usize = 1 << 17;

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

impl From<Output> for Start<'_> {
    fn from(output: Output) -> Self {
        match output {
            Output::Overwrite => Start::Zero,
            Output::Add => Start::Output,
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
        let needed = length::of_rows(rows, columns, output_stride);
        return fill_rows(&mut output[..needed], output_stride, columns, start, floor);
    }
    if left.row_stride == 1 && left.column_stride != 1 && competes::<f32>(left.column_stride) && depth <= DEPTH {
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
                let panel = if is_whole && !competes::<f32>(matrix.row_stride) {
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
