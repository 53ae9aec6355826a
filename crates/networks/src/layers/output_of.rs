//! One question for whatever needs a module in training and in inference: is its output of this shape in both?

use dfdx::prelude::{Cpu, CpuError, ModuleMut, Shape, Tensor};

use crate::autodiff::TrainingTape;

/// `Self` is what the module `N` makes of a tensor of shape `I` in inference: a tensor of shape `O`. In training, `N`
/// makes the same of it, with a tape.
///
/// Asked as a bound on the output, and not as two bounds on `N` with the output spelled out, because the compiler then
/// names the one layer that doesn't fit, or the shape that the output really has.
#[diagnostic::on_unimplemented(
    message = "the output is not of shape `{O}` but `{Self}`",
    label = "its output has another shape"
)]
pub trait OutputOf<N, I: Shape, O: Shape>: Sized {
    /// The output with its shape known.
    fn known(self) -> Tensor<O, f32, Cpu>;

    /// The module's forward pass in training.
    ///
    /// # Errors
    /// Those of the module's `try_forward_mut`.
    fn train(
        module: &mut N,
        input: Tensor<I, f32, Cpu, TrainingTape>,
    ) -> Result<Tensor<O, f32, Cpu, TrainingTape>, CpuError>;
}

impl<N, I: Shape, O: Shape> OutputOf<N, I, O> for Tensor<O, f32, Cpu>
where
    N: ModuleMut<Tensor<I, f32, Cpu, TrainingTape>, Output = Tensor<O, f32, Cpu, TrainingTape>, Error = CpuError>,
{
    fn known(self) -> Tensor<O, f32, Cpu> {
        self
    }

    fn train(
        module: &mut N,
        input: Tensor<I, f32, Cpu, TrainingTape>,
    ) -> Result<Tensor<O, f32, Cpu, TrainingTape>, CpuError> {
        module.try_forward_mut(input)
    }
}
