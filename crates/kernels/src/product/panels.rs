//! Right factors, packed for the tiles.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::Matrix;
use super::tile::Tiles;
use crate::length;
use crate::memory::unwritten;

/// Terms of the sums that are added before the output is stored: a tile's part of the left factor stays in the first
/// cache level.
pub(super) const DEPTH: usize = 1024;

/// A right factor, packed: for each `DEPTH` rows, panels as wide as a tile, row behind row. The last panel may be as wide
/// as one vector; what it lacks is zero.
#[derive(Default)]
pub struct Panels {
    pub(super) values: Vec<f32>,
    depth: usize,
    columns: usize,
}

/// Of each panel in a matrix with this many columns: its first column and its width, of which the last ones may lie
/// beyond the matrix.
pub(super) fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
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
pub(super) fn padded(columns: usize) -> usize {
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
pub(super) fn pack(matrix: Matrix<'_>, rows: Range<usize>, column: usize, width: usize, panel: &mut [f32]) {
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
    pub(super) fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Packed(panels) => (panels.depth, panels.columns),
            Self::Rows(matrix) => (matrix.rows, matrix.columns),
        }
    }
}

/// Values of a packed right factor.
pub(crate) fn packed_values(depth: usize, columns: usize) -> usize {
    length::of(&[depth, padded(columns)])
}
