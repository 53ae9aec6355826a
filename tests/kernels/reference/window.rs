//! Where a window lies: sizes and padding by Keras' formulas.

use wise_srnet::kernels::window::{Pooling, WindowGeometry};

/// What surrounds a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Nothing: the window stays inside.
    Valid,
    /// As much padding as keeps the size (divided by the stride, rounded up), the odd cell behind the map.
    Same,
    /// This many zeros on every side (`ZeroPadding2D`), then a valid window.
    Zeros(usize),
    /// Zeros by `correct_pad`, then a valid window: half the window on each side, one cell less before maps of even size.
    CorrectPad,
}

/// A square window over a batch of maps.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub batch: usize,
    /// Height and width.
    pub input: [usize; 2],
    pub kernel: usize,
    pub stride: usize,
    pub border: Border,
}

/// A cell of the window at one output pixel.
pub struct Cell {
    /// The output pixel, counted through the batch.
    pub output: usize,
    /// The cell within the window, row by row.
    pub tap: usize,
    /// The input pixel under it, counted through the batch; none if it lies in the padding.
    pub input: Option<usize>,
}

impl Window {
    /// Cells of padding on both sides together, and those before the map.
    fn padding(&self, axis: usize) -> (usize, usize) {
        match self.border {
            Border::Valid => (0, 0),
            Border::Zeros(cells) => (2 * cells, cells),
            Border::CorrectPad => {
                let (half, even) = (self.kernel / 2, usize::from(self.input[axis].is_multiple_of(2)));
                (2 * half - even, half - even)
            }
            Border::Same => {
                let steps = self.input[axis].div_ceil(self.stride) - 1;
                let needed = steps * self.stride + self.kernel;
                let total = needed.max(self.input[axis]) - self.input[axis];
                (total, total / 2)
            }
        }
    }

    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.input[axis] + self.padding(axis).0 - self.kernel) / self.stride + 1)
    }

    pub fn input_pixels(&self) -> usize {
        self.batch * self.input[0] * self.input[1]
    }

    pub fn output_pixels(&self) -> usize {
        self.batch * self.output()[0] * self.output()[1]
    }

    /// Whether padding takes part in poolings, as zeros.
    pub fn zeros_count(&self) -> bool {
        matches!(self.border, Border::Zeros(_) | Border::CorrectPad)
    }

    /// Every cell of the window at every output pixel; the cells of one pixel in the window's order.
    pub fn cells(&self) -> Vec<Cell> {
        let [height, width] = self.output();
        let mut cells = Vec::new();
        for image in 0..self.batch {
            for y in 0..height {
                for x in 0..width {
                    for tap in 0..self.kernel * self.kernel {
                        let row = self.inside(0, y * self.stride + tap / self.kernel);
                        let column = self.inside(1, x * self.stride + tap % self.kernel);
                        cells.push(Cell {
                            output: (image * height + y) * width + x,
                            tap,
                            input: row
                                .zip(column)
                                .map(|(row, column)| (image * self.input[0] + row) * self.input[1] + column),
                        });
                    }
                }
            }
        }
        cells
    }

    /// From a position on the padded map to one on the map.
    fn inside(&self, axis: usize, padded: usize) -> Option<usize> {
        padded
            .checked_sub(self.padding(axis).1)
            .filter(|&position| position < self.input[axis])
    }

    /// The same window as the kernels take it.
    pub fn geometry(&self) -> WindowGeometry {
        WindowGeometry {
            batch: self.batch,
            input: self.input,
            output: self.output(),
            kernel: self.kernel,
            stride: self.stride,
            before: [self.padding(0).1, self.padding(1).1],
        }
    }

    /// The same window as poolings take it.
    pub fn pooling(&self, channels: usize) -> Pooling {
        Pooling {
            window: self.geometry(),
            channels,
            zeros_count: self.zeros_count(),
        }
    }
}
