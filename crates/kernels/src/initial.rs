//! Values that parameters start with, each tensor's from a seed of its own.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// Uniform in ±`limit`.
pub fn uniform(seed: u64, limit: f64, values: &mut [f32]) {
    let mut random = StdRng::seed_from_u64(seed);
    values.fill_with(|| random.gen_range(-limit..limit) as f32);
}

/// Normal with mean 0.
pub fn normal(seed: u64, deviation: f64, values: &mut [f32]) {
    let mut random = StdRng::seed_from_u64(seed);
    values.fill_with(|| (deviation * standard_normal(&mut random)) as f32);
}

/// Normal with mean 0, cut at two deviations.
pub fn truncated_normal(seed: u64, deviation: f64, values: &mut [f32]) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut sample = || loop {
        let standard = standard_normal(&mut random);
        if standard.abs() <= 2.0 {
            return deviation * standard;
        }
    };
    values.fill_with(|| sample() as f32);
}

fn standard_normal(random: &mut StdRng) -> f64 {
    StandardNormal.sample(random)
}
