//! Global average pooling (Keras `GlobalAveragePooling2D(keepdims=True)`).

use dfdx::prelude::{Const, ConstDim, Cpu, CpuError, Dim, HasShape, Module, NonMutableModule, Tensor, ZeroSizedModule};

use crate::autodiff::{Backward, Gradient, Kept, Operation, Recorder, apply, erased, typed};
use crate::kernels::average_pooling;
use crate::kernels::memory::unwritten;
use crate::kernels::window::{Pooling, WindowGeometry};
use crate::program::Instruction;

/// The mean of each channel over the whole map, as a map of one pixel.
///
/// # Shapes
/// `(batch, M, M, C)` → `(batch, 1, 1, C)`.
#[derive(Debug, Default, Clone, Copy)]
pub struct GlobalAvgPool2D;

impl ZeroSizedModule for GlobalAvgPool2D {}
impl NonMutableModule for GlobalAvgPool2D {}

impl<Batch, const M: usize, C, T> Module<Tensor<(Batch, Const<M>, Const<M>, C), f32, Cpu, T>> for GlobalAvgPool2D
where
    Batch: Dim,
    C: ConstDim,
    T: Recorder,
{
    type Output = Tensor<(Batch, Const<1>, Const<1>, C), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(
        &self,
        input: Tensor<(Batch, Const<M>, Const<M>, C), f32, Cpu, T>,
    ) -> Result<Self::Output, CpuError> {
        let batch = input.shape().0.size();
        let window = WindowGeometry {
            batch,
            input: [M, M],
            output: [1, 1],
            kernel: M,
            stride: 1,
            before: [0, 0],
        };
        let sizes = Pooling {
            window,
            channels: C::SIZE,
            zeros_count: false,
        };
        typed(apply(PoolAll(sizes), [erased(input)?], [], (batch, 1, 1, C::SIZE))?)
    }
}

/// An average pooling whose window is the whole map.
struct PoolAll(Pooling);

impl Operation for PoolAll {
    fn instruction(&self) -> Instruction {
        Instruction::AveragePool(self.0)
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(self.0.window.batch * self.0.channels);
        average_pooling::forward(&self.0, operands[0], &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        context.gradient(0, |mode, dx| {
            average_pooling::input_gradient(&self.0, &dy, mode, dx);
        })
    }
}
