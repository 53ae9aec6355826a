//! Right factors as tiles: panels two tiles wide, the last one perhaps one; in each, for 32 terms after another, the
//! tiles of its columns. What a tile lacks is zero.
#![allow(unsafe_code)]

use std::ops::Range;

use rayon::prelude::*;

use super::lines::{Line, ROWS, SIDE, TERMS, Tile, ZERO_TILE};
use super::tiles;
use super::vectors::{narrow, pair_narrowed, transpose};
use crate::length;
use crate::product::matrix::Matrix;

/// Tiles that one task packs: 64 KiB of them.
const TASK: usize = 64;

/// A right factor in tiles.
pub struct TilePanels {
    tiles: Vec<Tile>,
    /// Tiles one above the other, of 32 terms each.
    steps: usize,
    columns: usize,
}

/// Some columns of a right factor.
#[derive(Clone, Copy)]
pub enum Panel<'a> {
    One(&'a [[Tile; 1]]),
    Two(&'a [[Tile; 2]]),
}

impl TilePanels {
    /// Packs matrices of equal sizes, one below the other, on the current pool.
    ///
    /// # Panics
    /// If there are no tile instructions, or there is more than one matrix and their rows don't make whole tiles.
    pub fn new(matrices: &[Matrix<'_>]) -> Self {
        let mut panels = Self {
            tiles: Vec::new(),
            steps: 0,
            columns: 0,
        };
        panels.repack(matrices);
        panels
    }

    /// As [`new`](Self::new), in the same memory.
    pub fn repack(&mut self, matrices: &[Matrix<'_>]) {
        assert!(tiles::is_available(), "this processor or system has no AMX tiles");
        let [rows, columns] = matrices.first().map_or([0; 2], |matrix| [matrix.rows, matrix.columns]);
        assert!(
            matrices.len() <= 1 || can_stack(rows),
            "matrices of whole tiles, one below the other"
        );
        assert!(
            matrices
                .iter()
                .all(|matrix| [matrix.rows, matrix.columns] == [rows, columns]),
            "stacked matrices have equal sizes"
        );
        let steps = length::of(&[matrices.len(), rows.div_ceil(TERMS)]);
        (self.steps, self.columns) = (steps, columns);
        self.tiles
            .resize(length::of(&[steps, columns.div_ceil(ROWS)]), ZERO_TILE);
        if self.tiles.is_empty() {
            return;
        }
        self.tiles
            .par_chunks_mut(2 * steps)
            .enumerate()
            .flat_map(|(panel, tiles)| {
                let first = panel * SIDE;
                let columns = first..columns.min(first + SIDE);
                let width = columns.len().div_ceil(ROWS);
                let parts = tiles.par_chunks_mut(TASK * width).enumerate();
                parts.map(move |(part, tiles)| (part * TASK, columns.clone(), tiles))
            })
            .for_each(|(step, columns, tiles)| {
                // SAFETY: the processor has the vectors where tiles are available, as asserted.
                unsafe { pack(matrices, step, columns, tiles) }
            });
    }

    /// The number of panels.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(SIDE)
    }

    /// How many tiles there are in a column of them.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// A panel.
    pub fn panel(&self, panel: usize) -> Panel<'_> {
        let tiles = &self.tiles[2 * panel * self.steps..];
        if self.columns - panel * SIDE > ROWS {
            Panel::Two(&tiles.as_chunks().0[..self.steps])
        } else {
            Panel::One(&tiles.as_chunks().0[..self.steps])
        }
    }
}

/// Whether matrices with so many rows can stand one below the other in tiles.
pub fn can_stack(rows: usize) -> bool {
    rows.is_multiple_of(TERMS)
}

/// Bytes of a packed right factor.
pub fn packed_bytes(depth: usize, columns: usize) -> usize {
    length::of(&[depth.div_ceil(TERMS), columns.div_ceil(ROWS), size_of::<Tile>()])
}

/// Packs some columns of stacked matrices, at most two tiles wide, from a step on.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn pack(matrices: &[Matrix<'_>], first: usize, columns: Range<usize>, tiles: &mut [Tile]) {
    let width = columns.len().div_ceil(ROWS);
    let steps = matrices[0].rows.div_ceil(TERMS);
    for (step, tiles) in tiles.chunks_exact_mut(width).enumerate() {
        let matrix = matrices[(first + step) / steps];
        let row = (first + step) % steps * TERMS;
        let rows = row..matrix.rows.min(row + TERMS);
        for (tile, column) in tiles.iter_mut().zip(columns.clone().step_by(ROWS)) {
            let columns = column..columns.end.min(column + ROWS);
            if matrix.column_stride == 1 {
                pack_rows(matrix, rows.clone(), columns, tile);
            } else {
                pack_columns(matrix, rows.clone(), columns, tile);
            }
        }
    }
}

/// A tile of a matrix whose rows lie in one piece each.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn pack_rows(matrix: Matrix<'_>, rows: Range<usize>, columns: Range<usize>, tile: &mut Tile) {
    let row = |row: usize| {
        if row < rows.end {
            let begin = row * matrix.row_stride;
            &matrix.values[begin + columns.start..begin + columns.end]
        } else {
            &[]
        }
    };
    for (number, line) in tile.iter_mut().enumerate() {
        let first = rows.start + 2 * number;
        pair_narrowed(row(first), row(first + 1), line);
    }
}

/// A tile of a matrix whose columns lie in one piece each.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn pack_columns(matrix: Matrix<'_>, rows: Range<usize>, columns: Range<usize>, tile: &mut Tile) {
    debug_assert_eq!(matrix.row_stride, 1, "a matrix lies in rows or in columns");
    tile[columns.len()..].fill(Line::ZERO);
    for (line, column) in tile.iter_mut().zip(columns) {
        narrow(&matrix.values[column * matrix.column_stride..][rows.clone()], line);
    }
    transpose(tile);
}
