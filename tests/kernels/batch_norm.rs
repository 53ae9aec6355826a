//! `kernels::batch_norm`.

use rand::Rng;
use wise_srnet::kernels::batch_norm::{Affine, Statistics, gradients, normalize, statistics};
use wise_srnet::kernels::pixels::Pixels;

use crate::cases::{CHANNELS, ROWS, assert_close, assert_close_within, channels, generator, values, wide};
use crate::reference::{BatchNorm, assert_is_gradient};

const EPSILON: f32 = 1e-3;

/// A map whose channels differ in mean and deviation.
fn map(rows: usize, channels: usize, rng: &mut impl Rng) -> Vec<f32> {
    let (means, deviations) = (values(channels, rng), values(channels, rng));
    (0..rows * channels)
        .map(|index| 5.0 * means[index % channels] + (1.5 + deviations[index % channels]) * rng.gen_range(-1.0..1.0))
        .collect()
}

fn check(rows: usize, channels: usize, relu: bool, rng: &mut impl Rng) {
    let what = |part: &'static str| format!("{rows} rows, {channels} channels, relu {relu}: {part}");
    let (x, gamma, beta) = (map(rows, channels, rng), values(channels, rng), values(channels, rng));
    let (x64, gamma64, beta64) = (wide(&x), wide(&gamma), wide(&beta));
    let reference = BatchNorm {
        channels,
        epsilon: f64::from(EPSILON),
        gamma: &gamma64,
        beta: &beta64,
    };
    let batch = statistics(Pixels::whole(&x, channels));
    let (means, variances): (Vec<f64>, Vec<f64>) = reference.statistics(&x64).into_iter().unzip();
    assert_close(what("mean"), &batch.mean, &means);
    assert_close(what("variance"), &batch.variance, &variances);

    let affine = Affine::new(&batch, EPSILON, &gamma, &beta, relu);
    let mut y = values(x.len(), rng);
    normalize(Pixels::whole(&x, channels), &affine, None, &mut y);
    let mut expected = reference.forward(&x64);
    if relu {
        expected.iter_mut().for_each(|value| *value = value.max(0.0));
    }
    assert_close(what("output"), &y, &expected);

    let dy = values(x.len(), rng);
    // ReLU passes a gradient where its output, just checked, is positive.
    let gated: Vec<f64> = dy
        .iter()
        .zip(&y)
        .map(|(&dy, &y)| if relu && y <= 0.0 { 0.0 } else { f64::from(dy) })
        .collect();
    let [dx, dgamma, dbeta] = reference.gradients(&x64, &gated);
    let mut gradient = dy.clone();
    let parameters = gradients(&mut gradient, Pixels::whole(&x, channels), &affine);
    assert_close(what("input gradient"), &gradient, &dx);
    assert_close(what("gradient of γ"), &parameters.gamma, &dgamma);
    assert_close(what("gradient of β"), &parameters.beta, &dbeta);
}

#[test]
fn equals_the_definition_for_random_sizes_with_and_without_relu() {
    let mut rng = generator(51);
    for case in 0..150 {
        let (rows, channels) = (rng.gen_range(2..=300), channels(&mut rng));
        check(rows, channels, case % 2 == 0, &mut rng);
    }
}

#[test]
fn equals_the_definition_where_it_is_divided_into_tasks() {
    let mut rng = generator(52);
    for (rows, channels) in [(70_001, 1), (12_000, 17), (2_500, 40), (100, 1_700)] {
        check(rows, channels, false, &mut rng);
        check(rows, channels, true, &mut rng);
    }
}

#[test]
fn equals_the_definition_around_the_sizes_of_vector_registers() {
    let mut rng = generator(55);
    for rows in ROWS {
        for channels in CHANNELS {
            check(rows, channels, channels % 2 == 0, &mut rng);
        }
    }
}

#[test]
fn nothing_cancels_where_the_mean_is_far_larger_than_the_deviation() {
    let mut rng = generator(53);
    let x: Vec<f32> = (0..40_000).map(|_| 4_096.0 + rng.gen_range(-1.0..1.0)).collect();
    let x64 = wide(&x);
    let reference = BatchNorm {
        channels: 1,
        epsilon: f64::from(EPSILON),
        gamma: &[1.0],
        beta: &[0.0],
    };
    let batch = statistics(Pixels::whole(&x, 1));
    let (mean, variance) = reference.statistics(&x64)[0];
    assert_close("mean", &batch.mean, &[mean]);
    assert_close("variance", &batch.variance, &[variance]);
    let mut y = vec![0.0; x.len()];
    let affine = Affine::new(&batch, EPSILON, &[1.0], &[0.0], false);
    normalize(Pixels::whole(&x, 1), &affine, None, &mut y);
    // The mean itself is rounded to 1/4096.
    assert_close_within(2e-4, "output", &y, &reference.forward(&x64));
}

#[test]
fn normalises_by_the_statistics_it_is_given() {
    let running = Statistics {
        mean: vec![1.0, -2.0],
        variance: vec![4.0, 0.25],
    };
    let affine = Affine::new(&running, 0.0, &[1.0, 3.0], &[0.5, -1.0], false);
    let mut y = [0.0; 4];
    normalize(Pixels::whole(&[3.0, -2.0, 1.0, -1.0], 2), &affine, None, &mut y);
    assert_eq!(y, [1.5, -1.0, 0.5, 5.0]);
}

#[test]
fn a_nan_stays_visible_with_and_without_relu() {
    let running = Statistics {
        mean: vec![0.0],
        variance: vec![1.0],
    };
    for relu in [false, true] {
        let affine = Affine::new(&running, EPSILON, &[1.0], &[0.0], relu);
        let mut y = [0.0; 2];
        normalize(Pixels::whole(&[f32::NAN, 1.0], 1), &affine, None, &mut y);
        assert!(y[0].is_nan() && y[1] > 0.0);
    }
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(54);
    let (x, dy) = (wide(&map(7, 3, &mut rng)), wide(&values(21, &mut rng)));
    let (gamma, beta) = (wide(&values(3, &mut rng)), wide(&values(3, &mut rng)));
    let with = |x: &[f64], gamma: &[f64], beta: &[f64]| {
        let epsilon = f64::from(EPSILON);
        let layer = BatchNorm {
            channels: 3,
            epsilon,
            gamma,
            beta,
        };
        (layer.forward(x), layer.gradients(x, &dy))
    };
    let [dx, dgamma, dbeta] = with(&x, &gamma, &beta).1;
    assert_is_gradient("input", |x| with(x, &gamma, &beta).0, &x, &dy, &dx);
    assert_is_gradient("γ", |gamma| with(&x, gamma, &beta).0, &gamma, &dy, &dgamma);
    assert_is_gradient("β", |beta| with(&x, &gamma, beta).0, &beta, &dy, &dbeta);
}
