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

/// How many tasks to make of `rows` rows of a product, with at most `most` rows each: a multiple of 8, so that few cores
/// end at the same time.
pub fn of_rows(rows: usize, most: usize) -> usize {
    rows.div_ceil(most).max(1).next_multiple_of(8)
}

/// Rows that one task of a matrix product handles.
pub fn product_rows(rows: usize) -> usize {
    rows.div_ceil(of_rows(rows, 392)).max(14)
}

/// Into how many runs of pixels, whose partial sums are added up in order, and into how many blocks of its output a
/// product that sums over pixels is divided (weight gradients); blocks are at most `most`.
pub fn summed(pixels: usize, most: usize) -> (usize, usize) {
    let runs = (pixels / 1024).clamp(1, 8).next_power_of_two();
    (runs, (8 / runs).min(most).max(1))
}

/// Pixels of such a run that are multiplied at once.
pub const SUMMED_AT_ONCE: usize = 256;

/// Channels of the left factor that are worth a task of their own.
pub const SUMMED_LINES: usize = 56;

/// Partial sums of a depthwise kernel's gradient.
pub const SUMMED_PARTS: usize = 16;
