//! Batch normalisation over the pixels of a batch, with an optional ReLU behind it in the same pass.
//!
//! Source: Ioffe & Szegedy 2015; details as Keras' `BatchNormalization` (population variance, ε inside the root).

use std::ops::Range;

use rayon::prelude::*;

use super::accumulate::Output;
use super::element::Element;
use super::elementwise::{at_least, floor, flushed};
use super::pixels::{Pixels, PixelsMut, Place};
use super::{length, reduction, tasks};
use crate::simd::vectorized;

/// Mean and population variance of each channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Mean over batch, height and width.
    pub mean: Vec<f32>,
    /// Population variance over batch, height and width.
    pub variance: Vec<f32>,
}

impl Statistics {
    /// Those of maps whose channels are put side by side.
    pub fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let (mut mean, mut variance) = (Vec::new(), Vec::new());
        for mut part in parts {
            mean.append(&mut part.mean);
            variance.append(&mut part.variance);
        }
        Self { mean, variance }
    }
}

/// Moves a running statistic towards a batch's: `running ← momentum · running + (1 − momentum) · batch`.
pub fn move_running(running: &mut [f32], batch: &[f32], momentum: f32) {
    for (running, batch) in running.iter_mut().zip(batch) {
        *running = flushed(*running * momentum + batch * (1.0 - momentum));
    }
}

/// What a normalisation does to each channel: `y = scale · (x − mean) + offset`, and ReLU on top if it has one.
#[derive(Debug, Clone)]
pub struct Affine {
    scale: Vec<f32>,
    mean: Vec<f32>,
    offset: Vec<f32>,
    inverse_deviation: Vec<f32>,
    /// The smallest result.
    floor: f32,
}

impl Affine {
    /// From statistics, ε, γ and β.
    pub fn new(statistics: &Statistics, epsilon: f32, gamma: &[f32], beta: &[f32], relu: bool) -> Self {
        let channels = statistics.mean.len();
        assert_eq!(
            [statistics.variance.len(), gamma.len(), beta.len()],
            [channels; 3],
            "numbers of each channel"
        );
        let inverse_deviation: Vec<f32> = statistics.variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        let scale = inverse_deviation
            .iter()
            .zip(gamma)
            .map(|(inverse, gamma)| inverse * gamma)
            .collect();
        Self {
            scale,
            mean: statistics.mean.clone(),
            offset: beta.to_vec(),
            inverse_deviation,
            floor: floor(relu),
        }
    }

    /// How many channels it normalises.
    pub fn channels(&self) -> usize {
        self.scale.len()
    }
}

/// Mean and squared deviations of runs of pixels: each run is measured by itself, and all are merged in order (Chan et al.), so
/// nothing cancels however far the mean is from zero.
#[derive(Debug, Default)]
pub struct Moments {
    channels: usize,
    pixels: usize,
    /// Of each run, the means of all channels and then their squared deviations.
    values: Vec<f32>,
}

impl Moments {
    /// Prepares for maps of so many pixels.
    pub(super) fn prepare(&mut self, pixels: usize, channels: usize) {
        (self.channels, self.pixels) = (channels, pixels);
        let runs = pixels.div_ceil(self.run());
        self.values.clear();
        self.values.resize(length::of(&[runs, 2, channels]), 0.0);
    }

    /// Pixels of a run: as many as a task of a matrix product makes.
    fn run(&self) -> usize {
        tasks::product_rows(self.pixels)
    }

    /// The places of all runs' moments, in order.
    pub(super) fn runs(&mut self) -> impl IndexedParallelIterator<Item = &mut [f32]> {
        self.values.par_chunks_exact_mut((2 * self.channels).max(1))
    }

    /// Measures maps that have been prepared for.
    fn measure<T: Element>(&mut self, x: Pixels<'_, T>) {
        let (run, pixels) = (self.run(), self.pixels);
        self.runs().enumerate().for_each(|(index, moments)| {
            T::run_moments(x, index * run..pixels.min((index + 1) * run), moments);
        });
    }

