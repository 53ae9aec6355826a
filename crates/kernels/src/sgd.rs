//! Stochastic gradient descent with momentum in Keras' form, and the non-negativity constraint, in one pass.

use rayon::prelude::*;

use super::elementwise::flushed;
use super::tasks::ELEMENTS;
use crate::simd::vectorized;

/// The numbers of one update.
#[derive(Debug, Clone, Copy)]
pub struct Update {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Momentum.
    pub momentum: f32,
    /// Whether negative weights become 0 after the update (Keras `NonNeg`).
    pub non_negative: bool,
}

vectorized! {
    fn update_serial(update: Update, weights: &mut [f32], velocity: &mut [f32], gradient: &[f32]) {
        for ((weight, velocity), gradient) in weights.iter_mut().zip(velocity).zip(gradient) {
            *velocity = flushed(update.momentum * *velocity - update.learning_rate * gradient);
            *weight = flushed(*weight + *velocity);
        }
        if update.non_negative {
            // NaN stays NaN: a run that has diverged must show it.
            weights
                .iter_mut()
                .for_each(|weight| *weight = if *weight < 0.0 { 0.0 } else { *weight });
        }
    }
}

/// `v ← m·v − lr·g; w ← w + v`, then the constraint. Results that are subnormal become 0: the velocity of a weight without
/// a gradient would end in one and stay there, since `0.9·v` is rounded to `v` again.
pub fn update(update: Update, weights: &mut [f32], velocity: &mut [f32], gradient: &[f32]) {
    assert_eq!(
        [velocity.len(), gradient.len()],
        [weights.len(); 2],
        "a velocity and a gradient for each weight"
    );
    let state = velocity.par_chunks_mut(ELEMENTS).zip(gradient.par_chunks(ELEMENTS));
    weights
        .par_chunks_mut(ELEMENTS)
        .zip(state)
        .for_each(|(weights, (velocity, gradient))| {
            update_serial(update, weights, velocity, gradient);
        });
}
