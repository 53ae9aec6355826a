//! The innermost loop of every matrix product: a tile of the output stays in vector registers while the depth of the
//! product runs past. Written once for each instruction set; which one runs is decided when the program starts.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use seq_macro::seq;

use crate::simd::{InstructionSet, for_each_instruction_set, of_instruction_set};

/// One tile: `c[i][j] = start[i][j] + Σ over k of a[i][k] · b[k][j]`, summed in the order of `k`.
///
/// Addresses are of the tile's first elements; distances are in values.
pub struct Tile {
    /// Terms of each sum.
    pub depth: usize,
    /// The left factor, with the distance between its rows and between its columns.
    pub a: *const f32,
    pub a_row: usize,
    pub a_column: usize,
    /// The right factor, with the distance between its rows; neighbours in a row lie side by side.
    pub b: *const f32,
    pub b_row: usize,
    /// What the sums start from, with the distance between rows (0 for the same values in all of them); null for zeros.
    pub start: *const f32,
    pub start_row: usize,
    /// Sums below it become it; NaN stays NaN.
    pub floor: f32,
    /// The output, with the distance between its rows.
    pub c: *mut f32,
    pub c_row: usize,
    /// Where to fetch from ahead of use: while a row's share of the depth is computed, two vectors each from places
    /// `ahead_step` apart from `ahead` on, and `ahead_row` further on for each row. It need not be valid.
    pub ahead: *const f32,
    pub ahead_row: usize,
    pub ahead_step: usize,
}

/// Computes a tile with as many rows and columns as its place in [`Tiles`] says.
///
/// # Safety
/// The addresses must be valid for all elements that the tile describes, the output must not overlap the factors, and
/// the processor must have the instruction set.
pub type Run = unsafe fn(&Tile);

/// The tiles of an instruction set.
pub struct Tiles {
    /// Values of one vector register: a tile has this many columns, or twice as many.
    pub lanes: usize,
    /// For one and for two vectors a row: tiles of 1, 2, … rows.
    pub runs: [&'static [Run]; 2],
}

impl Tiles {
    /// Elements of the largest tile of all instruction sets.
    pub const LARGEST: usize = 14 * 32;

    /// The largest number of rows.
    pub fn rows(&self) -> usize {
        self.runs[0].len()
    }

    /// The largest number of columns.
    pub fn columns(&self) -> usize {
        2 * self.lanes
    }

    /// Those of the instruction set in use.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<Tiles> = OnceLock::new();
        CURRENT.get_or_init(|| of_instruction_set!(InstructionSet::current(), tiles()))
    }
}

macro_rules! tiles {
    ($set:ident $(, feature $feature:literal)?) => {
        mod $set {
            use super::{Run, Tile, Tiles, seq};
            use crate::simd::$set::*;
            use crate::simd::{prefetch, prefetch_to_write};

            pub fn tiles() -> Tiles {
                const ALL: [[Run; TILE_ROWS]; 2] = [rows::<1>(), rows::<2>()];
                Tiles { lanes: LANES, runs: [&ALL[0], &ALL[1]] }
            }

            #[allow(clippy::out_of_bounds_indexing, reason = "the condition keeps the places inside")]
            const fn rows<const VECTORS: usize>() -> [Run; TILE_ROWS] {
                let mut runs = [run::<1, VECTORS> as Run; TILE_ROWS];
                seq!(ROWS in 1..=14 {
                    if ROWS <= TILE_ROWS {
                        runs[ROWS - 1] = run::<ROWS, VECTORS>;
                    }
                });
                runs
            }

            /// # Safety
            /// That of [`Run`].
            $(#[target_feature(enable = $feature)])?
            unsafe fn run<const ROWS: usize, const VECTORS: usize>(tile: &Tile) {
                let mut sums = [[splat(0.0); VECTORS]; ROWS];
                // SAFETY: every address below is of an element of the tile, which the caller vouches for.
                unsafe {
                    if !tile.start.is_null() {
                        for (row, sums) in sums.iter_mut().enumerate() {
                            for (vector, sum) in sums.iter_mut().enumerate() {
                                *sum = load(tile.start.add(row * tile.start_row + vector * LANES));
                            }
                        }
                    }
                    for row in 0..ROWS {
                        for vector in 0..VECTORS {
                            prefetch_to_write(tile.c.wrapping_add(row * tile.c_row + vector * LANES));
                        }
                    }
                    let (mut a, mut b) = (tile.a, tile.b);
                    let share = tile.depth.div_ceil(ROWS);
                    for row in 0..ROWS {
                        let mut ahead = tile.ahead.wrapping_add(row * tile.ahead_row);
                        for _ in row * share..tile.depth.min((row + 1) * share) {
                            prefetch(ahead);
                            prefetch(ahead.wrapping_add(LANES));
                            ahead = ahead.wrapping_add(tile.ahead_step);
                            let mut right = [splat(0.0); VECTORS];
                            for (vector, right) in right.iter_mut().enumerate() {
                                *right = load(b.add(vector * LANES));
                            }
                            for (row, sums) in sums.iter_mut().enumerate() {
                                let left = splat(*a.add(row * tile.a_row));
                                for (sum, right) in sums.iter_mut().zip(right) {
                                    *sum = multiply_add(left, right, *sum);
                                }
                            }
                            // Behind the last term they may leave the factors; nothing is read there.
                            a = a.wrapping_add(tile.a_column);
                            b = b.wrapping_add(tile.b_row);
                        }
                    }
                    let floor = splat(tile.floor);
                    for (row, sums) in sums.iter().enumerate() {
                        for (vector, sum) in sums.iter().enumerate() {
                            store(tile.c.add(row * tile.c_row + vector * LANES), at_least(floor, *sum));
                        }
                    }
                }
            }
        }
    };
}
for_each_instruction_set!(tiles);
