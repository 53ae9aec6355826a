//! Sums over the pixels of a batch, channel by channel: partial sums of fixed runs of pixels, added in order.

use rayon::prelude::*;

use super::accumulate::{Output, keep_or_clear};
use super::element::Element;
use super::tasks;
use crate::simd::vectorized;

vectorized! {
    /// The loops of sums over pixels.
    pub trait SummingLoops<T> {
        /// `sums += Σ rows`.
        fn add_rows(rows: &[T], sums: &mut [f32]) {
            for row in rows.chunks_exact(sums.len()) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += value.widen();
                }
            }
        }
    }
}

/// Sums computed run by run (`partial(first row of the run, number of rows) -> sums`), added in f64 in the runs' order.
pub fn sum_runs<const SUMS: usize>(
    rows: usize,
    channels: usize,
    partial: impl Fn(usize, usize) -> [Vec<f32>; SUMS] + Sync,
) -> [Vec<f64>; SUMS] {
    let run = tasks::summed_run(channels);
    let parts: Vec<[Vec<f32>; SUMS]> = (0..rows.div_ceil(run))
        .into_par_iter()
        .map(|index| partial(index * run, run.min(rows - index * run)))
        .collect();
    let mut sums = [(); SUMS].map(|()| vec![0.0f64; channels]);
    for part in &parts {
        for (sums, part) in sums.iter_mut().zip(part) {
            for (sum, &value) in sums.iter_mut().zip(part) {
                *sum += f64::from(value);
            }
        }
    }
    sums
}

/// `sums[c] = Σ over pixels of map[pixel][c]`, or `+=`: the gradient of a bias.
pub fn channel_sums<T: Element>(map: &[T], mode: Output, sums: &mut [f32]) {
    let channels = sums.len();
    if channels == 0 {
        return;
    }
    let [totals] = sum_runs(map.len() / channels, channels, |first, rows| {
        let mut part = vec![0.0; channels];
        T::add_rows(&map[first * channels..(first + rows) * channels], &mut part);
        [part]
    });
    keep_or_clear(mode, sums);
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum += total as f32;
    }
}
