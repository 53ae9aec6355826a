//! ReLU as a layer of its own (Keras `ReLU`), for the places where it can't be fused into the layer before.

use dfdx::prelude::{Cpu, CpuError, HasShape, Module, NonMutableModule, Shape, Tensor, ZeroSizedModule};

use crate::autodiff::{Backward, Gradient, Kept, Operation, Rank, Recorder, apply, erased, typed};
use crate::kernels::elementwise;
use crate::kernels::memory::unwritten;
use crate::program::Instruction;

/// `max(x, 0)`, for tensors of up to four axes.
#[derive(Debug, Default, Clone, Copy)]
pub struct ReLU;

impl ZeroSizedModule for ReLU {}
impl NonMutableModule for ReLU {}

impl<S: Shape<Concrete = R>, R: Rank, T: Recorder> Module<Tensor<S, f32, Cpu, T>> for ReLU {
    type Output = Tensor<S, f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<S, f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        typed(rectify(erased(input)?)?)
    }
}

/// The layer behind its types.
fn rectify<S: Shape, T: Recorder>(input: Tensor<S, f32, Cpu, T>) -> Result<Tensor<S, f32, Cpu, T>, CpuError> {
    let shape = *input.shape();
    apply(Rectify, [input], [], shape)
}

struct Rectify;

impl Operation for Rectify {
    fn instruction(&self) -> Instruction {
        Instruction::Rectify
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(operands[0].len());
        elementwise::relu(operands[0], &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Output
    }

    fn backward(&mut self, mut dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        elementwise::relu_gradient(dy.values_mut(), context.output());
        context.give(0, dy)
    }
}
