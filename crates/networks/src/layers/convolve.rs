//! What dense and depthwise convolutions share behind their types.

use dfdx::prelude::CpuError;

use crate::autodiff::{Backward, Gradient, Kept, Map, Operand, Operation, Recorder, apply};
use crate::kernels::accumulate::{Output, keep_or_clear};
use crate::kernels::convolution::Convolution;
use crate::kernels::depthwise::Depthwise;
use crate::kernels::memory::unwritten;
use crate::kernels::reduction;
use crate::kernels::window::WindowGeometry;
use crate::program::Instruction;

/// A kind of convolution with its sizes.
pub trait Convolving: 'static {
    fn window(&self) -> &WindowGeometry;
    fn out_channels(&self) -> usize;
    fn instruction(&self) -> Instruction;
    fn forward(&self, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]);
    fn kernel_gradient(&self, x: &[f32], dy: &[f32], mode: Output, dkernel: &mut [f32]);
    fn input_gradient(&self, dy: &[f32], kernel: &[f32], mode: Output, dx: &mut [f32]);
}

macro_rules! convolving {
    ($sizes:ty, $instruction:ident, $out_channels:ident) => {
        impl Convolving for $sizes {
            fn window(&self) -> &WindowGeometry {
                &self.window
            }

            fn out_channels(&self) -> usize {
                self.$out_channels
            }

            fn instruction(&self) -> Instruction {
                Instruction::$instruction(*self)
            }

            fn forward(&self, x: &[f32], kernel: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
                <$sizes>::forward(self, x, kernel, bias, y);
            }

            fn kernel_gradient(&self, x: &[f32], dy: &[f32], mode: Output, dkernel: &mut [f32]) {
                <$sizes>::kernel_gradient(self, x, dy, mode, dkernel);
            }

            fn input_gradient(&self, dy: &[f32], kernel: &[f32], mode: Output, dx: &mut [f32]) {
                <$sizes>::input_gradient(self, dy, kernel, mode, dx);
            }
        }
    };
}
convolving!(Convolution, Convolution, out_channels);
convolving!(Depthwise, Depthwise, channels);

/// Convolves a map with a kernel, and adds the bias if there is one.
pub fn convolve<K: Convolving, T: Recorder>(
    sizes: K,
    input: Map<T>,
    kernel: Operand,
    bias: Option<Operand>,
) -> Result<Map<T>, CpuError> {
    let ([height, width], batch) = (sizes.window().output, sizes.window().batch);
    let shape = (batch, height, width, sizes.out_channels());
    apply(Convolve(sizes), [input], std::iter::once(kernel).chain(bias), shape)
}

/// Operands: input, kernel, and the bias if there is one.
struct Convolve<K>(K);

impl<K: Convolving> Operation for Convolve<K> {
    fn instruction(&self) -> Instruction {
        self.0.instruction()
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(self.0.window().output_pixels() * self.0.out_channels());
        self.0
            .forward(operands[0], operands[1], operands.get(2).copied(), &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Operands
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        let (input, kernel) = (context.operand(0), context.operand(1));
        if context.operands() > 2 {
            context.gradient(2, |mode, dbias| {
                if dy.sums_to_zero() {
                    keep_or_clear(mode, dbias);
                } else {
                    reduction::channel_sums(&dy, mode, dbias);
                }
            })?;
        }
        context.gradient(1, |mode, dkernel| self.0.kernel_gradient(input, &dy, mode, dkernel))?;
        context.gradient(0, |mode, dx| self.0.input_gradient(&dy, kernel, mode, dx))
    }
}
