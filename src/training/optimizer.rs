//! Stochastic gradient descent with momentum over a whole model.

use serde::{Deserialize, Serialize};

use super::model::{Model, Step};
use crate::device::UpdateRule;
use crate::kernels::sgd::{Update, update};
use crate::layers::{Parameter, Visited};

/// Stochastic gradient descent with momentum as Keras does it: `v ← momentum·v − rate·g; w ← w + v`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Share of the velocity that the next step keeps, in [0, 1).
    pub momentum: f64,
}

impl Default for Optimizer {
    /// The notebooks' values.
    fn default() -> Self {
        Self {
            learning_rate: 0.045,
            momentum: 0.9,
        }
    }
}

/// The optimizer's state: one velocity for each trainable parameter, in the order of the model's visits.
#[derive(Debug, Clone, Default)]
pub struct Sgd {
    momentum: f32,
    velocities: Vec<Vec<f32>>,
}

impl Sgd {
    /// At rest: all velocities are 0.
    pub fn new(model: &mut dyn Model, momentum: f64) -> Self {
        let mut velocities = Vec::new();
        model.for_each(&mut |visited| {
            if let Visited::Tensor(Parameter {
                trainable: true,
                values,
                ..
            }) = visited
            {
                velocities.push(vec![0.0; values.len()]);
            }
        });
        Self {
            momentum: momentum as f32,
            velocities,
        }
    }

    /// What a step does to parameters, and the velocities that it moves.
    pub(super) fn rule(&mut self, learning_rate: f64) -> UpdateRule<'_> {
        UpdateRule {
            numbers: Update {
                learning_rate: learning_rate as f32,
                momentum: self.momentum,
                non_negative: false,
            },
            velocities: &mut self.velocities,
        }
    }

    /// Applies a step's gradients to all trainable parameters, then their constraints.
    pub fn update(&mut self, model: &mut dyn Model, step: &mut Step, learning_rate: f64) {
        let UpdateRule { numbers, velocities } = self.rule(learning_rate);
        let mut velocities = velocities.iter_mut();
        model.for_each_with_gradients(step, &mut |visited| {
            let Visited::Tensor(parameter) = visited else { return };
            if !parameter.trainable {
                return;
            }
            if let Some(velocity) = velocities.next() {
                let numbers = Update {
                    non_negative: parameter.non_negative,
                    ..numbers
                };
                update(numbers, parameter.values, velocity, parameter.gradient);
            }
        });
    }

    /// The velocities, in the order of the model's trainable parameters.
    pub fn velocities(&self) -> &[Vec<f32>] {
        &self.velocities
    }

    /// As [`velocities`](Self::velocities), to be restored.
    pub fn velocities_mut(&mut self) -> &mut [Vec<f32>] {
        &mut self.velocities
    }
}
