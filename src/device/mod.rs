//! What runs plans.

pub mod host;

use crate::kernels::sgd::Update;
use host::Memory;

/// A network's state: what training changes.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The values of each of the program's parameters.
    pub parameters: Vec<Vec<f32>>,
    /// The values of its scalars.
    pub scalars: Vec<f64>,
    /// To be raised by whoever changes the values: what was made of them is made again then.
    pub version: u64,
}

/// What an optimizer does to every parameter, and its state.
pub struct UpdateRule<'a> {
    /// The numbers of the step.
    pub numbers: Update,
    /// A velocity for each trainable parameter, in the program's order.
    pub velocities: &'a mut [Vec<f32>],
}

/// A plan that is ready to run. Its results are in the memory until something else runs there.
pub trait Executable {
    /// Images of the largest batch.
    fn largest(&self) -> usize;

    /// Runs a batch: NHWC images, and a label for each if the plan has a loss.
    ///
    /// # Panics
    /// More images than the largest batch has, or other sizes than the program's; a plan with updates.
    fn run(&mut self, memory: &mut Memory, state: &mut State, images: &[f32], labels: &[usize], batch: usize);

    /// As [`run`](Self::run), of a plan with updates. If the loss is not finite, the step ends there: parameters stay as they are.
    ///
    /// # Panics
    /// As there, and if the optimizer has other velocities than the program's trainable parameters.
    fn update(
        &mut self,
        memory: &mut Memory,
        state: &mut State,
        rule: UpdateRule<'_>,
        images: &[f32],
        labels: &[usize],
    );

    /// Mean loss of the last batch.
    fn loss(&self) -> f32;

    /// The last batch's logits: `batch × classes`.
    fn logits(&self, memory: &Memory) -> Vec<f32>;

    /// The gradient of one of the program's parameters; none of one that isn't trained.
    fn gradient<'m>(&self, memory: &'m Memory, parameter: usize) -> Option<&'m [f32]>;
}
