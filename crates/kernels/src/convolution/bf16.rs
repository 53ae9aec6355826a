//! Convolutions of maps in bf16 whose windows move by a pixel, without patches: AMX reads the windows where they lie in rows of
//! pixels.

use rayon::prelude::*;

use super::padded::Padded;
use super::{Convolution, Convolved};
use crate::accumulate::Output;
use crate::element::Bf16;
use crate::length;
use crate::pixels::{Pixels, PixelsMut};
use crate::product::{
    BLOCK, Epilogue, Matrix, PackedBf16, Start, SumOverPixels, Unit, multiply_windows, sum_over_windows,
};
use crate::scratch::scratch;
use crate::window::WindowGeometry;

/// Channels that fill a tile.
const CHANNELS: usize = 32;

/// Blocks of a kernel's gradient that are worth a task of their own, which transposes the pixels that it reads.
const BLOCKS: usize = 8;

/// Values of padded rows that are copied for such a task at once: a quarter of a second-level cache.
const COPIED: usize = 1 << 18;

/// Pixels that are summed at once at least, however many channels they have.
const PIXELS: usize = 512;

/// By windows over padded rows. Winograd's transforms would lose what bf16 has left.
impl Convolved for Bf16 {
    type Transformed = PackedBf16;

    fn transformed(sizes: &Convolution, kernel: &[f32]) -> Option<PackedBf16> {
        let is_read = reads_windows(&sizes.window, sizes.in_channels);
        is_read.then(|| PackedBf16::new(Matrix::new(kernel, sizes.patch(), sizes.out_channels)))
    }

    fn forward(
        sizes: &Convolution,
        x: &[Self],
        kernel: &PackedBf16,
        epilogue: Epilogue<'_>,
        y: &mut PixelsMut<'_, Self>,
    ) {
        let x = Pixels::whole(x, sizes.in_channels);
        multiply(sizes, x, kernel, epilogue.start(), epilogue.floor(), y);
    }

    fn input_gradient(
        sizes: &Convolution,
        dy: Pixels<'_, Self>,
        kernel: &[f32],
        mode: Output,
        dx: &mut [Self],
    ) -> bool {
        let Some(turned) = turned(sizes) else {
            return false;
        };
        // The last cell of the kernel is the first that a window over the output's gradient meets.
        let (inputs, outputs) = (sizes.in_channels, sizes.out_channels);
        let cells = kernel.chunks_exact(length::of(&[inputs, outputs])).rev();
        let cells: Vec<Matrix<'_>> = cells
            .map(|cell| Matrix::new(cell, inputs, outputs).transposed())
            .collect();
        let kernel = PackedBf16::stacked(&cells);
        let mut dx = PixelsMut::whole(dx, inputs);
        multiply(&turned, dy, &kernel, mode.into(), f32::NEG_INFINITY, &mut dx);
        true
    }

    fn kernel_gradient(
        sizes: &Convolution,
        x: &[Self],
        dy: Pixels<'_, Self>,
        mode: Output,
        dkernel: &mut [f32],
    ) -> bool {
        let (window, channels, outputs) = (&sizes.window, sizes.in_channels, sizes.out_channels);
        if !reads_windows(window, channels) || window.output_pixels() * outputs == 0 {
            return false;
        }
        let (x, width) = (Pixels::whole(x, channels), window.output[1]);
        let padded = Padded::new(window);
        let sums = SumOverPixels {
            rows: window.batch * window.output[0],
            pixels: width,
            lines: window.taps() * channels / BLOCK,
            width: BLOCK * outputs,
            least_lines: BLOCKS,
            at_once: (COPIED / channels).max(PIXELS),
        };
        sums.compute(mode, dkernel, |rows, blocks, start, sum, copy| {
            let dy = dy.lying(rows.start * width..rows.end * width);
            let mut runs = Vec::new();
            let windows = padded.windows(x, rows, &mut runs, copy);
            sum_over_windows(&windows, dy, blocks, start == Start::Output, sum);
        });
        true
    }
}

/// Whether there are tiles that can read windows over maps with so many channels.
fn reads_windows(window: &WindowGeometry, channels: usize) -> bool {
    let has_tiles = channels > 0 && channels.is_multiple_of(CHANNELS);
    window.kernel > 1 && window.stride == 1 && has_tiles && Unit::current() == Unit::Amx
}

/// The convolution of the output's gradient with the kernel turned around, which gives the input's gradient, if it reads windows.
fn turned(sizes: &Convolution) -> Option<Convolution> {
    let window = sizes.window;
    if !reads_windows(&window, sizes.out_channels) || sizes.in_channels == 0 {
        return None;
    }
    let [above, left] = window.before.map(|before| (window.kernel - 1).checked_sub(before));
    Some(Convolution {
        window: WindowGeometry {
            input: window.output,
            output: window.input,
            before: [above?, left?],
            ..window
        },
        in_channels: sizes.out_channels,
        out_channels: sizes.in_channels,
    })
}

/// `output = start + windows(map) · kernel`, some rows of the output a task.
fn multiply(
    sizes: &Convolution,
    map: Pixels<'_, Bf16>,
    kernel: &PackedBf16,
    start: Start<'_>,
    floor: f32,
    output: &mut PixelsMut<'_, Bf16>,
) {
    let (width, place) = (sizes.window.output[1], output.place());
    if output.count() == 0 {
        return;
    }
    let rows = sizes.rows_per_task(sizes.window.output);
    let padded = Padded::new(&sizes.window);
    output
        .values
        .par_chunks_mut((rows * width * place.all).max(1))
        .enumerate()
        .for_each_init(Vec::new, |runs, (task, output)| {
            let first = task * rows;
            let count = output.len() / (width * place.all);
            scratch(|copy| {
                let windows = padded.windows(map, first..first + count, runs, copy);
                multiply_windows(floor, &windows, kernel, start, &mut output[place.first..], place.all);
            });
        });
}

#[cfg(test)]
mod tests;
