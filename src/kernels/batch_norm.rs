//! Batch normalisation over the pixels of a batch, with an optional ReLU behind it in the same pass.
//!
//! Source: Ioffe & Szegedy 2015; details as Keras' `BatchNormalization` (population variance, ε inside the root).

use multiversion::multiversion;
use rayon::prelude::*;

use super::elementwise::{at_least, floor, flushed};
use super::reduction;
use super::tasks;

/// Mean and population variance of each channel.
#[derive(Debug, Clone)]
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

/// What a normalisation does to each channel: `y = scale · (x − mean) + offset`.
#[derive(Debug, Clone)]
pub struct Affine {
    scale: Vec<f32>,
    mean: Vec<f32>,
    offset: Vec<f32>,
    inverse_deviation: Vec<f32>,
}

impl Affine {
    /// From statistics, ε, γ and β.
    pub fn new(statistics: &Statistics, epsilon: f32, gamma: &[f32], beta: &[f32]) -> Self {
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
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn run_moments(rows: &[f32], mean: &mut [f32], squares: &mut [f32]) {
    let channels = mean.len();
    // Summed as distances from the first row, so that a mean far from zero costs no digits.
    let origin = &rows[..channels];
    for row in rows.chunks_exact(channels) {
        for ((mean, value), origin) in mean.iter_mut().zip(row).zip(origin) {
            *mean += value - origin;
        }
    }
    let count = (rows.len() / channels) as f32;
    for (mean, origin) in mean.iter_mut().zip(origin) {
        *mean = origin + *mean / count;
    }
    for row in rows.chunks_exact(channels) {
        for ((squares, mean), value) in squares.iter_mut().zip(mean.iter()).zip(row) {
            let deviation = value - mean;
            *squares += deviation * deviation;
        }
    }
}

/// The batch's statistics: each run of pixels has its own mean and squared deviations, which are then merged in order
/// (Chan et al.), so nothing cancels however far the mean is from zero.
pub fn statistics(x: &[f32], channels: usize) -> Statistics {
    let rows = x.len() / channels;
    let run = tasks::summed_run(channels);
    let moments: Vec<(Vec<f32>, Vec<f32>)> = x
        .par_chunks(run * channels)
        .map(|rows| {
            let (mut mean, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
            run_moments(rows, &mut mean, &mut squares);
            (mean, squares)
        })
        .collect();
    let (mut mean, mut squares) = (vec![0.0f64; channels], vec![0.0f64; channels]);
    let mut seen = 0.0;
    for (index, (run_mean, run_squares)) in moments.iter().enumerate() {
        let count = run.min(rows - index * run) as f64;
        let share = count / (seen + count);
        for channel in 0..channels {
            let difference = f64::from(run_mean[channel]) - mean[channel];
            mean[channel] += difference * share;
            squares[channel] += f64::from(run_squares[channel]) + difference * difference * seen * share;
        }
        seen += count;
    }
    Statistics {
        mean: mean.iter().map(|&mean| mean as f32).collect(),
        variance: squares
            .iter()
            .map(|&squares| (squares / seen.max(1.0)) as f32)
            .collect(),
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn normalize_rows(x: &[f32], affine: &Affine, floor: f32, y: &mut [f32]) {
    let channels = affine.scale.len();
    for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        let coefficients = affine.scale.iter().zip(&affine.mean).zip(&affine.offset);
        for ((y, x), ((scale, mean), offset)) in y.iter_mut().zip(x).zip(coefficients) {
            *y = at_least(floor, (x - mean) * scale + offset);
        }
    }
}

/// `y = scale · (x − mean) + offset`, and ReLU on top if `relu`.
pub fn normalize(x: &[f32], affine: &Affine, relu: bool, y: &mut [f32]) {
    let channels = affine.scale.len();
    assert_eq!(
        [x.len(), x.len() % channels],
        [y.len(), 0],
        "values of input and output"
    );
    let run = tasks::rows_of(channels) * channels;
    let floor = floor(relu);
    y.par_chunks_mut(run).zip(x.par_chunks(run)).for_each(|(y, x)| {
        normalize_rows(x, affine, floor, y);
    });
}

/// The gradient behind the ReLU's gate, which is open where the output is above its floor.
#[inline(always)]
fn gated(dy: f32, output: f32, floor: f32) -> f32 {
    if output > floor { dy } else { 0.0 }
}

/// `Σ dz` and `Σ dz · x̂` over the rows, where `dz` is `dy` behind the ReLU's gate.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn run_gradient_sums(dy: &[f32], x: &[f32], affine: &Affine, floor: f32, sums: &mut [f32], products: &mut [f32]) {
    let channels = sums.len();
    for (dy, x) in dy.chunks_exact(channels).zip(x.chunks_exact(channels)) {
        let coefficients = affine.scale.iter().zip(&affine.offset).zip(&affine.mean);
        let coefficients = coefficients.zip(&affine.inverse_deviation);
        let totals = sums.iter_mut().zip(products.iter_mut());
        for (((dy, x), (((scale, offset), mean), inverse)), (sum, product)) in
            dy.iter().zip(x).zip(coefficients).zip(totals)
        {
            let centred = x - mean;
            let dz = gated(*dy, centred * scale + offset, floor);
            *sum += dz;
            *product += dz * (centred * inverse);
        }
    }
}

/// `dx = scale · (dz − mean(dz) − x̂ · mean(dz · x̂))` of the rows of a task; without `dy` apart, `dx` holds it.
#[inline(always)]
fn input_gradient_of(dy: Option<&[f32]>, x: &[f32], affine: &Affine, sums: &Sums, dx: &mut [f32]) {
    let channels = affine.scale.len();
    for (row, (dx, x)) in dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels)).enumerate() {
        let dy = dy.map(|dy| &dy[row * channels..(row + 1) * channels]);
        let coefficients = affine.scale.iter().zip(&affine.offset).zip(&affine.mean);
        let coefficients = coefficients.zip(&affine.inverse_deviation);
        let means = sums.mean_dz.iter().zip(&sums.mean_product);
        let values = dx.iter_mut().zip(x).zip(coefficients).zip(means);
        for (channel, (((dx, x), (((scale, offset), mean), inverse)), (mean_dz, mean_product))) in values.enumerate() {
            let centred = x - mean;
            let dz = gated(dy.map_or(*dx, |dy| dy[channel]), centred * scale + offset, sums.floor);
            *dx = scale * (dz - mean_dz - centred * inverse * mean_product);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn run_in_place(dy: &mut [f32], x: &[f32], affine: &Affine, sums: &Sums) {
    input_gradient_of(None, x, affine, sums, dy);
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma", "aarch64+neon"))]
fn run_apart(dy: &[f32], x: &[f32], affine: &Affine, sums: &Sums, dx: &mut [f32]) {
    input_gradient_of(Some(dy), x, affine, sums, dx);
}

/// The gradients of γ and β.
pub struct ParameterGradients {
    /// `Σ dz · x̂`.
    pub gamma: Vec<f32>,
    /// `Σ dz`.
    pub beta: Vec<f32>,
}

/// What the gradient of a value needs to know of all values of its channel.
struct Sums {
    floor: f32,
    mean_dz: Vec<f32>,
    mean_product: Vec<f32>,
}

fn sums(dy: &[f32], x: &[f32], affine: &Affine, relu: bool) -> (Sums, ParameterGradients) {
    let channels = affine.scale.len();
    assert_eq!(
        [dy.len(), x.len() % channels],
        [x.len(), 0],
        "values of the input and the output's gradient"
    );
    let (rows, floor) = (x.len() / channels, floor(relu));
    let [beta, gamma] = reduction::sum_runs(rows, channels, |first, count| {
        let run = first * channels..(first + count) * channels;
        let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
        run_gradient_sums(&dy[run.clone()], &x[run], affine, floor, &mut sums, &mut products);
        [sums, products]
    });
    let mean_of = |sums: &[f64]| sums.iter().map(|sum| (sum / rows.max(1) as f64) as f32).collect();
    let sums = Sums {
        floor,
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
pub fn gradients(dy: &mut [f32], x: &[f32], affine: &Affine, relu: bool) -> ParameterGradients {
    let (sums, parameters) = sums(dy, x, affine, relu);
    let run = tasks::rows_of(affine.scale.len()) * affine.scale.len();
    dy.par_chunks_mut(run)
        .zip(x.par_chunks(run))
        .for_each(|(dy, x)| run_in_place(dy, x, affine, &sums));
    parameters
}

/// As [`gradients`], but with the input's gradient in a place of its own.
pub fn gradients_apart(dy: &[f32], x: &[f32], affine: &Affine, relu: bool, dx: &mut [f32]) -> ParameterGradients {
    assert_eq!(dx.len(), x.len(), "values of the input's gradient");
    let (sums, parameters) = sums(dy, x, affine, relu);
    let run = tasks::rows_of(affine.scale.len()) * affine.scale.len();
    dx.par_chunks_mut(run)
        .zip(dy.par_chunks(run).zip(x.par_chunks(run)))
        .for_each(|(dx, (dy, x))| run_apart(dy, x, affine, &sums, dx));
    parameters
}