    /// The statistics of all runs together.
    pub fn merge(&self, statistics: &mut Statistics) {
        let (channels, run) = (self.channels, self.run());
        let (mut mean, mut squares) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        let mut seen = 0.0;
        for (index, moments) in self.values.chunks_exact((2 * channels).max(1)).enumerate() {
            let count = run.min(self.pixels - index * run) as f64;
            let share = count / (seen + count);
            for channel in 0..channels {
                let difference = f64::from(moments[channel]) - mean[channel];
                mean[channel] += difference * share;
                squares[channel] += f64::from(moments[channels + channel]) + difference * difference * seen * share;
            }
            seen += count;
        }
        statistics.mean.clear();
        statistics.mean.extend(mean.iter().map(|&mean| mean as f32));
        statistics.variance.clear();
        let variance = squares.iter().map(|&squares| (squares / seen.max(1.0)) as f32);
        statistics.variance.extend(variance);
    }
}

vectorized! {
    /// The loops of batch normalisation, each over a run of pixels.
    pub trait NormalizingLoops<T> {
        /// The means and the squared deviations of a run of pixels, over zeros.
        fn run_moments(x: Pixels<'_, T>, run: Range<usize>, moments: &mut [f32]) {
            let (mean, squares) = moments.split_at_mut(moments.len() / 2);
            // Summed as distances from the first pixel, so that a mean far from zero costs no digits.
            let origin = x.pixel(run.start);
            for row in x.rows(run.clone()) {
                for ((mean, value), origin) in mean.iter_mut().zip(row).zip(origin) {
                    *mean += value.widen() - origin.widen();
                }
            }
            let count = run.len() as f32;
            for (mean, origin) in mean.iter_mut().zip(origin) {
                *mean = origin.widen() + *mean / count;
            }
            for row in x.rows(run) {
                for ((squares, mean), value) in squares.iter_mut().zip(mean.iter()).zip(row) {
                    let deviation = value.widen() - mean;
                    *squares += deviation * deviation;
                }
            }
        }

        /// Normalises some pixels, and adds the same pixels' values of `addend`. Of all channels those of the range are written, side by
        /// side, with a distance between pixels.
        fn normalize_rows(
            x: Pixels<'_, T>,
            pixels: Range<usize>,
            channels: Range<usize>,
            affine: &Affine,
            addend: Option<Addend<'_, T>>,
            y: &mut [T],
            stride: usize,
        ) {
            let columns = channels.len();
            let Affine {
                scale, mean, offset, ..
            } = affine;
            let (scale, mean, offset) = (
                &scale[channels.clone()],
                &mean[channels.clone()],
                &offset[channels.clone()],
            );
            let first = pixels.start;
            for (row, (x, y)) in x.rows(pixels).zip(y.chunks_exact_mut(stride)).enumerate() {
                let (x, y) = (&x[channels.clone()], &mut y[..columns]);
                let coefficients = scale.iter().zip(mean).zip(offset);
                match addend {
                    None => {
                        for ((y, x), ((scale, mean), offset)) in y.iter_mut().zip(x).zip(coefficients) {
                            *y = T::narrow(at_least(affine.floor, (x.widen() - mean) * scale + offset));
                        }
                    }
                    Some(addend) => {
                        let sum_floor = floor(addend.relu);
                        let more = &addend.pixels.pixel(first + row)[channels.clone()];
                        let values = y.iter_mut().zip(x).zip(more).zip(coefficients);
                        match addend.pixels.affine() {
                            None => {
                                for (((y, x), more), ((scale, mean), offset)) in values {
                                    let more = more.widen();
                                    let value = at_least(affine.floor, (x.widen() - mean) * scale + offset);
                                    *y = T::narrow(at_least(sum_floor, value + more));
                                }
                            }
                            Some(other) => {
                                let others = other.scale[channels.clone()].iter();
                                let others = others
                                    .zip(&other.mean[channels.clone()])
                                    .zip(&other.offset[channels.clone()]);
                                for ((((y, x), more), ((scale, mean), offset)), others) in values.zip(others) {
                                    let ((scale2, mean2), offset2) = others;
                                    let more = at_least(other.floor, (more.widen() - mean2) * scale2 + offset2);
                                    let value = at_least(affine.floor, (x.widen() - mean) * scale + offset);
                                    *y = T::narrow(at_least(sum_floor, value + more));
                                }
                            }
                        }
                    }
                }
            }
        }

        /// `Σ dz` and `Σ dz · x̂` over the rows, where `dz` is `dy` behind the ReLU's gate.
        fn run_gradient_sums(
            dy: &[T],
            x: Pixels<'_, T>,
            run: Range<usize>,
            affine: &Affine,
            sums: &mut [f32],
            products: &mut [f32],
        ) {
            let channels = sums.len();
            for (dy, x) in dy.chunks_exact(channels).zip(x.rows(run)) {
                let coefficients = affine.scale.iter().zip(&affine.offset).zip(&affine.mean);
                let coefficients = coefficients.zip(&affine.inverse_deviation);
                let totals = sums.iter_mut().zip(products.iter_mut());
                for (((dy, x), (((scale, offset), mean), inverse)), (sum, product)) in
                    dy.iter().zip(x).zip(coefficients).zip(totals)
                {
                    let centred = x.widen() - mean;
                    let dz = gated(dy.widen(), centred * scale + offset, affine.floor);
                    *sum += dz;
                    *product += dz * (centred * inverse);
                }
            }
        }

        /// The gradient of a run's inputs, in the place of that of its outputs.
        fn run_in_place(dy: &mut [T], x: Pixels<'_, T>, run: Range<usize>, affine: &Affine, sums: &Sums) {
            for (dy, x) in dy.chunks_exact_mut(affine.scale.len()).zip(x.rows(run)) {
                for ((dy, x), coefficients) in dy.iter_mut().zip(x).zip(coefficients(affine, sums)) {
                    *dy = T::narrow(gradient_of(dy.widen(), x.widen(), coefficients, affine.floor));
                }
            }
        }

        /// The gradient of a run's inputs, in channels of a wider map, written or added.
        fn run_apart(
            dy: &[T],
            x: Pixels<'_, T>,
            run: Range<usize>,
            affine: &Affine,
            sums: &Sums,
            target: (Output, Place),
            dx: &mut [T],
        ) {
            let (mode, place) = target;
            let pixels = dy.chunks_exact(affine.scale.len()).zip(x.rows(run));
            for ((dy, x), dx) in pixels.zip(dx.chunks_exact_mut(place.all)) {
                let dx = &mut dx[place.range()];
                let values = dx.iter_mut().zip(dy).zip(x).zip(coefficients(affine, sums));
                match mode {
                    Output::Overwrite => {
                        for (((dx, dy), x), coefficients) in values {
                            *dx = T::narrow(gradient_of(dy.widen(), x.widen(), coefficients, affine.floor));
                        }
                    }
                    Output::Add => {
                        for (((dx, dy), x), coefficients) in values {
                            let gradient = gradient_of(dy.widen(), x.widen(), coefficients, affine.floor);
                            *dx = T::narrow(dx.widen() + gradient);
                        }
                    }
                }
            }
        }
    }
}

