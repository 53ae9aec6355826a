//! How parameters start, named as in Keras. Values are those that the tensor's device draws, so a device seeded for one
//! tensor gives that tensor the same values in every network: see [`build`](super::build).

use std::any::Any;
use std::cell::Cell;
use std::fmt::Debug;

use dfdx::prelude::{Cpu, Device, Dtype, Shape, Tensor};
use rand::distributions::Distribution;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::autodiff::values_mut;
use crate::kernels::initial::Initial;

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

    /// All values of a tensor whose device was seeded for it. This package is compiled without optimisation: an initializer for
    /// millions of values draws them elsewhere, as those of this crate do.
    fn fill(fans: Fans, seed: u64, values: &mut [f32]) {
        let mut rng = StdRng::seed_from_u64(seed);
        values.fill_with(|| Self::sample(fans, &mut rng) as f32);
    }
}

/// Uniform in ±√(6 / (fan-in + fan-out)) (Keras `GlorotUniform`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct GlorotUniform;

impl GlorotUniform {
    fn initial(fans: Fans) -> Initial {
        Initial::Uniform((6.0 / (fans.input + fans.output).max(1) as f64).sqrt())
    }
}

impl Initializer for GlorotUniform {
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        Self::initial(fans).sample(rng)
    }

    fn fill(fans: Fans, seed: u64, values: &mut [f32]) {
        Self::initial(fans).fill(seed, values);
    }
}

/// Normal with mean 0, cut at two standard deviations and then of variance 2 / fan-in (Keras `HeNormal`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HeNormal;

impl HeNormal {
    fn initial(fans: Fans) -> Initial {
        // The standard deviation of a standard normal that is cut at ±2.
        const CUT: f64 = 0.879_625_661_034_239_8;
        Initial::TruncatedNormal((2.0 / fans.input.max(1) as f64).sqrt() / CUT)
    }
}

impl Initializer for HeNormal {
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        Self::initial(fans).sample(rng)
    }

    fn fill(fans: Fans, seed: u64, values: &mut [f32]) {
        Self::initial(fans).fill(seed, values);
    }
}

/// Normal with mean 0 and standard deviation 0.01: how the paper's heads start (Keras `RandomNormal(0, 0.01)`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SmallNormal;

impl SmallNormal {
    fn initial(_: Fans) -> Initial {
        Initial::Normal(0.01)
    }
}

impl Initializer for SmallNormal {
    fn sample(fans: Fans, rng: &mut (impl Rng + ?Sized)) -> f64 {
        Self::initial(fans).sample(rng)
    }

    fn fill(fans: Fans, seed: u64, values: &mut [f32]) {
        Self::initial(fans).fill(seed, values);
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

thread_local! {
    /// The seed of the device on which a tensor is being built, if it was made for this tensor.
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Builds a tensor whose device was seeded for it alone.
pub(super) fn with_seed<R>(seed: u64, build: impl FnOnce() -> R) -> R {
    let outer = SEED.replace(Some(seed));
    let built = build();
    SEED.set(outer);
    built
}

/// Fills a tensor with an initializer's values.
pub(super) fn fill<I: Initializer, S: Shape, E: Dtype, D: Device<E>>(
    tensor: &mut Tensor<S, E, D>,
    fans: Fans,
) -> Result<(), D::Err> {
    if let Some(seed) = SEED.get()
        && let Some(tensor) = (tensor as &mut dyn Any).downcast_mut::<Tensor<S, f32, Cpu>>()
    {
        I::fill(fans, seed, values_mut(tensor));
        return Ok(());
    }
    tensor.try_fill_with_distr(Samples::<I> {
        fans,
        initializer: std::marker::PhantomData,
    })
}

#[cfg(test)]
mod tests {
    use dfdx::prelude::{Const, Cpu, ZerosTensor};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The values of a tensor on a device with a seed: as dfdx draws them one by one, and all at once.
    fn drawn<I: Initializer>() -> [Vec<f32>; 2] {
        let fans = Fans { input: 50, output: 3 };
        let draw = || {
            let mut tensor: Tensor<(Const<37>, Const<41>), f32, Cpu> = Cpu::seed_from_u64(7).zeros();
            fill::<I, _, _, _>(&mut tensor, fans).unwrap();
            tensor.as_vec()
        };
        [draw(), with_seed(7, draw)]
    }

    #[test]
    fn values_that_are_drawn_at_once_are_those_that_dfdx_draws() {
        for [one_by_one, at_once] in [drawn::<GlorotUniform>(), drawn::<HeNormal>(), drawn::<SmallNormal>()] {
            assert_eq!(one_by_one, at_once);
            assert!(one_by_one.iter().any(|value| *value != one_by_one[0]));
        }
    }

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
