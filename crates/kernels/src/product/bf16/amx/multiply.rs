//! The product of rows with a packed right factor, block by block of 32 × 32 sums.
#![allow(unsafe_code)]

use super::blocks::{Blocks, RowBlock};
use super::lines::{SIDE, Sums, with_tiles};
use super::panels::{Panel, TilePanels};
use super::tiles::Tiles;
use super::vectors::{Addend, finish};
use crate::element::{Bf16, Element};
use crate::product::bf16::{Product, Windows};
use crate::product::matrix::Matrix;
use crate::product::multiply::Start;

/// Tiles of the right factor that are multiplied with one block of rows after another, at most: most of a second-level
/// cache.
const GROUP: usize = 1280;

/// As [`bf16::multiply_bf16`](crate::product::bf16::multiply_bf16).
pub fn multiply_rows<T: Element>(product: &Product<'_>, left: Matrix<'_, Bf16>, right: &TilePanels, output: &mut [T]) {
    with_tiles(|buffer| multiply(product, Blocks::Rows(left, buffer), right, output));
}

/// As [`bf16::multiply_windows`](crate::product::bf16::multiply_windows).
pub fn multiply_windows<T: Element>(
    product: &Product<'_>,
    windows: &Windows<'_>,
    right: &TilePanels,
    output: &mut [T],
) {
    multiply(product, Blocks::windows(windows), right, output);
}

fn multiply<T: Element>(product: &Product<'_>, left: Blocks<'_>, right: &TilePanels, output: &mut [T]) {
    let mut tiles = Tiles::take();
    // SAFETY: the processor has the vectors, because there are `Tiles`.
    unsafe { multiply_blocks(&mut tiles, product, left, right, output) }
}

#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn multiply_blocks<T: Element>(
    tiles: &mut Tiles,
    product: &Product<'_>,
    mut left: Blocks<'_>,
    right: &TilePanels,
    output: &mut [T],
) {
    let mut sums = Sums::ZERO;
    // Groups of almost equal size.
    let all = 2 * right.steps() * right.count();
    let group = right.count().div_ceil(all.div_ceil(GROUP).max(1));
    for panels in (0..right.count()).step_by(group) {
        for number in 0..left.count() {
            let block = left.block(number);
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
    let rows = block.rows.iter().flat_map(|half| &half.rows);
    for (sums, row) in sums.0.iter().zip(rows) {
        if let Some(row) = row {
            let begin = row * product.output_stride;
            let output = &mut output[begin + columns.start..begin + columns.end];
            finish(sums, addend, product.floor, output);
        }
    }
}
