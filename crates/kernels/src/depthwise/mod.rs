//! Depthwise convolution: each channel with a kernel of its own, in direct loops over strips of pixels
//! that the same cells of the window reach.
#![allow(unsafe_code)]

mod strip;

use std::ops::Range;

use rayon::prelude::*;

use crate::accumulate::{Output, add_serial, keep_or_clear};
use crate::element::Element;
use crate::product::{Matrix, Rows, Start, spread};
use crate::scratch::{in_f32, in_f32_mut};
use crate::window::WindowGeometry;
use crate::{length, tasks};
use strip::{Strip, add_kernel_gradient, convolve};

/// A depthwise convolution's sizes. Kernels are stored as `kernel × kernel × channels` (Keras' `depthwise_kernel` with
/// a depth multiplier of 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depthwise {
    /// The window and the maps.
    pub window: WindowGeometry,
    /// Channels of the input and the output map.
    pub channels: usize,
}

/// What a position along one axis has to do with the window: the cells `tap`, `tap + step`, … (`taps` of them), of which
/// the first meets `source` on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reach {
    tap: usize,
    taps: usize,
    source: usize,
}

/// Rows of a map that are widened at once, with those around them that the window reads.
const WIDENED_ROWS: usize = 8;

/// Positions `first`, `first + step`, … (`pixels` of them) that the same cells reach.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: usize,
    pixels: usize,
    reach: Reach,
}

impl Run {
    /// The part of a run of neighbours, in a forward view, that lies in some columns.
    fn inside(&self, columns: &Range<usize>, view: &View) -> Option<Self> {
        let first = self.first.max(columns.start);
        let end = (self.first + self.pixels).min(columns.end);
        (first < end).then(|| Self {
            first,
            pixels: end - first,
            reach: Reach {
                source: self.reach.source + (first - self.first) * view.source_advance,
                ..self.reach
            },
        })
    }
}

/// Which way a window is looked through.
#[derive(Debug, Clone, Copy)]
struct View {
    /// Sizes of the map whose positions are computed, and of the one that is read.
    target: [usize; 2],
    source: [usize; 2],
    /// From one cell of the window to the next that reaches the same position, in the kernel and in the source.
    tap_step: usize,
    source_step: isize,
    /// Between neighbours that the same cells reach, in the target and in the source.
    target_advance: usize,
    source_advance: usize,
}

impl View {
    /// Output positions, each with the inputs that it reads.
    fn forward(window: &WindowGeometry) -> Self {
        Self {
            target: window.output,
            source: window.input,
            tap_step: 1,
            source_step: 1,
            target_advance: 1,
            source_advance: window.stride,
        }
    }

    /// Input positions, each with the outputs that read it.
    fn backward(window: &WindowGeometry) -> Self {
        Self {
            target: window.input,
            source: window.output,
            tap_step: window.stride,
            source_step: -1,
            target_advance: window.stride,
            source_advance: 1,
        }
    }

    /// Along axis `axis`; see [`WindowGeometry`].
    fn reach(&self, window: &WindowGeometry, axis: usize, position: usize) -> Reach {
        if self.source_step > 0 {
            let (taps, source) = window.taps_inside(axis, position);
            return Reach {
                tap: taps.start,
                taps: taps.len(),
                source,
            };
        }
        let mut outputs = window.outputs_over(axis, position);
        let (source, tap) = outputs.next().unwrap_or_default();
        let taps = window.outputs_over(axis, position).count();
        Reach { tap, taps, source }
    }

