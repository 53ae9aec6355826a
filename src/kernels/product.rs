//! Matrix products over the pixels of a batch: what a 1×1 convolution and a dense layer are. The products themselves
//! come from the `gemm` crate, one task of rows at a time.
#![allow(unsafe_code)]

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::tasks;

/// A matrix in a slice: `rows × columns`, with the distance between neighbours in a column and in a row.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A densely packed row-major matrix.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// A row-major matrix whose rows lie `row_stride` values apart.
    pub fn with_stride(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        let needed = if rows * columns == 0 {
            0
        } else {
            (rows - 1) * row_stride + columns
        };
        assert!(
            values.len() >= needed,
            "a {rows}×{columns} matrix needs {needed} values, not {}",
            values.len()
        );
        Self {
            values,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// What happens to the values that the output of a product already has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// They are replaced.
    Overwrite,
    /// The product is added to them.
    Add,
}

/// `output = left · right` (or `+=`) on the calling thread; `output` is densely packed and row-major.
pub fn multiply(left: Matrix<'_>, right: Matrix<'_>, output: &mut [f32], mode: Output) {
    assert_eq!(left.columns, right.rows, "inner sizes of a product");
    assert_eq!(output.len(), left.rows * right.columns, "size of a product");
    if output.is_empty() {
        return;
    }
    // SAFETY: `Matrix` guarantees that every element it describes lies inside its slice, the assertions above do the
    // same for the output, and `output` is borrowed exclusively, so the three do not overlap.
    unsafe {
        gemm(
            left.rows,
            right.columns,
            left.columns,
            output.as_mut_ptr(),
            1,
            right.columns as isize,
            mode == Output::Add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Sets every row of a `? × row.len()` matrix to `row`.
pub fn fill_rows(matrix: &mut [f32], row: &[f32]) {
    for pixel in matrix.chunks_exact_mut(row.len()) {
        pixel.copy_from_slice(row);
    }
}

/// `y = x · w + bias`: `x` is `rows × inputs`, `w` is `inputs × outputs`.
pub fn forward(x: &[f32], w: &[f32], bias: Option<&[f32]>, inputs: usize, outputs: usize, y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    let rows = tasks::product_rows(y.len() / outputs);
    y.par_chunks_mut(rows * outputs)
        .zip(x.par_chunks(rows * inputs))
        .for_each(|(y, x)| {
            let mode = match bias {
                Some(bias) => {
                    fill_rows(y, bias);
                    Output::Add
                }
                None => Output::Overwrite,
            };
            multiply(
                Matrix::new(x, y.len() / outputs, inputs),
                Matrix::new(w, inputs, outputs),
                y,
                mode,
            );
        });
}

/// `dx += dy · wᵀ`.
pub fn input_gradient(dy: &[f32], w: &[f32], inputs: usize, outputs: usize, dx: &mut [f32]) {
    if dx.is_empty() || outputs == 0 {
        return;
    }
    let rows = tasks::product_rows(dx.len() / inputs);
    dx.par_chunks_mut(rows * inputs)
        .zip(dy.par_chunks(rows * outputs))
        .for_each(|(dx, dy)| {
            let dy = Matrix::new(dy, dx.len() / inputs, outputs);
            multiply(dy, Matrix::new(w, inputs, outputs).transposed(), dx, Output::Add);
        });
}

/// `dw += xᵀ · dy`.
pub fn weight_gradient(x: &[f32], dy: &[f32], inputs: usize, outputs: usize, dw: &mut [f32]) {
    if x.is_empty() || outputs == 0 {
        return;
    }
    let pixels = x.len() / inputs;
    sum_of_products(pixels, inputs, outputs, dw, |rows, block, sum| {
        let x = Matrix::with_stride(&x[rows.start * inputs + block.start..], rows.len(), block.len(), inputs);
        let dy = Matrix::new(&dy[rows.start * outputs..rows.end * outputs], rows.len(), outputs);
        multiply(x.transposed(), dy, sum, Output::Add);
    });
}

/// Adds to `sum` (`height × width`) a product that sums over `rows` rows. `add(rows, block, part)` adds the product over
/// a range of rows to the block of `sum`'s lines that `part` holds.
pub fn sum_of_products(
    rows: usize,
    height: usize,
    width: usize,
    sum: &mut [f32],
    add: impl Fn(std::ops::Range<usize>, std::ops::Range<usize>, &mut [f32]) + Sync,
) {
    if rows == 0 {
        return;
    }
    let run = tasks::summed_rows(rows);
    let runs = rows.div_ceil(run);
    let lines = height
        .div_ceil(16usize.div_ceil(runs))
        .max(tasks::SUMMED_ELEMENTS / width.max(1))
        .max(1);
    sum.par_chunks_mut(lines * width)
        .enumerate()
        .for_each(|(index, block)| {
            let range = index * lines..index * lines + block.len() / width;
            if runs == 1 {
                return add(0..rows, range, block);
            }
            let parts: Vec<Vec<f32>> = (0..runs)
                .into_par_iter()
                .map(|part| {
                    let mut partial = vec![0.0; block.len()];
                    add(part * run..rows.min((part + 1) * run), range.clone(), &mut partial);
                    partial
                })
                .collect();
            for part in &parts {
                super::elementwise::add_serial(block, part);
            }
        });
}
