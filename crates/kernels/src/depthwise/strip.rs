//! The innermost loops of depthwise convolutions: some pixels of a row, all channels, some cells of the window. Written once
//! for each instruction set, as the [tiles](super::tile) of matrix products are.
#![allow(unsafe_code)]

use seq_macro::seq;

use crate::simd::{InstructionSet, for_each_instruction_set, of_instruction_set};

/// Pixels in a row, at least one, and what they have to do with the cells of a window. Addresses are of the first pixel and
/// the first cell; distances are in values, and run through the memory either way.
#[derive(Clone, Copy)]
pub struct Strip {
    pub pixels: usize,
    pub channels: usize,
    /// Rows and columns of the window.
    pub taps: [usize; 2],
    /// The map that the window reads, with the distance between two pixels' places and between rows and columns of the
    /// window.
    pub source: *const f32,
    pub source_pixel: isize,
    pub source_tap: [isize; 2],
    /// The distance between rows and columns of the window in the kernel.
    pub kernel_tap: [isize; 2],
    /// The distance between two pixels on the other side of the window.
    pub pixel: isize,
}

/// `y[p] = start[p] + Σ over taps of source[p, tap] · kernel[tap]`, channel by channel.
///
/// # Safety
/// All addresses must be valid for the elements that the strip describes; `y` may be `start`, and overlaps nothing else.
/// With a `start_pixel` of 0 all pixels start from the same values, with a null start from zeros.
pub unsafe fn convolve(strip: &Strip, kernel: *const f32, start: *const f32, start_pixel: isize, y: *mut f32) {
    // SAFETY: the caller's promise; the instruction set is this processor's.
    unsafe {
        of_instruction_set!(
            InstructionSet::current(),
            convolve(strip, kernel, start, start_pixel, y)
        )
    }
}

/// `dkernel[tap] += Σ over pixels of source[p, tap] · dy[p]`, channel by channel.
///
/// # Safety
/// As [`convolve`]; `dkernel` overlaps nothing else.
pub unsafe fn add_kernel_gradient(strip: &Strip, dy: *const f32, dkernel: *mut f32) {
    // SAFETY: the caller's promise; the instruction set is this processor's.
    unsafe { of_instruction_set!(InstructionSet::current(), add_kernel_gradient(strip, dy, dkernel)) }
}