    /// The columns of a row, grouped by the cells that reach them.
    fn runs(&self, window: &WindowGeometry) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for phase in 0..self.target_advance.min(self.target[1]) {
            let mut current: Option<Run> = None;
            for column in (phase..self.target[1]).step_by(self.target_advance) {
                let reach = self.reach(window, 1, column);
                match &mut current {
                    Some(run)
                        if (run.reach.tap, run.reach.taps) == (reach.tap, reach.taps)
                            && run.reach.source + run.pixels * self.source_advance == reach.source =>
                    {
                        run.pixels += 1;
                    }
                    _ => runs.extend(current.replace(Run {
                        first: column,
                        pixels: 1,
                        reach,
                    })),
                }
            }
            runs.extend(current);
        }
        runs
    }

    /// The rows of the source that some rows of the target read, both counted through the batch.
    fn rows_read(&self, window: &WindowGeometry, targets: Range<usize>) -> Range<usize> {
        let read = targets.map(|row| {
            let (image, reach) = (row / self.target[0], self.reach(window, 0, row % self.target[0]));
            let first = image * self.source[0] + reach.source;
            match reach.taps {
                0 => 0..0,
                taps if self.source_step > 0 => first..first + taps,
                taps => first + 1 - taps..first + 1,
            }
        });
        let read = read.filter(|rows| !rows.is_empty());
        let all = read.reduce(|all, rows| all.start.min(rows.start)..all.end.max(rows.end));
        all.unwrap_or(0..0)
    }

    /// Runs a task with what some rows of the target read, as f32.
    fn with_source<T: Element, R>(
        &self,
        sizes: &Depthwise,
        source: &[T],
        targets: Range<usize>,
        task: impl FnOnce(Source<'_>) -> R,
    ) -> R {
        if let Some(values) = T::as_f32(source) {
            return task(Source { values, first_row: 0 });
        }
        let line = self.source[1] * sizes.channels;
        let rows = self.rows_read(&sizes.window, targets);
        in_f32(&source[rows.start * line..rows.end * line], |values| {
            task(Source {
                values,
                first_row: rows.start,
            })
        })
    }
}

/// Rows of the map that a window reads, from one on (counted through the batch): all that the rows of the target read which it
/// was made for, by [`View::with_source`].
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    first_row: usize,
}

/// A look through a window from every position of a target, for slices that [`Depthwise::check`] has seen.
struct Pass<'a> {
    sizes: Depthwise,
    view: View,
    /// Those of a row of the target.
    runs: Vec<Run>,
    kernel: &'a [f32],
}

impl<'a> Pass<'a> {
    fn new(sizes: Depthwise, view: View, kernel: &'a [f32]) -> Self {
        Self {
            sizes,
            view,
            runs: view.runs(&sizes.window),
            kernel,
        }
    }

    /// A run of a target row (counted through the batch), or a part of one. The values begin with it; `distance` of them lie
    /// between neighbours of a row. A bias has a value for each channel.
    fn run(
        &self,
        source: Source<'_>,
        (row, run): (usize, &Run),
        start: Start<'_>,
        distance: usize,
        values: &mut [f32],
    ) {
        let (channels, advance) = (self.sizes.channels, self.view.target_advance);
        let (mut strip, first_tap) = self.sizes.strip(&self.view, source, row, run);
        strip.pixel = (advance * distance) as isize;
        assert!(
            values.len() >= run.pixels.saturating_sub(1) * advance * distance + channels,
            "values of a run"
        );
        let y = values.as_mut_ptr();
        let (start, start_pixel) = match start {
            Start::Zero => (std::ptr::null(), 0),
            Start::Row(bias) => (bias.as_ptr(), 0),
            Start::Output => (y.cast_const(), strip.pixel),
        };
        let kernel = self.kernel[first_tap..].as_ptr();
        // SAFETY: the lengths were compared with the sizes where the pass was made. Cells that reach a position read inside
        // the map (see `View::reach`), of which the source holds the rows that this one reads, and lie inside the kernel; the
        // values, which are borrowed exclusively, hold the run, and a bias has a value for each channel.
        unsafe { convolve(&strip, kernel, start, start_pixel, y) }
    }
}

/// The outputs of a depthwise convolution, made when they are read and never written down.
pub struct Outputs<'a, T = f32> {
    pass: Pass<'a>,
    x: &'a [T],
    bias: Option<&'a [f32]>,
}

