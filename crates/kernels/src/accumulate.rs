//! What becomes of an output that may hold something already: most kernels that make a gradient can add to it, because a map
//! may be read by several layers.

use rayon::prelude::*;

use super::element::Element;
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
pub fn keep_or_clear<T: Element>(mode: Output, output: &mut [T]) {
    if mode == Output::Overwrite {
        output.fill(T::default());
    }
}

/// `target = values`, or `+=`.
pub fn put<T: Element>(mode: Output, values: &[T], target: &mut [T]) {
    assert_eq!(values.len(), target.len(), "values of a map and its copy");
    target
        .par_chunks_mut(ELEMENTS)
        .zip(values.par_chunks(ELEMENTS))
        .for_each(|(target, values)| put_serial(mode, values, target));
}

pub(crate) fn put_serial<T: Element>(mode: Output, values: &[T], target: &mut [T]) {
    match mode {
        Output::Overwrite => target.copy_from_slice(values),
        Output::Add => T::add_serial(target, values),
    }
}

/// `target += addend` on the calling thread.
pub fn add_serial<T: Element>(target: &mut [T], addend: &[T]) {
    T::add_serial(target, addend);
}

vectorized! {
    /// The loops that add to what there is.
    pub trait AccumulatingLoops<T> {
        /// `target += addend` on the calling thread.
        fn add_serial(target: &mut [T], addend: &[T]) {
            for (target, addend) in target.iter_mut().zip(addend) {
                *target = T::narrow(target.widen() + addend.widen());
            }
        }
    }
}
