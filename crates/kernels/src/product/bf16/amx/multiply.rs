//! The product of rows with a packed right factor, block by block of 32 × 32 sums.
#![allow(unsafe_code)]

use std::ops::Range;

use super::lines::{ROWS, SIDE, Sums, TERMS, Tile, ZERO_TILE, with_tiles};
use super::panels::{Panel, TilePanels};
use super::tiles::{Left, Tiles};
use super::vectors::{Addend, copy, finish};
use crate::element::{Bf16, Element};
use crate::product::bf16::Product;
use crate::product::matrix::Matrix;
use crate::product::multiply::Start;

/// Tiles of the right factor that are multiplied with one block of rows after another, at most: most of a second-level
/// cache.
const GROUP: usize = 1280;

/// As [`bf16::multiply_bf16`](crate::product::bf16::multiply_bf16).
pub fn multiply_rows<T: Element>(product: &Product<'_>, left: Matrix<'_, Bf16>, right: &TilePanels, output: &mut [T]) {
    let mut tiles = Tiles::take();
    with_tiles(|buffer| {
        // SAFETY: the processor has the vectors, because there are `Tiles`.
        unsafe { multiply(&mut tiles, product, left, right, buffer, output) }
    });
}

#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn multiply<T: Element>(
    tiles: &mut Tiles,
    product: &Product<'_>,
    left: Matrix<'_, Bf16>,
    right: &TilePanels,
    buffer: &mut Vec<Tile>,
    output: &mut [T],
) {
    let mut sums = Sums::ZERO;
    // Groups of almost equal size.
    let all = 2 * right.steps() * right.count();
    let group = right.count().div_ceil(all.div_ceil(GROUP).max(1));
    for panels in (0..right.count()).step_by(group) {
        for first in (0..product.rows).step_by(SIDE) {
            let block = RowBlock::new(left, first, buffer);
            for panel in panels..right.count().min(panels + group) {
                match right.panel(panel) {
                    Panel::One(right) => tiles.multiply(block.left, right, &mut sums),
                    Panel::Two(right) => tiles.multiply(block.left, right, &mut sums),
                }
                store(product, &block, panel * SIDE, &sums, output);
            }
        }
    }
}

/// Some rows of the left factor, as the tiles read them.
struct RowBlock<'a> {
    left: Left<'a>,
    /// Of both tiles: the rows of the sums that count, and the product's row that the first of them belongs to.
    parts: [(Range<usize>, usize); 2],
}

impl<'a> RowBlock<'a> {
    /// The rows from `first` on, where they lie, or from the buffer if they are not whole tiles there.
    #[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
    fn new(left: Matrix<'a, Bf16>, first: usize, buffer: &'a mut Vec<Tile>) -> Self {
        let parts = [first, first + ROWS].map(|first| first.min(left.rows)..left.rows.min(first + ROWS));
        if left.columns > 0 && left.columns.is_multiple_of(TERMS) && left.rows >= ROWS {
            // What would be behind the last row lies before it: some rows are computed again.
            let starts = parts.clone().map(|rows| rows.start.min(left.rows - ROWS));
            let place = |part: usize| {
                let (rows, start) = (parts[part].clone(), starts[part]);
                let first = part * ROWS + rows.start - start;
                (first..first + rows.len(), rows.start)
            };
            return Self {
                left: Left {
                    values: left.values,
                    starts: starts.map(|start| start * left.row_stride),
                    row_stride: left.row_stride,
                    step: TERMS,
                    bands: 1,
                    band: 0,
                },
                parts: [place(0), place(1)],
            };
        }
        let steps = left.columns.div_ceil(TERMS);
        buffer.resize(2 * steps, ZERO_TILE);
        let (blocks, _) = buffer.as_chunks_mut::<2>();
        let rows = if steps == 0 { 0 } else { left.rows };
        for row in first..rows.min(first + SIDE) {
            let values = &left.values[row * left.row_stride..][..left.columns];
            for step in 0..steps {
                let line = &mut blocks[step].as_flattened_mut()[row - first];
                copy(&values[step * TERMS..left.columns.min((step + 1) * TERMS)], line);
            }
        }
        let place = |part: usize| (part * ROWS..part * ROWS + parts[part].len(), parts[part].start);
        Self {
            left: Left {
                values: bytemuck::cast_slice(buffer.as_flattened()),
                starts: [0, ROWS * TERMS],
                row_stride: TERMS,
                step: SIDE * TERMS,
                bands: 1,
                band: 0,
            },
            parts: [place(0), place(1)],
        }
    }
}

/// Stores the sums of a block, whose columns begin at `column`.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn store<T: Element>(product: &Product<'_>, block: &RowBlock<'_>, column: usize, sums: &Sums, output: &mut [T]) {
    let columns = column..product.columns.min(column + SIDE);
    let addend = match product.start {
        Start::Zero => Addend::Zero,
        Start::Row(row) => Addend::Row(&row[columns.clone()]),
        Start::Output => Addend::Output,
    };
    for (rows, first) in &block.parts {
        for row in rows.start..rows.end {
            let begin = (first + row - rows.start) * product.output_stride;
            let output = &mut output[begin + columns.start..begin + columns.end];
            finish(&sums.0[row], addend, product.floor, output);
        }
    }
}
