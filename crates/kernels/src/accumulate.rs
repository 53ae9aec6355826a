//! What becomes of an output that may hold something already: most kernels that make a gradient can add to it, because a map
//! may be read by several layers.

use rayon::prelude::*;

use super::tasks::ELEMENTS;
use crate::simd::vectorized;

/// Whether a kernel replaces what its output holds, or adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It is replaced.
    Overwrite,
    /// The result is added to it.
    Add,
}

/// What becomes of an output to which nothing is added.
pub fn keep_or_clear(mode: Output, output: &mut [f32]) {
    if mode == Output::Overwrite {
        output.fill(0.0);
    }
}

/// `target = values`, or `+=`.
pub fn put(mode: Output, values: &[f32], target: &mut [f32]) {
    assert_eq!(values.len(), target.len(), "values of a map and its copy");
    target
        .par_chunks_mut(ELEMENTS)
        .zip(values.par_chunks(ELEMENTS))
        .for_each(|(target, values)| put_serial(mode, values, target));
}

pub(crate) fn put_serial(mode: Output, values: &[f32], target: &mut [f32]) {
    match mode {
        Output::Overwrite => target.copy_from_slice(values),
        Output::Add => add_serial(target, values),
    }
}

vectorized! {
    /// `target += addend` on the calling thread.
    pub fn add_serial(target: &mut [f32], addend: &[f32]) {
        for (target, addend) in target.iter_mut().zip(addend) {
            *target += addend;
        }
    }
}
