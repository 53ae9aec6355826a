//! The sum over pixels of the products of two maps' values: the gradient of a kernel.
#![allow(unsafe_code)]

use std::ops::Range;

use super::lines::{ROWS, SIDE, Sums, TERMS, Tile, ZERO_TILE, with_tiles};
use super::tiles::{Left, Tiles};
use super::vectors::{Addend, finish, pair, pair_columns, pair_rows, transpose};
use crate::element::Bf16;
use crate::product::bf16::Product;
use crate::product::matrix::Matrix;
use crate::product::multiply::Start;

/// Pixels that are summed in the tile registers, at most: 32 columns of so many stay in the first cache level.
const PIXELS: usize = 512;

/// Tiles of the left factor that all columns of the right one go past: a quarter of a second-level cache.
const GROUP: usize = 1 << 9;

/// As [`bf16::sum_over_rows`](crate::product::bf16::sum_over_rows).
pub fn sum_over_rows(product: &Product<'_>, x: Matrix<'_, Bf16>, dy: Matrix<'_, Bf16>, output: &mut [f32]) {
    let mut tiles = Tiles::take();
    with_tiles(|left| {
        with_tiles(|right| {
            // SAFETY: the processor has the vectors, because there are `Tiles`.
            unsafe { sum(&mut tiles, product, x, dy, [left, right], output) }
        });
    });
}

#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn sum(
    tiles: &mut Tiles,
    product: &Product<'_>,
    x: Matrix<'_, Bf16>,
    dy: Matrix<'_, Bf16>,
    [left, right]: [&mut Vec<Tile>; 2],
    output: &mut [f32],
) {
    let pixels = x.rows;
    // Runs of almost equal length. Without pixels there is one empty run.
    let run = pixels
        .div_ceil(pixels.div_ceil(PIXELS).max(1))
        .next_multiple_of(TERMS)
        .max(TERMS);
    let mut start = product.start;
    for first in (0..pixels.max(1)).step_by(run) {
        let pixels = first..pixels.min(first + run);
        let steps = pixels.len().div_ceil(TERMS);
        let group = (GROUP / (2 * steps).max(1)).max(1) * SIDE;
        for row in (0..product.rows).step_by(group) {
            let rows = row..product.rows.min(row + group);
            left.resize(steps * rows.len().div_ceil(ROWS), ZERO_TILE);
            transpose_pairs(x, pixels.clone(), rows.clone(), left);
            for column in (0..product.columns).step_by(SIDE) {
                let columns = column..product.columns.min(column + SIDE);
                let panel = pairs(dy, pixels.clone(), columns.clone(), right);
                let mut block = Block {
                    tiles,
                    steps,
                    columns,
                    start,
                    output_stride: product.output_stride,
                    output,
                };
                block.add(rows.clone(), left, panel);
            }
        }
        start = Start::Output;
    }
}

/// Columns of the output and what they are summed with.
struct Block<'a> {
    tiles: &'a mut Tiles,
    steps: usize,
    columns: Range<usize>,
    start: Start<'a>,
    output_stride: usize,
    output: &'a mut [f32],
}

impl Block<'_> {
    /// Adds the products of the left factor's rows and a panel.
    #[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
    fn add(&mut self, rows: Range<usize>, left: &[Tile], panel: &[Tile]) {
        let mut sums = Sums::ZERO;
        let values: &[Bf16] = bytemuck::cast_slice(left.as_flattened());
        let addend = if self.start == Start::Output {
            Addend::Output
        } else {
            Addend::Zero
        };
        let tile = self.steps * ROWS * TERMS;
        for (number, first) in rows.clone().step_by(SIDE).enumerate() {
            let rows = first..rows.end.min(first + SIDE);
            let upper = 2 * number * tile;
            // Where there is no lower tile, the upper one is computed twice.
            let lower = if rows.len() > ROWS { upper + tile } else { upper };
            let left = Left {
                values,
                starts: [upper, lower],
                row_stride: TERMS,
                step: ROWS * TERMS,
                bands: 1,
                band: 0,
            };
            if self.columns.len() > ROWS {
                let (panel, _) = panel.as_chunks::<2>();
                self.tiles.multiply(left, panel, &mut sums);
            } else {
                let (panel, _) = panel.as_chunks::<1>();
                self.tiles.multiply(left, panel, &mut sums);
            }
            for row in rows.start..rows.end {
                let begin = row * self.output_stride;
                let output = &mut self.output[begin + self.columns.start..begin + self.columns.end];
                finish(&sums.0[row - rows.start], addend, f32::NEG_INFINITY, output);
            }
        }
    }
}

/// Fills tiles with a channel's pixels in each line: channels tile by tile, and for each tile all pixels.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn transpose_pairs(matrix: Matrix<'_, Bf16>, pixels: Range<usize>, columns: Range<usize>, tiles: &mut [Tile]) {
    let steps = pixels.len().div_ceil(TERMS);
    for (step, pixel) in pixels.clone().step_by(TERMS).enumerate() {
        let pixels = pixel..pixels.end.min(pixel + TERMS);
        for (number, column) in columns.clone().step_by(ROWS).enumerate() {
            let tile = &mut tiles[number * steps + step];
            match whole_tile(matrix, &pixels, column..columns.end.min(column + ROWS)) {
                Some(values) => pair_columns(values, matrix.row_stride, tile),
                None => {
                    pair_some(matrix, pixels.clone(), column..columns.end.min(column + ROWS), tile);
                    transpose(tile);
                }
            }
        }
    }
}

/// Tiles with pairs of pixels in each line: for 32 pixels after another, one tile, or two side by side.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn pairs<'b>(
    matrix: Matrix<'_, Bf16>,
    pixels: Range<usize>,
    columns: Range<usize>,
    tiles: &'b mut Vec<Tile>,
) -> &'b [Tile] {
    let width = columns.len().div_ceil(ROWS);
    tiles.resize(pixels.len().div_ceil(TERMS) * width, ZERO_TILE);
    for (tiles, pixel) in tiles.chunks_exact_mut(width).zip(pixels.clone().step_by(TERMS)) {
        let pixels = pixel..pixels.end.min(pixel + TERMS);
        for (tile, column) in tiles.iter_mut().zip(columns.clone().step_by(ROWS)) {
            match whole_tile(matrix, &pixels, column..columns.end.min(column + ROWS)) {
                Some(values) => pair_rows(values, matrix.row_stride, tile),
                None => pair_some(matrix, pixels.clone(), column..columns.end.min(column + ROWS), tile),
            }
        }
    }
    tiles
}

/// The values from the first one of a tile on, if it has 32 pixels and 16 channels.
#[inline]
fn whole_tile<'a>(matrix: Matrix<'a, Bf16>, pixels: &Range<usize>, columns: Range<usize>) -> Option<&'a [Bf16]> {
    let is_whole = pixels.len() == TERMS && columns.len() == ROWS;
    is_whole.then(|| &matrix.values[pixels.start * matrix.row_stride + columns.start..])
}

/// Pairs of up to 32 pixels, up to 16 channels each; what is lacking is zero.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn pair_some(matrix: Matrix<'_, Bf16>, pixels: Range<usize>, columns: Range<usize>, tile: &mut Tile) {
    let row = |pixel: usize| {
        if pixel < pixels.end {
            let begin = pixel * matrix.row_stride;
            &matrix.values[begin + columns.start..begin + columns.end]
        } else {
            &[]
        }
    };
    for (number, line) in tile.iter_mut().enumerate() {
        let pixel = pixels.start + 2 * number;
        pair(row(pixel), row(pixel + 1), line);
    }
}