/// The batch's statistics, of pixels as they are.
pub fn statistics<T: Element>(x: Pixels<'_, T>) -> Statistics {
    let mut statistics = Statistics::default();
    measure(x, &mut Moments::default(), &mut statistics);
    statistics
}

/// As [`statistics`], with moments and statistics whose memory is used again.
pub fn measure<T: Element>(x: Pixels<'_, T>, moments: &mut Moments, statistics: &mut Statistics) {
    self::moments(x, moments);
    moments.merge(statistics);
}

/// The moments of pixels as they are.
pub fn moments<T: Element>(x: Pixels<'_, T>, moments: &mut Moments) {
    moments.prepare(x.count(), x.channels());
    moments.measure(x);
}

/// A map that is added to a normalised one.
#[derive(Clone, Copy)]
pub struct Addend<'a, T = f32> {
    /// As it is, or normalised on the way.
    pub pixels: Pixels<'a, T>,
    /// Whether negative sums become 0.
    pub relu: bool,
}

/// `y = scale · (x − mean) + offset`, with the normalisation's ReLU on top if it has one, and the addend on top of that.
pub fn normalize<T: Element>(x: Pixels<'_, T>, affine: &Affine, addend: Option<Addend<'_, T>>, y: &mut [T]) {
    let channels = affine.channels();
    let sizes = |pixels: &Pixels<'_, T>| [pixels.count(), pixels.channels()];
    assert!(
        sizes(&x) == [y.len().checked_div(channels).unwrap_or(0), channels]
            && y.len().checked_rem(channels).unwrap_or(0) == 0
            && addend.is_none_or(|addend| sizes(&addend.pixels) == sizes(&x)),
        "values of input and output"
    );
    let run = tasks::rows_of(channels);
    y.par_chunks_mut((run * channels).max(1))
        .enumerate()
        .for_each(|(task, y)| {
            let pixels = task * run..task * run + y.len() / channels;
            T::normalize_rows(x, pixels, 0..channels, affine, addend, y, channels);
        });
}

