//! Element-wise passes: sums of maps, ReLU, dropout masks, and the copies of channels that a concatenation is.

use rayon::prelude::*;

use super::accumulate::{Output, put_serial};
use super::element::Element;
use super::length;
use super::tasks::{self, ELEMENTS};
use crate::simd::vectorized;

vectorized! {
    /// The loops of element-wise passes.
    pub trait ElementwiseLoops<T> {
        /// `sum = max(a + b, floor)`.
        fn sum_serial(a: &[T], b: &[T], floor: f32, sum: &mut [T]) {
            for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
                *sum = T::narrow(at_least(floor, a.widen() + b.widen()));
            }
        }

        /// `y = max(x, 0)`.
        fn rectify_serial(x: &[T], y: &mut [T]) {
            for (y, x) in y.iter_mut().zip(x) {
                *y = T::narrow(at_least(0.0, x.widen()));
            }
        }

        /// What is stored, as f32.
        fn widen_serial(stored: &[T], values: &mut [f32]) {
            for (value, stored) in values.iter_mut().zip(stored) {
                *value = stored.widen();
            }
        }

        /// What is stored of values.
        fn narrow_serial(values: &[f32], stored: &mut [T]) {
            for (stored, value) in stored.iter_mut().zip(values) {
                *stored = T::narrow(*value);
            }
        }

        /// Sets a gradient to zero wherever ReLU's output is.
        fn mask_serial(gradient: &mut [T], output: &[T]) {
            for (gradient, output) in gradient.iter_mut().zip(output) {
                // Read in any case: what is read under a condition is read one by one.
                let open = *gradient;
                *gradient = if output.widen() > 0.0 { open } else { T::default() };
            }
        }
    }
}

/// The value, or the floor if that is higher; NaN stays NaN: a run that has diverged must show it.
#[inline(always)]
pub fn at_least(floor: f32, value: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// The value, or a zero of its sign if it is subnormal: a processor computes with subnormal numbers many times slower, and
/// nothing but a parameter, a velocity or a running statistic keeps one from step to step.
#[inline(always)]
pub fn flushed(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE {
        0.0_f32.copysign(value)
    } else {
        value
    }
}

/// Copies the values of a file into a network, [`flushed`].
pub fn copy_flushed(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = flushed(*from);
    }
}

/// The smallest output of a layer: 0 with a ReLU.
pub fn floor(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}

/// `sum = a + b`, and ReLU on top if `relu`.
pub fn sum<T: Element>(a: &[T], b: &[T], relu: bool, sum: &mut [T]) {
    assert_eq!([a.len(), b.len()], [sum.len(); 2], "values of two maps and their sum");
    let (inputs, floor) = (a.par_chunks(ELEMENTS).zip(b.par_chunks(ELEMENTS)), floor(relu));
    sum.par_chunks_mut(ELEMENTS)
        .zip(inputs)
        .for_each(|(sum, (a, b))| T::sum_serial(a, b, floor, sum));
}

/// What is stored of values.
pub fn narrow<T: Element>(values: &[f32], stored: &mut [T]) {
    assert_eq!(stored.len(), values.len(), "values that are stored");
    stored
        .par_chunks_mut(ELEMENTS)
        .zip(values.par_chunks(ELEMENTS))
        .for_each(|(stored, values)| T::narrow_serial(values, stored));
}

/// `y = max(x, 0)`.
pub fn relu<T: Element>(x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "values of input and output");
    y.par_chunks_mut(ELEMENTS)
        .zip(x.par_chunks(ELEMENTS))
        .for_each(|(y, x)| T::rectify_serial(x, y));
}

/// Sets a gradient to zero wherever ReLU's output is.
pub fn relu_gradient<T: Element>(gradient: &mut [T], output: &[T]) {
    assert_eq!(gradient.len(), output.len(), "values of a gradient and its output");
    gradient
        .par_chunks_mut(ELEMENTS)
        .zip(output.par_chunks(ELEMENTS))
        .for_each(|(g, y)| T::mask_serial(g, y));
}

/// `values *= factors`, element by element.
pub fn scale<T: Element>(values: &mut [T], factors: &[T]) {
    assert_eq!(values.len(), factors.len(), "a factor for each value");
    for (value, factor) in values.iter_mut().zip(factors) {
        *value = T::narrow(value.widen() * factor.widen());
    }
}

/// Asserts that a map of some of a wide map's channels has the same pixels.
fn check_pixels<T>(map: &[T], channels: usize, wide: &[T], all: usize) {
    let pixels = map.len() / channels;
    let lengths = [channels, all].map(|channels| length::of(&[pixels, channels]));
    assert_eq!([map.len(), wide.len()], lengths, "values of maps with the same pixels");
}

/// Copies a map of `channels` channels into channels `first..` of a map of `all` channels.
pub fn insert_channels<T: Element>(map: &[T], channels: usize, wide: &mut [T], all: usize, first: usize) {
    check_pixels(map, channels, wide, all);
    let rows = tasks::rows_of(all);
    wide.par_chunks_mut(rows * all)
        .zip(map.par_chunks(rows * channels))
        .for_each(|(wide, map)| {
            for (wide, pixel) in wide.chunks_exact_mut(all).zip(map.chunks_exact(channels)) {
                wide[first..first + channels].copy_from_slice(pixel);
            }
        });
}

/// Copies channels `first..` of a map of `all` channels to a map of `channels` channels, or adds them to it.
pub fn take_channels<T: Element>(wide: &[T], all: usize, first: usize, mode: Output, map: &mut [T], channels: usize) {
    check_pixels(map, channels, wide, all);
    let rows = tasks::rows_of(all);
    map.par_chunks_mut(rows * channels)
        .zip(wide.par_chunks(rows * all))
        .for_each(|(map, wide)| {
            for (pixel, wide) in map.chunks_exact_mut(channels).zip(wide.chunks_exact(all)) {
                put_serial(mode, &wide[first..first + channels], pixel);
            }
        });
}
