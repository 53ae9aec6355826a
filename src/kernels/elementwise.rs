//! Element-wise passes: sums of maps, ReLU, dropout masks, and the copies of channels that a concatenation is.

use multiversion::multiversion;
use rayon::prelude::*;

use super::tasks::{self, ELEMENTS};

/// `target += addend` on the calling thread.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
pub fn add_serial(target: &mut [f32], addend: &[f32]) {
    for (target, addend) in target.iter_mut().zip(addend) {
        *target += addend;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn sum_serial(a: &[f32], b: &[f32], sum: &mut [f32]) {
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum = a + b;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn rectify_serial(values: &mut [f32]) {
    for value in values {
        *value = if *value < 0.0 { 0.0 } else { *value };
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn mask_serial(gradient: &mut [f32], output: &[f32]) {
    for (gradient, output) in gradient.iter_mut().zip(output) {
        *gradient = if *output > 0.0 { *gradient } else { 0.0 };
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn add_product_serial(target: &mut [f32], a: &[f32], b: &[f32]) {
    for ((target, a), b) in target.iter_mut().zip(a).zip(b) {
        *target += a * b;
    }
}

/// `target += addend`.
pub fn add(target: &mut [f32], addend: &[f32]) {
    target
        .par_chunks_mut(ELEMENTS)
        .zip(addend.par_chunks(ELEMENTS))
        .for_each(|(t, a)| add_serial(t, a));
}

/// `sum = a + b`.
pub fn sum(a: &[f32], b: &[f32], sum: &mut [f32]) {
    let inputs = a.par_chunks(ELEMENTS).zip(b.par_chunks(ELEMENTS));
    sum.par_chunks_mut(ELEMENTS)
        .zip(inputs)
        .for_each(|(sum, (a, b))| sum_serial(a, b, sum));
}

/// `values = max(values, 0)`; NaN stays NaN: a run that has diverged must show it.
pub fn relu(values: &mut [f32]) {
    values.par_chunks_mut(ELEMENTS).for_each(rectify_serial);
}

/// Sets a gradient to zero wherever ReLU's output is.
pub fn relu_gradient(gradient: &mut [f32], output: &[f32]) {
    gradient
        .par_chunks_mut(ELEMENTS)
        .zip(output.par_chunks(ELEMENTS))
        .for_each(|(g, y)| mask_serial(g, y));
}

/// `target += a · b`, element by element.
pub fn add_product(target: &mut [f32], a: &[f32], b: &[f32]) {
    let factors = a.par_chunks(ELEMENTS).zip(b.par_chunks(ELEMENTS));
    target
        .par_chunks_mut(ELEMENTS)
        .zip(factors)
        .for_each(|(t, (a, b))| add_product_serial(t, a, b));
}

/// `product = a · b`, element by element.
pub fn multiply(a: &[f32], b: &[f32], product: &mut [f32]) {
    for ((product, a), b) in product.iter_mut().zip(a).zip(b) {
        *product = a * b;
    }
}

/// Copies a map of `channels` channels into channels `first..` of a map of `all` channels.
pub fn insert_channels(map: &[f32], channels: usize, wide: &mut [f32], all: usize, first: usize) {
    let rows = tasks::rows_of(all);
    wide.par_chunks_mut(rows * all)
        .zip(map.par_chunks(rows * channels))
        .for_each(|(wide, map)| {
            for (wide, pixel) in wide.chunks_exact_mut(all).zip(map.chunks_exact(channels)) {
                wide[first..first + channels].copy_from_slice(pixel);
            }
        });
}

/// Adds channels `first..` of a map of `all` channels to a map of `channels` channels.
pub fn add_channels(wide: &[f32], all: usize, first: usize, map: &mut [f32], channels: usize) {
    let rows = tasks::rows_of(all);
    map.par_chunks_mut(rows * channels)
        .zip(wide.par_chunks(rows * all))
        .for_each(|(map, wide)| {
            for (pixel, wide) in map.chunks_exact_mut(channels).zip(wide.chunks_exact(all)) {
                add_serial(pixel, &wide[first..first + channels]);
            }
        });
}
