//! Products of bf16 matrices, summed in f32. Where the processor has matrix instructions, they multiply; elsewhere the
//! factors are widened and multiplied as f32.
//!
//! The factors' values are bf16 in either case, so that results differ by the rounding of f32 sums only, and by
//! subnormal values, which the matrix instructions take for zeros.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod packed;
mod portable;
mod unit;
mod windows;

#[cfg(test)]
mod tests;

use packed::Packed;
pub use packed::PackedBf16;
pub use unit::Unit;
pub use windows::{BLOCK, Run, Windows, multiply_windows, sum_over_windows};

use super::matrix::Matrix;
use super::multiply::Start;
use crate::element::{Bf16, Element};
use crate::length;

/// `output = start + left · right` on the calling thread, in f32 or rounded to bf16 in the end; results below the floor
/// become it. The output's rows lie `output_stride` values apart.
///
/// A value of the output depends on its row and column alone, not on how many rows are computed together.
///
/// # Panics
/// If the sizes don't fit, or the left factor's rows don't lie in one piece each.
pub fn multiply_bf16<T: Element>(
    floor: f32,
    left: Matrix<'_, Bf16>,
    right: &PackedBf16,
    start: Start<'_>,
    output: &mut [T],
    output_stride: usize,
) {
    check_rows(left);
    let sizes = [left.rows, left.columns];
    let Some((product, output)) = Product::checked(floor, sizes, right, start, output, output_stride) else {
        return;
    };
    match &right.packed {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Packed::Tiles(panels) => amx::multiply_rows(&product, left, panels, output),
        Packed::Vectors(panels) => portable::multiply_rows(&product, left, panels, output),
    }
}

/// `output = xᵀ · dy` on the calling thread, or `+=` if it `adds`: the sum over the rows of both, which are pixels. The
/// output's rows lie `output_stride` values apart.
///
/// # Panics
/// If the sizes don't fit, or the factors' rows don't lie in one piece each.
pub fn sum_over_rows(x: Matrix<'_, Bf16>, dy: Matrix<'_, Bf16>, adds: bool, output: &mut [f32], output_stride: usize) {
    sum_over_rows_with(Unit::current(), x, dy, adds, output, output_stride);
}

/// As [`sum_over_rows`], on a unit that is available.
fn sum_over_rows_with(
    unit: Unit,
    x: Matrix<'_, Bf16>,
    dy: Matrix<'_, Bf16>,
    adds: bool,
    output: &mut [f32],
    output_stride: usize,
) {
    let (rows, columns) = (x.columns, dy.columns);
    assert_eq!(x.rows, dy.rows, "pixels of both maps");
    check_rows(x);
    check_rows(dy);
    let output = checked_output(rows, columns, output, output_stride);
    if rows == 0 || columns == 0 {
        return;
    }
    let start = if adds { Start::Output } else { Start::Zero };
    let product = Product {
        rows,
        columns,
        start,
        floor: f32::NEG_INFINITY,
        output_stride,
    };
    match unit {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Unit::Amx => amx::sum_over_rows(&product, x, dy, output),
        _ => portable::sum_over_rows(&product, x, dy, output),
    }
}

/// A product whose sizes have been checked, with at least one value.
struct Product<'a> {
    rows: usize,
    columns: usize,
    start: Start<'a>,
    /// The smallest value that is stored.
    floor: f32,
    output_stride: usize,
}

impl<'a> Product<'a> {
    /// The product of a left factor of so many rows and columns with a packed one, and what lies between the output's
    /// first value and its last one; nothing if it has no value.
    fn checked<'o, T>(
        floor: f32,
        [rows, depth]: [usize; 2],
        right: &PackedBf16,
        start: Start<'a>,
        output: &'o mut [T],
        output_stride: usize,
    ) -> Option<(Self, &'o mut [T])> {
        let columns = right.columns;
        assert_eq!(depth, right.depth, "inner sizes of a product");
        let output = checked_output(rows, columns, output, output_stride);
        if let Start::Row(values) = start {
            assert_eq!(values.len(), columns, "values of a row");
        }
        let product = Self {
            rows,
            columns,
            start,
            floor,
            output_stride,
        };
        (rows > 0 && columns > 0).then_some((product, output))
    }
}

fn check_rows(matrix: Matrix<'_, Bf16>) {
    assert!(
        matrix.column_stride == 1 || matrix.columns <= 1,
        "a matrix whose rows lie in one piece each"
    );
}

/// What lies between an output's first value and its last one.
fn checked_output<T>(rows: usize, columns: usize, output: &mut [T], output_stride: usize) -> &mut [T] {
    let needed = length::of_rows(rows, columns, output_stride);
    assert!(
        output.len() >= needed && (rows <= 1 || output_stride >= columns),
        "the output of a {rows}×{columns} product needs {needed} values in rows {columns} apart at least, not {} that are \
         {output_stride} apart",
        output.len()
    );
    &mut output[..needed]
}