/// The gradient behind the ReLU's gate, which is open where the output is above its floor.
#[inline(always)]
fn gated(dy: f32, output: f32, floor: f32) -> f32 {
    if output > floor { dy } else { 0.0 }
}

/// What a value's gradient is made of, channel by channel.
type Coefficients<'a> = ((((&'a f32, &'a f32), &'a f32), &'a f32), (&'a f32, &'a f32));

#[inline(always)]
fn coefficients<'a>(affine: &'a Affine, sums: &'a Sums) -> impl Iterator<Item = Coefficients<'a>> {
    let of_channel = affine.scale.iter().zip(&affine.offset).zip(&affine.mean);
    let of_channel = of_channel.zip(&affine.inverse_deviation);
    of_channel.zip(sums.mean_dz.iter().zip(&sums.mean_product))
}

/// `dx = scale · (dz − mean(dz) − x̂ · mean(dz · x̂))`.
#[inline(always)]
fn gradient_of(dy: f32, x: f32, coefficients: Coefficients<'_>, floor: f32) -> f32 {
    let ((((scale, offset), mean), inverse), (mean_dz, mean_product)) = coefficients;
    let centred = x - mean;
    let dz = gated(dy, centred * scale + offset, floor);
    scale * (dz - mean_dz - centred * inverse * mean_product)
}

/// The gradients of γ and β.
pub struct ParameterGradients {
    /// `Σ dz · x̂`.
    pub gamma: Vec<f32>,
    /// `Σ dz`.
    pub beta: Vec<f32>,
}

/// What the gradient of a value needs to know of all values of its channel.
pub struct Sums {
    mean_dz: Vec<f32>,
    mean_product: Vec<f32>,
}

fn sums<T: Element>(dy: &[T], x: Pixels<'_, T>, affine: &Affine) -> (Sums, ParameterGradients) {
    let (channels, rows) = (affine.channels(), x.count());
    assert_eq!(
        [dy.len(), x.channels()],
        [length::of(&[rows, channels]), channels],
        "values of the input and the output's gradient"
    );
    let [beta, gamma] = reduction::sum_runs(rows, channels, |first, count| {
        let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
        let run = first..first + count;
        let dy = &dy[first * channels..(first + count) * channels];
        T::run_gradient_sums(dy, x, run, affine, &mut sums, &mut products);
        [sums, products]
    });
    let mean_of = |sums: &[f64]| sums.iter().map(|sum| (sum / rows.max(1) as f64) as f32).collect();
    let sums = Sums {
        mean_dz: mean_of(&beta),
        mean_product: mean_of(&gamma),
    };
    let to_f32 = |sums: Vec<f64>| sums.into_iter().map(|sum| sum as f32).collect();
    let parameters = ParameterGradients {
        gamma: to_f32(gamma),
        beta: to_f32(beta),
    };
    (sums, parameters)
}

/// Turns the gradient of the output into that of the input, and returns those of γ and β, for a normalisation by the
/// batch's own statistics.
pub fn gradients<T: Element>(dy: &mut [T], x: Pixels<'_, T>, affine: &Affine) -> ParameterGradients {
    let (sums, parameters) = sums(dy, x, affine);
    let (channels, run) = (affine.channels(), tasks::rows_of(affine.channels()));
    dy.par_chunks_mut((run * channels).max(1))
        .enumerate()
        .for_each(|(task, dy)| {
            let pixels = task * run..task * run + dy.len() / channels;
            T::run_in_place(dy, x, pixels, affine, &sums);
        });
    parameters
}

/// As [`gradients`], but with the input's gradient in a place of its own, which is written or added to.
pub fn gradients_apart<T: Element>(
    dy: &[T],
    x: Pixels<'_, T>,
    affine: &Affine,
    mode: Output,
    dx: PixelsMut<'_, T>,
) -> ParameterGradients {
    let (channels, place) = (affine.channels(), dx.place());
    assert_eq!(
        [dx.count(), place.channels],
        [x.count(), channels],
        "values of the input's gradient"
    );
    let (sums, parameters) = sums(dy, x, affine);
    let run = tasks::rows_of(channels);
    let tasks = dx.values.par_chunks_mut((run * place.all).max(1));
    tasks
        .zip(dy.par_chunks((run * channels).max(1)))
        .enumerate()
        .for_each(|(task, (dx, dy))| {
            let pixels = task * run..task * run + dy.len() / channels;
            T::run_apart(dy, x, pixels, affine, &sums, (mode, place), dx);
        });
    parameters
}
