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

    pub(super) fn for_unit(unit: Unit, matrix: Matrix<'_>) -> Self {
        let packed = match unit {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Unit::Amx => Packed::Tiles(TilePanels::new(matrix)),
            _ => Packed::Vectors(portable::pack(matrix)),
        };
        Self {
            depth: matrix.rows,
            columns: matrix.columns,
            packed,
        }
    }

    /// As [`new`](Self::new), in the memory of what was packed before.
    pub fn repack(&mut self, matrix: Matrix<'_>) {
        (self.depth, self.columns) = (matrix.rows, matrix.columns);
        match &mut self.packed {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Packed::Tiles(panels) => panels.repack(matrix),
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
