//! The products by way of f32: factors are widened some rows at a time.

use std::ops::Range;

use super::Product;
use crate::element::{Bf16, Element};
use crate::elementwise;
use crate::product::matrix::{Matrix, spread};
use crate::product::multiply::{Start, multiply};
use crate::product::panels::{Panels, Right};
use crate::scratch::scratch;

/// Rows that are widened at once.
const ROWS: usize = 128;

/// Packs a right factor, rounded.
pub fn pack(matrix: Matrix<'_>) -> Panels {
    let rounded: Vec<f32> = matrix.values.iter().map(|value| Bf16::narrow(*value).widen()).collect();
    Panels::new(Matrix {
        values: &rounded,
        ..matrix
    })
}

/// As [`super::multiply_bf16`].
pub fn multiply_rows<T: Element>(product: &Product<'_>, left: Matrix<'_, Bf16>, right: &Panels, output: &mut [T]) {
    let Product { rows, columns, .. } = *product;
    scratch(|widened| {
        scratch(|sums| {
            for first in (0..rows).step_by(ROWS) {
                let rows = first..rows.min(first + ROWS);
                // What the sums held is overwritten.
                sums.resize(rows.len() * columns, 0.0);
                let left = widen(left, rows.clone(), widened);
                multiply(left, Right::Packed(right), Start::Zero, sums, columns);
                for (row, sums) in rows.zip(sums.chunks_exact(columns)) {
                    finish(product, sums, &mut output[row * product.output_stride..][..columns]);
                }
            }
        });
    });
}

/// Stores a row of sums.
fn finish<T: Element>(product: &Product<'_>, sums: &[f32], output: &mut [T]) {
    for (column, (output, sum)) in output.iter_mut().zip(sums).enumerate() {
        let sum = match product.start {
            Start::Zero => *sum,
            Start::Row(row) => row[column] + sum,
            Start::Output => output.widen() + sum,
        };
        *output = T::narrow(elementwise::at_least(product.floor, sum));
    }
}

/// As [`super::sum_over_rows`].
pub fn sum_over_rows(product: &Product<'_>, x: Matrix<'_, Bf16>, dy: Matrix<'_, Bf16>, output: &mut [f32]) {
    let pixels = x.rows;
    let mut start = product.start;
    scratch(|wide_x| {
        scratch(|wide_dy| {
            // Without pixels there is one empty sum.
            for first in (0..pixels.max(1)).step_by(ROWS) {
                let rows = first..pixels.min(first + ROWS);
                let x = widen(x, rows.clone(), wide_x);
                let dy = widen(dy, rows, wide_dy);
                multiply(
                    x.transposed(),
                    Right::Rows(dy),
                    start,
                    output,
                    product.output_stride.max(product.columns),
                );
                start = Start::Output;
            }
        });
    });
}

/// Some rows of a matrix as f32, in a buffer.
fn widen<'b>(matrix: Matrix<'_, Bf16>, rows: Range<usize>, buffer: &'b mut Vec<f32>) -> Matrix<'b> {
    let (count, columns, stride) = (rows.len(), matrix.columns, spread::<f32>(matrix.columns));
    // What lies between the rows is not read.
    buffer.resize(count * stride, 0.0);
    if columns > 0 {
        for (row, wide) in rows.zip(buffer.chunks_exact_mut(stride)) {
            let values = &matrix.values[row * matrix.row_stride..][..columns];
            for (wide, value) in wide.iter_mut().zip(values) {
                *wide = value.widen();
            }
        }
    }
    Matrix::with_stride(buffer, count, columns, stride)
}