impl<'a, T: Element> Outputs<'a, T> {
    /// Those of a map, with a kernel and a bias.
    ///
    /// # Panics
    /// If sizes differ from the convolution's.
    pub fn new(sizes: Depthwise, x: &'a [T], kernel: &'a [f32], bias: Option<&'a [f32]>) -> Self {
        let channels = sizes.channels;
        let pixels = x.len().checked_div(channels).unwrap_or(0);
        assert_eq!(x.len(), pixels * channels, "whole pixels");
        let maps = [[pixels, channels], [sizes.window.output_pixels(), channels]];
        sizes.window.check_pixels(maps, [channels, channels]);
        sizes.check_kernel(kernel);
        if let Some(bias) = bias {
            assert_eq!(bias.len(), channels, "values of a bias");
        }
        Self {
            pass: Pass::new(sizes, View::forward(&sizes.window), kernel),
            x,
            bias,
        }
    }
}

impl<T: Element> Rows<T> for Outputs<'_, T> {
    fn sizes(&self) -> [usize; 2] {
        let sizes = self.pass.sizes;
        [sizes.window.output_pixels(), sizes.channels]
    }

    fn gather<'m>(&'m self, pixels: Range<usize>, buffer: &'m mut Vec<T>) -> Matrix<'m, T> {
        let Pass { sizes, view, runs, .. } = &self.pass;
        let (width, stride) = (view.target[1].max(1), spread::<T>(sizes.channels));
        // What the buffer held is overwritten.
        buffer.resize(pixels.len() * stride, T::default());
        let start = self.bias.map_or(Start::Zero, Start::Row);
        let rows = pixels.start / width..pixels.end.div_ceil(width);
        view.with_source(sizes, self.x, rows.clone(), |source| {
            in_f32_mut(buffer, false, |values| {
                for row in rows {
                    let columns = (pixels.start.max(row * width) - row * width)..(pixels.end - row * width).min(width);
                    for run in runs.iter().filter_map(|run| run.inside(&columns, view)) {
                        let place = (row * width + run.first - pixels.start) * stride;
                        self.pass.run(source, (row, &run), start, stride, &mut values[place..]);
                    }
                }
            });
        });
        Matrix::with_stride(buffer, pixels.len(), sizes.channels, stride)
    }
}

impl Depthwise {
    /// Multiply-adds of the forward pass of one image.
    pub fn multiply_adds(&self) -> u64 {
        let [height, width] = self.window.output;
        length::of(&[height, width, self.window.taps(), self.channels]) as u64
    }

    /// `y = x ∗ kernel + bias`, channel by channel.
    pub fn forward<T: Element>(&self, x: &[T], kernel: &[f32], bias: Option<&[f32]>, y: &mut [T]) {
        self.check([x, y], kernel);
        self.convolve(
            View::forward(&self.window),
            x,
            kernel,
            bias.map_or(Start::Zero, Start::Row),
            y,
        );
    }

    /// `dx = dy ∗ᵀ kernel`, or `+=`.
    pub fn input_gradient<T: Element>(&self, dy: &[T], kernel: &[f32], mode: Output, dx: &mut [T]) {
        self.check([dx, dy], kernel);
        self.convolve(View::backward(&self.window), dy, kernel, mode.into(), dx);
    }

    /// Every target position from the source positions that the window's cells reach, for slices that [`check`](Self::check)
    /// has seen.
    fn convolve<T: Element>(&self, view: View, source: &[T], kernel: &[f32], start: Start<'_>, target: &mut [T]) {
        if let Start::Row(bias) = start {
            assert_eq!(bias.len(), self.channels, "values of a bias");
        }
        let line = view.target[1] * self.channels;
        let pass = Pass::new(*self, view, kernel);
        let rows = if T::as_f32(source).is_some() { 1 } else { WIDENED_ROWS };
        let line = line.max(1);
        target
            .par_chunks_mut(rows * line)
            .enumerate()
            .for_each(|(task, target)| {
                let rows = task * rows..task * rows + target.len() / line;
                view.with_source(self, source, rows.clone(), |source| {
                    in_f32_mut(target, start == Start::Output, |target| {
                        for (row, target) in rows.zip(target.chunks_exact_mut(line)) {
                            for run in &pass.runs {
                                let values = &mut target[run.first * self.channels..];
                                pass.run(source, (row, run), start, self.channels, values);
                            }
                        }
                    });
                });
            });
    }

