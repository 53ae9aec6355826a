//! How parameters start, named as in Keras. Values are drawn through the tensor's device, so a device seeded for one
//! tensor gives that tensor the same values in every network: see [`build`](super::build).

use std::fmt::Debug;

use dfdx::prelude::{Device, Dtype, Shape, Tensor};
use rand::Rng;
use rand::distributions::Distribution;

/// How many values feed a unit and how many units it feeds, as Keras counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fans {
    /// Inputs of one output.
    pub input: usize,
    /// Outputs of one input.
    pub output: usize,
}

/// A distribution of initial parameters.
pub trait Initializer: 'static + Debug + Default + Clone + Copy + Send + Sync {
    /// One value.
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64;
}

/// Uniform in ±√(6 / (fan-in + fan-out)) (Keras `GlorotUniform`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct GlorotUniform;

impl Initializer for GlorotUniform {
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        let limit = (6.0 / (fans.input + fans.output).max(1) as f64).sqrt();
        rng.gen_range(-limit..limit)
    }
}

/// Normal with mean 0, cut at two standard deviations and then of variance 2 / fan-in (Keras `HeNormal`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HeNormal;

impl Initializer for HeNormal {
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        // The standard deviation of a standard normal that is cut at ±2.
        const CUT: f64 = 0.879_625_661_034_239_8;
        let scale = (2.0 / fans.input.max(1) as f64).sqrt() / CUT;
        loop {
            let standard: f64 = rand_distr::StandardNormal.sample(rng);
            if standard.abs() <= 2.0 {
                return scale * standard;
            }
        }
    }
}

/// Normal with mean 0 and standard deviation 0.01: how the paper's heads start (Keras `RandomNormal(0, 0.01)`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SmallNormal;

impl Initializer for SmallNormal {
    fn sample(_: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        let standard: f64 = rand_distr::StandardNormal.sample(rng);
        0.01 * standard
    }
}

struct Samples<I> {
    fans: Fans,
    initializer: std::marker::PhantomData<I>,
}

impl<I: Initializer, E: Dtype> Distribution<E> for Samples<I> {
    fn sample<R: Rng + ?Sized>(&self, mut rng: &mut R) -> E {
        // Every value that an initializer draws is finite, so the conversion exists.
        E::from_f64(I::sample(self.fans, &mut rng)).unwrap_or_default()
    }
}

/// Fills a tensor with an initializer's values.
pub(super) fn fill<I: Initializer, S: Shape, E: Dtype, D: Device<E>>(
    tensor: &mut Tensor<S, E, D>,
    fans: Fans,
) -> Result<(), D::Err> {
    tensor.try_fill_with_distr(Samples::<I> {
        fans,
        initializer: std::marker::PhantomData,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn he_normal_has_keras_variance_and_no_tails() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fans = Fans { input: 50, output: 3 };
        let values: Vec<f64> = (0..100_000).map(|_| HeNormal::sample(fans, &mut rng)).collect();
        let variance = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        assert!((variance / (2.0 / 50.0) - 1.0).abs() < 0.02, "variance {variance}");
        assert!(values.iter().all(|value| value.abs() <= 2.0 * 0.2 / 0.879));
    }
}
