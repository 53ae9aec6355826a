//! Two branches summed (Keras `Add`): the residual connection, with an optional ReLU in the same pass.

use std::marker::PhantomData;

use dfdx::prelude::{
    BuildOnDevice, Cpu, CpuError, Device, Dtype, HasShape, Module, ModuleMut, ModuleVisitor, Shape, Tensor,
    TensorCollection, WithEmptyTape,
};

use super::activation::{Activation, NoActivation};
use super::both_modes::in_both_modes;
use super::identity::Identity;
use crate::autodiff::{Backward, Gradient, Kept, Map, Operation, Recorder, apply, erased, typed};
use crate::kernels::elementwise;
use crate::kernels::memory::unwritten;
use crate::program::Instruction;

/// `activation(F(x) + R(x))`. The shortcut `R` is [`Identity`] where the input is added as it is; otherwise it projects the input
/// to the branch's shape.
#[derive(Debug, Default, Clone)]
pub struct Shortcut<F, R = Identity, A = NoActivation> {
    /// The branch.
    pub branch: F,
    /// The way around it.
    pub shortcut: R,
    marker: PhantomData<A>,
}

impl<F, R, A, D, E> BuildOnDevice<D, E> for Shortcut<F, R, A>
where
    F: BuildOnDevice<D, E>,
    R: BuildOnDevice<D, E>,
    A: Activation,
    D: Device<E>,
    E: Dtype,
{
    type Built = Shortcut<F::Built, R::Built, A>;
}

impl<F, R, A, E, D> TensorCollection<E, D> for Shortcut<F, R, A>
where
    F: TensorCollection<E, D>,
    R: TensorCollection<E, D>,
    A: Activation,
    E: Dtype,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = Shortcut<F::To<E2, D2>, R::To<E2, D2>, A>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let branches = (
            Self::module("branch", |s| &s.branch, |s| &mut s.branch),
            Self::module("shortcut", |s| &s.shortcut, |s| &mut s.shortcut),
        );
        visitor.visit_fields(branches, |(branch, shortcut)| Shortcut {
            branch,
            shortcut,
            marker: PhantomData,
        })
    }
}

macro_rules! shortcut {
    ($module:ident, $forward:ident, $this:ty) => {
        impl<X, F, R, A, S, T> $module<X> for Shortcut<F, R, A>
        where
            X: WithEmptyTape,
            F: $module<X, Output = Tensor<S, f32, Cpu, T>, Error = CpuError>,
            R: $module<X, Output = Tensor<S, f32, Cpu, T>, Error = CpuError>,
            A: Activation,
            S: Shape<Concrete = [usize; 4]>,
            T: Recorder,
        {
            type Output = Tensor<S, f32, Cpu, T>;
            type Error = CpuError;

            fn $forward(self: $this, input: X) -> Result<Self::Output, CpuError> {
                let branch = self.branch.$forward(input.with_empty_tape())?;
                typed(add(
                    erased(branch)?,
                    erased(self.shortcut.$forward(input)?)?,
                    A::RELU,
                )?)
            }
        }
    };
}
in_both_modes!(shortcut);

/// The layer behind its types.
fn add<T: Recorder>(branch: Map<T>, shortcut: Map<T>, relu: bool) -> Result<Map<T>, CpuError> {
    let shape = *branch.shape();
    apply(Add { relu }, [branch, shortcut], [], shape)
}

/// Operands: the two maps.
struct Add {
    relu: bool,
}

impl Operation for Add {
    fn instruction(&self) -> Instruction {
        Instruction::Add { relu: self.relu }
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(operands[0].len());
        elementwise::sum(operands[0], operands[1], self.relu, &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        if self.relu { Kept::Output } else { Kept::Nothing }
    }

    fn backward(&mut self, mut dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        if self.relu {
            elementwise::relu_gradient(dy.values_mut(), context.output());
        }
        context.give(1, dy.clone())?;
        context.give(0, dy)
    }
}
