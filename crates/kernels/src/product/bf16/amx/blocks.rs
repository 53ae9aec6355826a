//! Left factors as blocks of 32 rows.

use super::lines::{ROWS, SIDE, TERMS, Tile, ZERO_TILE};
use super::tiles::Left;
use super::vectors::copy;
use crate::element::Bf16;
use crate::product::bf16::Windows;
use crate::product::matrix::Matrix;

/// A left factor.
pub enum Blocks<'a> {
    /// Rows, with a buffer for those that are not whole tiles where they lie.
    Rows(Matrix<'a, Bf16>, &'a mut Vec<Tile>),
    /// Windows, by the tiles that they make.
    Windows(&'a Windows<'a>, Vec<Half>),
}

/// Some rows of the left factor, as the tiles read them.
pub struct RowBlock<'a> {
    pub left: Left<'a>,
    /// Rows of the product that the sums of both tiles are.
    pub rows: [Half; 2],
}

/// A tile of the left factor.
#[derive(Clone, Copy)]
pub struct Half {
    /// Where it begins, in values.
    start: usize,
    /// The row of the product that each line's sums are; none if they are of no use.
    pub rows: [Option<usize>; ROWS],
}

impl Half {
    /// No row of the product.
    fn unused(start: usize) -> Self {
        Self {
            start,
            rows: [None; ROWS],
        }
    }
}

impl<'a> Blocks<'a> {
    /// Windows.
    ///
    /// # Panics
    /// If they read less than a tile, or channels don't make whole tiles.
    pub fn windows(windows: &'a Windows<'a>) -> Self {
        let Windows {
            channels, pitch, width, ..
        } = *windows;
        assert!(
            channels.is_multiple_of(TERMS) && channels > 0,
            "channels that make whole tiles"
        );
        assert!(pitch >= width && width > 0, "windows that lie in a row");
        let reach = windows.reach() + (ROWS - 1) * channels;
        let last = windows.values.len().checked_sub(reach).expect("the pixels of a tile") / channels;
        let (mut halves, mut row) = (Vec::new(), 0);
        for run in windows.runs {
            // Pixels of the run, of which the last ones of each row begin no window.
            let mut pixel = 0;
            let end = (run.rows * pitch).saturating_sub(pitch - width);
            while pixel < end {
                // What would be behind the last pixel lies before it: some windows are computed again.
                let start = (run.first + pixel).min(last);
                let again = run.first + pixel - start;
                let mut half = Half::unused(start * channels);
                for target in half.rows.iter_mut().skip(again) {
                    if pixel < end && pixel % pitch < width {
                        *target = Some(row);
                        row += 1;
                    }
                    pixel += 1;
                }
                assert!(again < ROWS, "windows that lie inside their map");
                halves.push(half);
            }
        }
        Self::Windows(windows, halves)
    }

    /// How many blocks.
    pub fn count(&self) -> usize {
        match self {
            Self::Rows(left, _) => left.rows.div_ceil(SIDE),
            Self::Windows(_, halves) => halves.len().div_ceil(2),
        }
    }

    /// A block.
    #[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
    pub fn block(&mut self, number: usize) -> RowBlock<'_> {
        match self {
            Self::Rows(left, buffer) => rows(*left, number * SIDE, buffer),
            Self::Windows(windows, halves) => {
                let upper = halves[2 * number];
                // Where there is no lower tile, the upper one is computed twice.
                let lower = halves.get(2 * number + 1).copied();
                let rows = [upper, lower.unwrap_or(Half::unused(upper.start))];
                let channels = windows.channels;
                RowBlock {
                    left: Left {
                        values: windows.values,
                        starts: rows.map(|half| half.start),
                        row_stride: channels,
                        step: TERMS,
                        bands: windows.kernel,
                        band: windows.pitch * channels,
                    },
                    rows,
                }
            }
        }
    }
}

/// The rows from `first` on, where they lie, or from the buffer if they are not whole tiles there.
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn rows<'a>(left: Matrix<'a, Bf16>, first: usize, buffer: &'a mut Vec<Tile>) -> RowBlock<'a> {
    let firsts = [first, first + ROWS].map(|first| first.min(left.rows));
    if left.columns > 0 && left.columns.is_multiple_of(TERMS) && left.rows >= ROWS {
        // What would be behind the last row lies before it: some rows are computed again.
        let rows = firsts.map(|first| {
            let start = first.min(left.rows - ROWS);
            let mut half = Half::unused(start * left.row_stride);
            for (line, row) in half.rows.iter_mut().enumerate() {
                *row = (start + line >= first).then_some(start + line);
            }
            half
        });
        return RowBlock {
            left: Left {
                values: left.values,
                starts: rows.map(|half| half.start),
                row_stride: left.row_stride,
                step: TERMS,
                bands: 1,
                band: 0,
            },
            rows,
        };
    }
    let steps = left.columns.div_ceil(TERMS);
    buffer.resize(2 * steps, ZERO_TILE);
    let (blocks, _) = buffer.as_chunks_mut::<2>();
    let read = if steps == 0 { 0 } else { left.rows };
    for row in first..read.min(first + SIDE) {
        let values = &left.values[row * left.row_stride..][..left.columns];
        for step in 0..steps {
            let line = &mut blocks[step].as_flattened_mut()[row - first];
            copy(&values[step * TERMS..left.columns.min((step + 1) * TERMS)], line);
        }
    }
    let half = |number: usize| {
        let mut half = Half::unused(number * ROWS * TERMS);
        for (line, row) in half.rows.iter_mut().enumerate() {
            let place = first + number * ROWS + line;
            *row = (place < left.rows).then_some(place);
        }
        half
    };
    let rows = [half(0), half(1)];
    RowBlock {
        left: Left {
            values: bytemuck::cast_slice(buffer.as_flattened()),
            starts: rows.map(|half| half.start),
            row_stride: TERMS,
            step: SIDE * TERMS,
            bands: 1,
            band: 0,
        },
        rows,
    }
}