macro_rules! strips {
    ($set:ident $(, feature $feature:literal)?) => {
        mod $set {
            use super::{Strip, seq};
            use crate::simd::$set::*;

            /// # Safety
            /// That of [`super::convolve`].
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn convolve(
                strip: &Strip,
                kernel: *const f32,
                start: *const f32,
                start_pixel: isize,
                y: *mut f32,
            ) {
                for channel in (0..strip.channels).step_by(LANES) {
                    let lanes = LANES.min(strip.channels - channel);
                    let mut first = 0;
                    while first < strip.pixels {
                        let pixels = (strip.pixels - first).min(8);
                        let offset = |pixel: isize| first as isize * pixel + channel as isize;
                        // Where no cell reaches the pixels, these may lie outside of the map and the kernel; nothing is read there.
                        let source = strip.source.wrapping_offset(offset(strip.source_pixel));
                        let kernel = kernel.wrapping_add(channel);
                        // SAFETY: the start, unless it is null, and the output have these channels of this pixel; the caller vouches
                        // for the rest.
                        unsafe {
                            let start = if start.is_null() { start } else { start.offset(offset(start_pixel)) };
                            let y = y.offset(offset(strip.pixel));
                            seq!(PIXELS in 1..=8 {
                                match pixels {
                                    #(PIXELS => block::<PIXELS>(strip, lanes, source, kernel, start, start_pixel, y),)*
                                    _ => {}
                                }
                            });
                        }
                        first += pixels;
                    }
                }
            }

            /// A vector of channels of `PIXELS` pixels.
            ///
            /// # Safety
            /// That of [`super::convolve`].
            $(#[target_feature(enable = $feature)])?
            unsafe fn block<const PIXELS: usize>(
                strip: &Strip,
                lanes: usize,
                source: *const f32,
                kernel: *const f32,
                start: *const f32,
                start_pixel: isize,
                y: *mut f32,
            ) {
                // SAFETY: every address below is of an element of the strip, which the caller vouches for: source and kernel are
                // moved only for cells that there are.
                unsafe {
                    let mut sums = [splat(0.0); PIXELS];
                    if !start.is_null() {
                        for (pixel, sum) in sums.iter_mut().enumerate() {
                            *sum = load_first(start.offset(pixel as isize * start_pixel), lanes);
                        }
                    }
                    for row in 0..strip.taps[0] as isize {
                        let source = source.offset(row * strip.source_tap[0]);
                        let kernel = kernel.offset(row * strip.kernel_tap[0]);
                        for column in 0..strip.taps[1] as isize {
                            let source = source.offset(column * strip.source_tap[1]);
                            let weight = load_first(kernel.offset(column * strip.kernel_tap[1]), lanes);
                            for (pixel, sum) in sums.iter_mut().enumerate() {
                                let value = load_first(source.offset(pixel as isize * strip.source_pixel), lanes);
                                *sum = multiply_add(value, weight, *sum);
                            }
                        }
                    }
                    for (pixel, sum) in sums.iter().enumerate() {
                        store_first(y.offset(pixel as isize * strip.pixel), lanes, *sum);
                    }
                }
            }

            /// # Safety
            /// That of [`super::add_kernel_gradient`].
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn add_kernel_gradient(strip: &Strip, dy: *const f32, dkernel: *mut f32) {
                for channel in (0..strip.channels).step_by(LANES) {
                    let lanes = LANES.min(strip.channels - channel);
                    for row in 0..strip.taps[0] as isize {
                        let mut first = 0;
                        while first < strip.taps[1] {
                            let columns = (strip.taps[1] - first).min(7);
                            let offset = |taps: [isize; 2]| row * taps[0] + first as isize * taps[1] + channel as isize;
                            // SAFETY: offsets of elements of the strip: the cell is one of the window's, and there is a pixel.
                            unsafe {
                                let source = strip.source.offset(offset(strip.source_tap));
                                let (dy, dkernel) = (dy.add(channel), dkernel.offset(offset(strip.kernel_tap)));
                                seq!(COLUMNS in 1..=7 {
                                    match columns {
                                        #(COLUMNS => add_columns::<COLUMNS>(strip, lanes, source, dy, dkernel),)*
                                        _ => {}
                                    }
                                });
                            }
                            first += columns;
                        }
                    }
                }
            }

            /// A vector of channels of `COLUMNS` cells in a row of the window.
            ///
            /// # Safety
            /// That of [`super::add_kernel_gradient`].
            $(#[target_feature(enable = $feature)])?
            unsafe fn add_columns<const COLUMNS: usize>(
                strip: &Strip,
                lanes: usize,
                source: *const f32,
                dy: *const f32,
                dkernel: *mut f32,
            ) {
                // SAFETY: every address below is of an element of the strip, which the caller vouches for.
                unsafe {
                    let mut sums = [splat(0.0); COLUMNS];
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum = load_first(dkernel.offset(column as isize * strip.kernel_tap[1]), lanes);
                    }
                    for pixel in 0..strip.pixels as isize {
                        let gradient = load_first(dy.offset(pixel * strip.pixel), lanes);
                        let source = source.offset(pixel * strip.source_pixel);
                        for (column, sum) in sums.iter_mut().enumerate() {
                            let value = load_first(source.offset(column as isize * strip.source_tap[1]), lanes);
                            *sum = multiply_add(value, gradient, *sum);
                        }
                    }
                    for (column, sum) in sums.iter().enumerate() {
                        store_first(dkernel.offset(column as isize * strip.kernel_tap[1]), lanes, *sum);
                    }
                }
            }
        }
    };
}
for_each_instruction_set!(strips);
