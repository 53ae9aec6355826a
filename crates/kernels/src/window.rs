//! The geometry of a window that moves over a batch of maps, in run-time numbers, as every kernel needs it.

use super::length;

/// A pooling's sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// The window and the maps.
    pub window: WindowGeometry,
    /// Channels of the input and the output map.
    pub channels: usize,
    /// Whether the padding is made of zeros that take part (Keras `ZeroPadding2D` and valid pooling), or is no part of any
    /// window (Keras `padding="same"`).
    pub zeros_count: bool,
}

/// A square window over NHWC maps; sizes are `[height, width]` in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowGeometry {
    /// Maps in the batch.
    pub batch: usize,
    /// Size of an input map.
    pub input: [usize; 2],
    /// Size of an output map.
    pub output: [usize; 2],
    /// Cells of the window along each side.
    pub kernel: usize,
    /// Steps of the window, in input cells.
    pub stride: usize,
    /// Cells of padding above and left of the map.
    pub before: [usize; 2],
}

impl WindowGeometry {
    /// The same window over a batch of so many maps.
    pub fn of_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Output pixels of the whole batch.
    pub fn output_pixels(&self) -> usize {
        length::of(&[self.batch, self.output[0], self.output[1]])
    }

    /// Input pixels of the whole batch.
    pub fn input_pixels(&self) -> usize {
        length::of(&[self.batch, self.input[0], self.input[1]])
    }

    /// Cells of the window.
    pub fn taps(&self) -> usize {
        length::of(&[self.kernel, self.kernel])
    }

    /// Asserts that maps on the window's two sides, with these channels, have as many values as the sizes say, and that the
    /// sizes are such that nothing that the methods below compute from them wraps.
    ///
    /// # Panics
    /// Otherwise.
    pub fn check<T>(&self, [input, output]: [&[T]; 2], [in_channels, out_channels]: [usize; 2]) {
        assert_eq!(
            input.len(),
            length::of(&[self.input_pixels(), in_channels]),
            "values of the input"
        );
        assert_eq!(
            output.len(),
            length::of(&[self.output_pixels(), out_channels]),
            "values of the output"
        );
        self.check_positions();
    }

    /// As [`check`](Self::check), of maps that are told by their pixels and channels.
    ///
    /// # Panics
    /// Otherwise.
    pub fn check_pixels(&self, [input, output]: [[usize; 2]; 2], [in_channels, out_channels]: [usize; 2]) {
        // That their values can be counted, too.
        length::of(&[self.input_pixels(), in_channels]);
        length::of(&[self.output_pixels(), out_channels]);
        assert_eq!(
            input,
            [self.input_pixels(), in_channels],
            "pixels and channels of the input"
        );
        assert_eq!(
            output,
            [self.output_pixels(), out_channels],
            "pixels and channels of the output"
        );
        self.check_positions();
    }

    fn check_positions(&self) {
        assert!(self.stride > 0, "a window that moves");
        for axis in [0, 1] {
            let padded = self.input[axis].checked_add(self.before[axis]);
            let moved = self.output[axis].checked_mul(self.stride);
            let reached = moved.and_then(|first| first.checked_add(self.kernel));
            assert!(
                padded.and_then(|end| end.checked_add(1)).is_some() && reached.is_some(),
                "positions of a window that a `usize` can tell"
            );
        }
    }

    /// Whether every output pixel reads just the input pixel at its own place.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before == [0, 0]
    }

    /// The taps along axis `axis` (0: rows, 1: columns) that lie inside the map for output position `position`, with
    /// the input position of the first: `(first_tap..end_tap, first_input)`.
    pub fn taps_inside(&self, axis: usize, position: usize) -> (std::ops::Range<usize>, usize) {
        let start = position * self.stride;
        let first = self.before[axis].saturating_sub(start).min(self.kernel);
        let end = (self.input[axis] + self.before[axis])
            .saturating_sub(start)
            .min(self.kernel);
        (first..end.max(first), (start + first).saturating_sub(self.before[axis]))
    }

    /// The output positions along `axis` whose windows cover input position `position`, with the tap that each reads
    /// it through.
    pub fn outputs_over(&self, axis: usize, position: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let padded = position + self.before[axis];
        let (stride, outputs) = (self.stride, self.output[axis]);
        let first = padded % stride;
        (first..self.kernel.min(padded + 1))
            .step_by(stride)
            .filter_map(move |tap| {
                let output = (padded - tap) / stride;
                (output < outputs).then_some((output, tap))
            })
    }
}
