//! Right factors, rounded and packed.

use super::portable;
use super::unit::Unit;
use crate::length;
use crate::product::matrix::Matrix;
use crate::product::panels::{Panels, packed_values};

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx::{self, TilePanels};

/// A right factor: `depth × columns` values, rounded to bf16 and packed for the unit that multiplies with it.
pub struct PackedBf16 {
    pub(super) depth: usize,
    pub(super) columns: usize,
    pub(super) packed: Packed,
}

/// How values are packed.
pub(super) enum Packed {
    /// In tiles whose lines hold pairs of terms. AMX takes subnormal values for zeros.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles(TilePanels),
    /// As f32.
    Vectors(Panels),
}

impl PackedBf16 {
    /// Rounds and packs a matrix on the current pool.
    pub fn new(matrix: Matrix<'_>) -> Self {
        Self::for_unit(Unit::current(), matrix)
    }

    /// As [`new`](Self::new), of matrices of equal sizes, one below the other.
    ///
    /// # Panics
    /// If their sizes differ.
    pub fn stacked(matrices: &[Matrix<'_>]) -> Self {
        Self::stacked_for_unit(Unit::current(), matrices)
    }

    pub(super) fn for_unit(unit: Unit, matrix: Matrix<'_>) -> Self {
        Self::stacked_for_unit(unit, &[matrix])
    }

    pub(super) fn stacked_for_unit(unit: Unit, matrices: &[Matrix<'_>]) -> Self {
        let [rows, columns] = matrices.first().map_or([0; 2], |matrix| [matrix.rows, matrix.columns]);
        assert!(
            matrices
                .iter()
                .all(|matrix| [matrix.rows, matrix.columns] == [rows, columns]),
            "stacked matrices have equal sizes"
        );
        let packed = match (unit, matrices) {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            (Unit::Amx, matrices) if matrices.len() == 1 || amx::can_stack(rows) => {
                Packed::Tiles(TilePanels::new(matrices))
            }
            (Unit::Vectors, &[matrix]) => Packed::Vectors(portable::pack(matrix)),
            _ => {
                let values = in_one_piece(matrices);
                let rows = length::of(&[matrices.len(), rows]);
                return Self::for_unit(unit, Matrix::new(&values, rows, columns));
            }
        };
        Self {
            depth: length::of(&[matrices.len(), rows]),
            columns,
            packed,
        }
    }

    /// As [`new`](Self::new), in the memory of what was packed before.
    pub fn repack(&mut self, matrix: Matrix<'_>) {
        (self.depth, self.columns) = (matrix.rows, matrix.columns);
        match &mut self.packed {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Packed::Tiles(panels) => panels.repack(&[matrix]),
            Packed::Vectors(panels) => *panels = portable::pack(matrix),
        }
    }

    /// Terms of each sum.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Bytes that a packed right factor takes.
    pub fn bytes(depth: usize, columns: usize) -> usize {
        match Unit::current() {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => amx::packed_bytes(depth, columns),
            _ => length::of(&[size_of::<f32>(), packed_values(depth, columns)]),
        }
    }
}

/// The values of matrices, row by row and one matrix after the other.
fn in_one_piece(matrices: &[Matrix<'_>]) -> Vec<f32> {
    let count = matrices.iter().map(|matrix| matrix.rows * matrix.columns).sum();
    let mut values = Vec::with_capacity(count);
    for matrix in matrices {
        for row in 0..matrix.rows {
            let places = (0..matrix.columns).map(|column| row * matrix.row_stride + column * matrix.column_stride);
            values.extend(places.map(|place| matrix.values[place]));
        }
    }
    values
}
