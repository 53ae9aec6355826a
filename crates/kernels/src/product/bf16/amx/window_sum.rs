//! The sum over windows of the products of their values and a map's: the gradient of a kernel. In rows of pixels with
//! zeros around them, all windows have the value of a cell at the same distance. So the pixels that are read stand
//! still, and the map moves past them by the distance of each cell.
#![allow(unsafe_code)]

use std::ops::Range;

use super::lines::{Line, ROWS, SIDE, Sums, TERMS, Tile, ZERO_TILE, with_tiles};
use super::sum::transpose_pairs;
use super::tiles::{Left, Tiles};
use super::vectors::{Addend, copy, finish, pair_rows_in_turn};
use crate::element::Bf16;
use crate::product::bf16::Windows;
use crate::product::matrix::Matrix;

/// Pixels that are summed in the tile registers, at most: 32 channels of so many stay in the first cache level.
const PIXELS: usize = 512;

/// Pixels of the map that moves, for 32 columns: two lines after another hold pairs of two times 16 columns.
struct Moving<'b> {
    /// Pairs that begin with an even pixel, and those that begin with an odd one.
    pairs: [&'b [[Line; 2]]; 2],
    /// Pixels before those that stand still.
    before: usize,
}

/// As [`bf16::sum_over_windows`](crate::product::bf16::sum_over_windows).
pub fn sum_over_windows(windows: &Windows<'_>, dy: Matrix<'_, Bf16>, adds: bool, output: &mut [&mut [f32]]) {
    let mut tiles = Tiles::take();
    with_tiles(|left| {
        with_tiles(|right| {
            // SAFETY: the processor has the vectors, because there are `Tiles`.
            unsafe { sum(&mut tiles, windows, dy, adds, [left, right], output) }
        });
    });
}

#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn sum(
    tiles: &mut Tiles,
    windows: &Windows<'_>,
    dy: Matrix<'_, Bf16>,
    adds: bool,
    [left, right]: [&mut Vec<Tile>; 2],
    output: &mut [&mut [f32]],
) {
    let channels = windows.channels;
    let groups = channels / SIDE;
    let pixels = windows.pixels();
    let map = Matrix::with_stride(windows.values, windows.values.len() / channels, channels, channels);
    let mut sums = Sums::ZERO;
    // Runs of almost equal length.
    let run = pixels.div_ceil(pixels.div_ceil(PIXELS)).next_multiple_of(TERMS);
    for first in (0..pixels).step_by(run) {
        let pixels = first..pixels.min(first + run);
        let steps = pixels.len().div_ceil(TERMS);
        let addend = if adds || first > 0 {
            Addend::Output
        } else {
            Addend::Zero
        };
        left.resize(2 * steps * groups, ZERO_TILE);
        transpose_pairs(map, pixels.clone(), 0..channels, left);
        let values: &[Bf16] = bytemuck::cast_slice(left.as_flattened());
        for column in (0..dy.columns).step_by(SIDE) {
            let columns = column..dy.columns.min(column + SIDE);
            let moving = Moving::new(windows, dy, first..first + steps * TERMS, columns.clone(), right);
            for group in 0..groups {
                let upper = 2 * group * steps * ROWS * TERMS;
                let left = Left {
                    values,
                    starts: [upper, upper + steps * ROWS * TERMS],
                    row_stride: TERMS,
                    step: ROWS * TERMS,
                    bands: 1,
                    band: 0,
                };
                for cell in 0..windows.kernel * windows.kernel {
                    let distance = cell / windows.kernel * windows.pitch + cell % windows.kernel;
                    tiles.multiply_in_turn(left, moving.by(distance, steps), &mut sums);
                    let block = &mut output[cell * groups + group];
                    for (row, sums) in sums.0.iter().enumerate() {
                        let output = &mut block[row * dy.columns..][columns.clone()];
                        finish(sums, addend, f32::NEG_INFINITY, output);
                    }
                }
            }
        }
    }
}

impl<'b> Moving<'b> {
    /// Some columns of a map whose rows are those of windows, at the windows' first pixels, from a window's reach
    /// before some pixels on; zeros elsewhere.
    #[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
    fn new(
        windows: &Windows<'_>,
        dy: Matrix<'_, Bf16>,
        pixels: Range<usize>,
        columns: Range<usize>,
        buffer: &'b mut Vec<Tile>,
    ) -> Self {
        let before = windows.farthest().next_multiple_of(TERMS);
        let count = before + pixels.len();
        // Whole tiles of single pixels, one pixel more than there are in pairs, and then both kinds of pairs.
        let single = count / ROWS + 1;
        buffer.resize(single + 2 * (count / ROWS), ZERO_TILE);
        let (singles, pairs) = buffer.split_at_mut(single);
        let singles = singles.as_flattened_mut();
        singles.fill(Line::ZERO);
        let mut row = 0;
        for run in windows.runs {
            for number in 0..run.rows {
                let start = run.first + number * windows.pitch + before;
                for pixel in start.max(pixels.start)..(start + windows.width).min(pixels.start + count) {
                    let begin = (row + pixel - start) * dy.row_stride;
                    copy(
                        &dy.values[begin + columns.start..begin + columns.end],
                        &mut singles[pixel - pixels.start],
                    );
                }
                row += windows.width;
            }
        }
        let values: &[Bf16] = bytemuck::cast_slice(singles);
        let (even, odd) = pairs.as_flattened_mut().as_chunks_mut().0.split_at_mut(count / 2);
        for (odd, pairs) in [&mut *even, &mut *odd].into_iter().enumerate() {
            for (number, pairs) in pairs.as_chunks_mut().0.iter_mut().enumerate() {
                pair_rows_in_turn(&values[(odd + number * TERMS) * SIDE..], pairs);
            }
        }
        Self {
            pairs: [even, odd],
            before,
        }
    }

    /// The pixels that so many steps read, at a distance before those that stand still.
    fn by(&self, distance: usize, steps: usize) -> &'b [[Line; 2]] {
        let first = self.before - distance;
        &self.pairs[first % 2][first / 2..][..steps * ROWS]
    }
}