    /// Asserts that the maps of both sides, and the kernel, have as many values as the addresses below reach.
    fn check<T>(&self, maps: [&[T]; 2], kernel: &[f32]) {
        let (window, channels) = (&self.window, self.channels);
        window.check(maps, [channels, channels]);
        self.check_kernel(kernel);
    }

    fn check_kernel(&self, kernel: &[f32]) {
        let (window, channels) = (&self.window, self.channels);
        assert_eq!(
            kernel.len(),
            length::of(&[window.taps(), channels]),
            "values of the kernel"
        );
        // The distance between rows of the window in the kernel, when outputs are reached from an input.
        length::of(&[window.stride, window.kernel, channels]);
    }

    /// A run of a target row (counted through the batch), and the place of its first cell in the kernel. Where no cell reaches
    /// the run, its source is any address.
    fn strip(&self, view: &View, source: Source<'_>, row: usize, run: &Run) -> (Strip, usize) {
        let (channels, columns) = (self.channels, run.reach);
        let rows = view.reach(&self.window, 0, row % view.target[0]);
        let (taps, first_tap) = if rows.taps * columns.taps == 0 {
            ([0, 0], 0)
        } else {
            let first = rows.tap * self.window.kernel + columns.tap;
            ([rows.taps, columns.taps], first * channels)
        };
        let line = view.source[1] * channels;
        let first_row = row / view.target[0] * view.source[0] + rows.source;
        // Without cells it is any number.
        let first = first_row.wrapping_sub(source.first_row).wrapping_mul(line);
        let first = first.wrapping_add(columns.source * channels);
        let [down, right] = [line, channels].map(|distance| distance as isize * view.source_step);
        let step = view.tap_step * channels;
        let strip = Strip {
            pixels: run.pixels,
            channels,
            taps,
            source: source.values[first.min(source.values.len())..].as_ptr(),
            source_pixel: (view.source_advance * channels) as isize,
            source_tap: [down, right],
            kernel_tap: [step * self.window.kernel, step].map(|distance| distance as isize),
            pixel: (view.target_advance * channels) as isize,
        };
        (strip, first_tap)
    }

    /// `dkernel = Σ over pixels of x · dy`, or `+=`.
    pub fn kernel_gradient<T: Element>(&self, x: &[T], dy: &[T], mode: Output, dkernel: &mut [f32]) {
        let window = &self.window;
        let view = View::forward(window);
        self.check([x, dy], dkernel);
        let runs = view.runs(window);
        let (rows, line) = (window.batch * window.output[0], window.output[1] * self.channels);
        let rows_of_part = rows.div_ceil(tasks::SUMMED_PARTS).max(1);
        let parts: Vec<Vec<f32>> = (0..rows.div_ceil(rows_of_part))
            .into_par_iter()
            .map(|part| {
                let mut partial = vec![0.0; dkernel.len()];
                let rows = part * rows_of_part..rows.min((part + 1) * rows_of_part);
                for first in rows.clone().step_by(WIDENED_ROWS) {
                    let rows = first..rows.end.min(first + WIDENED_ROWS);
                    view.with_source(self, x, rows.clone(), |x| {
                        in_f32(&dy[rows.start * line..rows.end * line], |dy| {
                            for (row, dy) in rows.zip(dy.chunks_exact(line.max(1))) {
                                for run in &runs {
                                    let (strip, first_tap) = self.strip(&view, x, row, run);
                                    let dy = &dy[run.first * self.channels..];
                                    let cells = &mut partial[first_tap..];
                                    // SAFETY: as in `Pass::run`; the run's pixels lie inside the row of `dy`, and `partial` is
                                    // this task's own.
                                    unsafe { add_kernel_gradient(&strip, dy.as_ptr(), cells.as_mut_ptr()) }
                                }
                            }
                        });
                    });
                }
                partial
            })
            .collect();
        keep_or_clear(mode, dkernel);
        for part in &parts {
            add_serial(dkernel, part);
        }
    }
}
