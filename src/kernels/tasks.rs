//! How much work one task takes. The sizes depend on the data alone: this is what makes results independent of the
//! number of threads.

/// Elements that an element-wise task handles: large against the cost of a task, small against a core's cache.
pub const ELEMENTS: usize = 1 << 15;

/// Rows of a matrix with `columns` columns that make up a task of about [`ELEMENTS`] elements.
pub fn rows_of(columns: usize) -> usize {
    (ELEMENTS / columns.max(1)).max(1)
}

/// Rows whose values one task adds up in f32: as [`rows_of`], but few enough that rounding stays in the last digits.
pub fn summed_run(columns: usize) -> usize {
    rows_of(columns).min(1024)
}

/// Rows that one task of a matrix product handles: enough tasks for many cores, and enough rows in each that
/// packing the other factor doesn't dominate.
pub fn product_rows(rows: usize) -> usize {
    rows.div_ceil(16).clamp(48, 768)
}

/// Runs of rows whose partial sums are added up in order when a product sums over rows (weight gradients).
pub fn summed_rows(rows: usize) -> usize {
    rows.div_ceil(8).max(2048)
}

/// Elements of a sum over rows that are worth a task of their own.
pub const SUMMED_ELEMENTS: usize = 1 << 12;
