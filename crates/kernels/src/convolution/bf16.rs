//! Convolutions of maps in bf16 whose windows move by a pixel, without patches: AMX reads the windows where they lie in
//! rows of pixels.

use std::ops::Range;

use rayon::prelude::*;

use super::memory::{self, WorkingMemory};
use super::padded::Padded;
use super::{Convolution, Convolved};
use crate::accumulate::{Output, add_serial};
use crate::element::Bf16;
use crate::memory::unwritten;
use crate::pixels::{Pixels, PixelsMut, Place};
use crate::product::{BLOCK, Epilogue, Matrix, PackedBf16, Start, Unit, multiply_windows, sum_over_windows};
use crate::scratch::scratch;
use crate::window::WindowGeometry;
use crate::{length, tasks};

/// Values of padded rows that are copied at once to be summed over: a quarter of a second-level cache.
const COPIED: usize = 1 << 18;

/// By windows over padded rows. Winograd's transforms would lose what bf16 has left.
impl Convolved for Bf16 {
    type Transformed = PackedBf16;

    fn working_memory(sizes: &Convolution) -> WorkingMemory {
        memory::in_bf16(sizes)
    }

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
        let groups = channels / BLOCK;
        // Each part lays out dy for itself: with one group of channels that would take as long as its products.
        let (runs, parts) = tasks::summed(window.output_pixels(), groups / 2);
        let (rows, of_part) = (window.batch * window.output[0], groups.div_ceil(parts));
        // The blocks of the kernel that each part of the channels has, cell by cell.
        let mut blocks: Vec<Vec<&mut [f32]>> = (0..groups.div_ceil(of_part)).map(|_| Vec::new()).collect();
        for (number, block) in dkernel.chunks_exact_mut(BLOCK * outputs).enumerate() {
            blocks[number % groups / of_part].push(block);
        }
        blocks.into_par_iter().enumerate().for_each(|(part, mut blocks)| {
            let first = part * of_part * BLOCK;
            let place = Place {
                first,
                channels: (channels - first).min(of_part * BLOCK),
                all: channels,
            };
            let sum = RunSum {
                padded: Padded::new(window),
                width: window.output[1],
                x: Pixels::of(x, place),
                dy,
            };
            let run = rows.div_ceil(runs);
            let values = length::of(&[blocks.len(), BLOCK, outputs]);
            let later = || -> Vec<Vec<f32>> {
                let firsts = (1..rows.div_ceil(run)).into_par_iter().map(|number| number * run);
                let parts = firsts.map(|first| {
                    let mut part = unwritten(values);
                    let mut blocks: Vec<&mut [f32]> = part.chunks_exact_mut(BLOCK * outputs).collect();
                    sum.add(first..rows.min(first + run), Output::Overwrite, &mut blocks);
                    part
                });
                parts.collect()
            };
            let ((), later) = rayon::join(|| sum.add(0..run.min(rows), mode, &mut blocks), later);
            for part in &later {
                for (block, part) in blocks.iter_mut().zip(part.chunks_exact(BLOCK * outputs)) {
                    add_serial(block, part);
                }
            }
        });
        true
    }
}

/// The gradient of the kernel of some input channels, as a sum over output rows.
struct RunSum<'a> {
    padded: Padded<'a>,
    /// Pixels of an output row.
    width: usize,
    x: Pixels<'a, Bf16>,
    dy: Pixels<'a, Bf16>,
}

impl RunSum<'_> {
    /// Puts or adds the sum over some rows to a kernel's blocks.
    fn add(&self, rows: Range<usize>, mode: Output, blocks: &mut [&mut [f32]]) {
        let at_once = (COPIED / self.x.channels() / self.width).max(1);
        let mut runs = Vec::new();
        scratch(|copy| {
            for first in rows.clone().step_by(at_once) {
                let some = first..rows.end.min(first + at_once);
                let dy = self.dy.lying(some.start * self.width..some.end * self.width);
                let windows = self.padded.windows(self.x, some, &mut runs, copy);
                sum_over_windows(&windows, dy, mode == Output::Add || first > rows.start, blocks);
            }
        });
    }
}

/// Whether there are tiles that can read windows over maps with so many channels.
fn reads_windows(window: &WindowGeometry, channels: usize) -> bool {
    let has_tiles = channels > 0 && channels.is_multiple_of(BLOCK);
    window.kernel > 1 && window.stride == 1 && has_tiles && Unit::current() == Unit::Amx
}

/// The convolution of the output's gradient with the kernel turned around, which gives the input's gradient, if it
/// reads windows.
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
