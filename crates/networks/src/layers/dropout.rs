//! Dropout (Keras `Dropout`): in training, a share of the values is set to 0 and the others are scaled up.

use dfdx::nn::ScalarOptions;
use dfdx::prelude::{
    BuildOnDevice, Cpu, CpuError, Device, Dtype, HasShape, Module, ModuleMut, ModuleVisitor, NoneTape, Shape, Tensor,
    TensorCollection,
};

use crate::autodiff::{Backward, Gradient, Kept, Operation, Training, apply};
use crate::kernels::dropout::draw;
use crate::kernels::elementwise;
use crate::program::Instruction;

/// The name of the scalar that [`build`](super::build) fills with a seed of the layer's own.
pub(super) const SEED: &str = "seed";

/// Sets `PERCENT` % of the values to 0 and multiplies the others by `1 / (1 − PERCENT/100)`; inference changes nothing.
///
/// The mask of a step is drawn from a stream of its own, keyed by the layer's seed and the number of masks drawn before
/// it. Both are part of the layer's state and of a checkpoint, so a resumed run draws what an uninterrupted one draws.
#[derive(Debug, Clone, Default)]
pub struct Dropout<const PERCENT: u32> {
    /// What the layer's random stream is keyed by.
    pub seed: u64,
    /// Masks drawn so far.
    pub masks: u64,
}

impl<const PERCENT: u32, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for Dropout<PERCENT> {
    type Built = Self;
}

impl<const PERCENT: u32, E: Dtype, D: Device<E>> TensorCollection<E, D> for Dropout<PERCENT> {
    type To<E2: Dtype, D2: Device<E2>> = Self;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let scalar = ScalarOptions::from_default(0);
        let seed = <Self as TensorCollection<E, D>>::scalar(SEED, |s| &s.seed, |s| &mut s.seed, scalar);
        let scalar = ScalarOptions::from_default(0);
        let masks = <Self as TensorCollection<E, D>>::scalar("masks", |s| &s.masks, |s| &mut s.masks, scalar);
        visitor.visit_fields((seed, masks), |(seed, masks)| Dropout { seed, masks })
    }
}

impl<const PERCENT: u32, S: Shape> Module<Tensor<S, f32, Cpu, NoneTape>> for Dropout<PERCENT> {
    type Output = Tensor<S, f32, Cpu, NoneTape>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<S, f32, Cpu>) -> Result<Self::Output, CpuError> {
        Ok(input)
    }
}

impl<const PERCENT: u32, S: Shape, T: Training> ModuleMut<Tensor<S, f32, Cpu, T>> for Dropout<PERCENT> {
    type Output = Tensor<S, f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward_mut(&mut self, input: Tensor<S, f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let shape = *input.shape();
        let mut mask = vec![0.0; shape.num_elements()];
        draw(&mut mask, PERCENT, self.seed, self.masks);
        self.masks += 1;
        let mask = Mask {
            factors: mask,
            percent: PERCENT,
            seed: self.seed,
        };
        apply(mask, [input], [], shape)
    }
}

/// Multiplies by one number a value.
struct Mask {
    factors: Vec<f32>,
    percent: u32,
    seed: u64,
}

impl Operation for Mask {
    fn instruction(&self) -> Instruction {
        Instruction::Mask { percent: self.percent }
    }

    fn seed(&self) -> Option<u64> {
        Some(self.seed)
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = operands[0].to_vec();
        elementwise::scale(&mut output, &self.factors);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, mut dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        elementwise::scale(dy.values_mut(), &self.factors);
        context.give(0, dy)
    }
}
