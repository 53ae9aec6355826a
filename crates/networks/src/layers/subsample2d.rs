//! Every second pixel of a map, from the first one or from the one diagonally behind it.

use dfdx::prelude::{ConstDim, Cpu, CpuError, Dim, HasShape, Module, NonMutableModule, Tensor, ZeroSizedModule};

use crate::autodiff::{Backward, Gradient, Kept, Map, Operation, Recorder, apply, erased, typed};
use crate::kernels::memory::unwritten;
use crate::kernels::subsample::Subsample;
use crate::program::Instruction;
use crate::shapes::{Valid, Window};

/// The pixels `2y + OFFSET, 2x + OFFSET`; beyond the border of maps of odd size, zeros.
///
/// In Keras, `AveragePooling2D(1, strides=2)`, and for `OFFSET` 1 the same behind `ZeroPadding2D(((0, 1), (0, 1)))` and
/// `Cropping2D(((1, 0), (1, 0)))`.
///
/// # Shapes
/// `(batch, H, W, C)` → `(batch, ⌈H/2⌉, ⌈W/2⌉, C)`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Subsample2D<const OFFSET: usize>;

impl<const OFFSET: usize> ZeroSizedModule for Subsample2D<OFFSET> {}
impl<const OFFSET: usize> NonMutableModule for Subsample2D<OFFSET> {}

impl<const OFFSET: usize, Batch, H, W, C, T> Module<Tensor<(Batch, H, W, C), f32, Cpu, T>> for Subsample2D<OFFSET>
where
    Batch: Dim,
    H: Window<1, 2, Valid>,
    W: Window<1, 2, Valid>,
    C: ConstDim,
    T: Recorder,
{
    type Output = Tensor<(Batch, H::Out, W::Out, C), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, C), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let sizes = Subsample {
            input: [H::SIZE, W::SIZE],
            output: [H::Out::SIZE, W::Out::SIZE],
            channels: C::SIZE,
            offset: OFFSET,
        };
        typed(subsample(sizes, erased(input)?)?)
    }
}

/// The layer behind its types.
fn subsample<T: Recorder>(sizes: Subsample, input: Map<T>) -> Result<Map<T>, CpuError> {
    let [height, width] = sizes.output;
    let shape = (input.shape().0, height, width, sizes.channels);
    apply(TakePixels(sizes), [input], [], shape)
}

/// Operand: the map.
struct TakePixels(Subsample);

impl Operation for TakePixels {
    fn instruction(&self) -> Instruction {
        Instruction::Subsample(self.0)
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let Subsample {
            input,
            output,
            channels,
            ..
        } = self.0;
        let maps = operands[0].len() / (input[0] * input[1] * channels).max(1);
        let mut taken = unwritten(maps * output[0] * output[1] * channels);
        self.0.forward(operands[0], &mut taken);
        taken
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        context.gradient(0, |mode, dx| self.0.input_gradient(&dy, mode, dx))
    }
}
