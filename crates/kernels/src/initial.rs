//! Distributions of the values that parameters start with.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// A distribution with mean 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// Uniform in ± this limit.
    Uniform(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// Normal with this standard deviation, cut at two of them.
    TruncatedNormal(f64),
}

impl Initial {
    /// One value.
    pub fn sample(self, random: &mut (impl Rng + ?Sized)) -> f64 {
        match self {
            Self::Uniform(limit) => random.gen_range(-limit..limit),
            Self::Normal(deviation) => {
                let standard: f64 = StandardNormal.sample(random);
                deviation * standard
            }
            Self::TruncatedNormal(deviation) => loop {
                let standard: f64 = StandardNormal.sample(random);
                if standard.abs() <= 2.0 {
                    return deviation * standard;
                }
            },
        }
    }

    /// All values of a tensor, from a seed of its own.
    pub fn fill(self, seed: u64, values: &mut [f32]) {
        let mut random = StdRng::seed_from_u64(seed);
        values.fill_with(|| self.sample(&mut random) as f32);
    }
}
