//! Maps with the zeros around them, so that windows which move by a pixel can be read where they lie.

use std::ops::Range;

use crate::element::Bf16;
use crate::length;
use crate::pixels::Pixels;
use crate::product::{Run, Windows};
use crate::window::WindowGeometry;

/// Bytes of a line of a cache.
const LINE: usize = 64;

/// Zero pixels behind all others: tiles read so many at once.
const BEHIND: usize = 32;

/// The cells that windows read along one axis.
struct Axis {
    /// Zeros before the map.
    before: usize,
    /// Cells of the map, from its first one on.
    inside: usize,
    /// Zeros behind it.
    behind: usize,
}

impl Axis {
    fn of(window: &WindowGeometry, axis: usize) -> Self {
        let cells = window.output[axis] + window.kernel - 1;
        let before = window.before[axis].min(cells);
        let inside = window.input[axis].min(cells - before);
        Self {
            before,
            inside,
            behind: cells - before - inside,
        }
    }

    fn cells(&self) -> usize {
        self.before + self.inside + self.behind
    }

    /// Zeros behind one map that are those before the next one, too. Windows don't overlap for them.
    fn shared(&self, window: &WindowGeometry) -> usize {
        self.before.min(self.behind).min(window.kernel - 1)
    }
}

/// Where rows of windows lie in a copy of the pixels that they read.
pub struct Padded<'a> {
    window: &'a WindowGeometry,
    columns: Axis,
    rows: Axis,
    /// Pixels from a row of the copy to the next. The zeros behind a row are those before the next one.
    pitch: usize,
}

impl<'a> Padded<'a> {
    /// Of a window that moves by a pixel.
    pub fn new(window: &'a WindowGeometry) -> Self {
        assert!(
            window.stride == 1 && window.kernel > 0,
            "a window that moves by a pixel"
        );
        let [rows, columns] = [0, 1].map(|axis| Axis::of(window, axis));
        Self {
            pitch: columns.cells() - columns.shared(window),
            window,
            columns,
            rows,
        }
    }

    /// The windows of some output rows, counted through the batch, over a copy of the pixels that they read.
    pub fn windows<'v>(
        &self,
        pixels: Pixels<'v, Bf16>,
        outputs: Range<usize>,
        runs: &'v mut Vec<Run>,
        copy: &'v mut Vec<Bf16>,
    ) -> Windows<'v> {
        let windows = Windows {
            values: &[],
            channels: pixels.channels(),
            kernel: self.window.kernel,
            pitch: self.pitch,
            width: self.window.output[1],
            runs: &[],
        };
        let total = self.place(&outputs, runs);
        let values = self.copy(pixels, &outputs, runs, total, copy);
        Windows {
            values,
            runs,
            ..windows
        }
    }

    /// The runs of output rows; pixels of the copy.
    fn place(&self, outputs: &Range<usize>, runs: &mut Vec<Run>) -> usize {
        runs.clear();
        let height = self.window.output[0];
        let (mut row, mut end) = (outputs.start, 0);
        while row < outputs.end {
            let first = row % height;
            let rows = (height - first).min(outputs.end - row);
            // A run that begins within a map is the first one: the one before it ends with its map.
            let shared = if runs.is_empty() {
                0
            } else {
                self.rows.shared(self.window)
            };
            let begin = end - shared;
            runs.push(Run {
                first: begin * self.pitch,
                rows,
            });
            end = begin + rows + self.window.kernel - 1;
            row += rows;
        }
        length::of(&[end, self.pitch]) + BEHIND + self.columns.shared(self.window)
    }

    fn copy<'v>(
        &self,
        pixels: Pixels<'_, Bf16>,
        outputs: &Range<usize>,
        runs: &[Run],
        total: usize,
        copy: &'v mut Vec<Bf16>,
    ) -> &'v [Bf16] {
        let channels = pixels.channels();
        let values = aligned(copy, length::of(&[total, channels]));
        let line = self.pitch * channels;
        let [height, width] = self.window.input;
        let (mut output, mut end) = (outputs.start, 0);
        for run in runs {
            let (image, first) = (output / self.window.output[0], output % self.window.output[0]);
            let cells = first..first + run.rows + self.window.kernel - 1;
            end = run.first + cells.len() * self.pitch;
            let rows = values[run.first * channels..end * channels].chunks_exact_mut(line);
            for (cell, row) in cells.zip(rows) {
                let inside = cell.checked_sub(self.rows.before).filter(|&y| y < self.rows.inside);
                let Some(y) = inside else {
                    row.fill(Bf16::default());
                    continue;
                };
                let (before, rest) = row.split_at_mut(self.columns.before * channels);
                let (inside, behind) = rest.split_at_mut(self.columns.inside * channels);
                before.fill(Bf16::default());
                behind.fill(Bf16::default());
                let source = (image * height + y) * width;
                pixels.copy(source..source + self.columns.inside, inside);
            }
            output += run.rows;
        }
        values[end * channels..].fill(Bf16::default());
        values
    }
}

/// So many values of a buffer, which begin with a line of the cache.
fn aligned(buffer: &mut Vec<Bf16>, count: usize) -> &mut [Bf16] {
    let more = LINE / size_of::<Bf16>();
    buffer.resize(count + more, Bf16::default());
    // Where the address can't be told, the values begin where the buffer does.
    let first = buffer.as_ptr().align_offset(LINE).min(more);
    &mut buffer[first..first + count]
}
