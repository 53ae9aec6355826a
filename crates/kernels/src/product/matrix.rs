//! Matrices in slices.

use crate::element::Element;
use crate::length;

/// A matrix in a slice: `rows × columns`, with the distance between neighbours in a column and in a row.
/// It is made here only, where all elements are known to lie inside the slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T = f32> {
    pub(super) values: &'a [T],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a, T: Element> Matrix<'a, T> {
    /// A densely packed row-major matrix.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        Self::with_stride(values, rows, columns, columns)
    }

    /// A row-major matrix whose rows lie `row_stride` values apart.
    pub fn with_stride(values: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        let needed = length::of_rows(rows, columns, row_stride);
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

    /// A transposed matrix whose columns, rows of what it was, lie side by side in the buffer.
    pub(super) fn gathered(self, buffer: &mut Vec<T>) -> Matrix<'_, T> {
        let stride = spread::<T>(self.rows);
        buffer.resize(self.columns * stride, T::default());
        let columns = self.values.chunks(self.column_stride).take(self.columns);
        for (gathered, column) in buffer.chunks_exact_mut(stride).zip(columns) {
            gathered[..self.rows].copy_from_slice(&column[..self.rows]);
        }
        Matrix {
            values: buffer,
            column_stride: stride,
            ..self
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

/// Whether many lines that lie so far apart, in values, compete for the same few places in the first cache level: 64 sets
/// of lines of 64 bytes, of which lines 2 or 4 KiB apart take two or one.
pub(crate) fn competes<T>(stride: usize) -> bool {
    (stride * size_of::<T>()).is_multiple_of(2048)
}

/// A distance between rows of `length` values at which rows begin with a line of a cache, and many of them don't compete.
pub(crate) fn spread<T>(length: usize) -> usize {
    let line = 64 / size_of::<T>();
    length.next_multiple_of(line) | line
}
