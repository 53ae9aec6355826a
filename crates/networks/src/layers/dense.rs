//! Dense layer over a flattened map (Keras `Flatten` followed by `Dense`).

use std::fmt::Debug;
use std::marker::PhantomData;

use dfdx::prelude::{
    BuildOnDevice, Const, ConstDim, Cpu, CpuError, Device, Dim, Dtype, HasShape, Module, ModuleVisitor,
    NonMutableModule, Storage, Tensor, TensorCollection, TensorOptions,
};

use super::initializer::{Fans, GlorotUniform, Initializer, fill};
use crate::autodiff::{Backward, Gradient, Kept, Operand, Operation, Recorder, apply, erased, typed};
use crate::kernels::{product, reduction};
use crate::program::Instruction;
use crate::shapes::Channels;

/// A number of units that is known when the program runs: the classes of a data set.
///
/// It calls itself constant because dfdx makes parameters only of such sizes. dfdx's own builder gives it 0 units;
/// [`build`](super::build) gives it as many as there are classes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Units(usize);

impl Dim for Units {
    fn size(&self) -> usize {
        self.0
    }

    fn from_size(size: usize) -> Option<Self> {
        Some(Self(size))
    }
}

impl ConstDim for Units {
    const SIZE: usize = 0;
}

/// `y = flatten(x) · kernel + bias`, where `x` is a map of `M × M` pixels with `C` channels, read in the order height,
/// width, channels.
///
/// # Generics
/// - `O`: the units, `Const<N>` or [`Units`] for as many as the data set has classes
/// - `N`: the kernel's initializer; the bias starts at 0
///
/// # Shapes
/// `(batch, M, M, C)` → `(batch, O)`.
#[derive(Debug, Clone)]
pub struct Dense<
    const C: usize,
    const M: usize = 1,
    O: ConstDim = Units,
    N = GlorotUniform,
    E: Dtype = f32,
    D: Storage<E> = Cpu,
> {
    /// The kernel: `M × M × C × O`.
    pub kernel: Tensor<(Const<M>, Const<M>, Const<C>, O), E, D>,
    /// The bias, one a unit.
    pub bias: Tensor<(O,), E, D>,
    marker: PhantomData<N>,
}

impl<const C: usize, const M: usize, O: ConstDim, N, E: Dtype, D: Storage<E>> NonMutableModule
    for Dense<C, M, O, N, E, D>
{
}

impl<const C: usize, const M: usize, O, N, E0, D0, E, D> BuildOnDevice<D, E> for Dense<C, M, O, N, E0, D0>
where
    O: ConstDim,
    N: Initializer,
    E0: Dtype,
    D0: Storage<E0>,
    E: Dtype,
    D: Device<E>,
{
    type Built = Dense<C, M, O, N, E, D>;
}

impl<const C: usize, const M: usize, O, N, E, D> TensorCollection<E, D> for Dense<C, M, O, N, E, D>
where
    O: ConstDim,
    N: Initializer,
    E: Dtype,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = Dense<C, M, O, N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let kernel = Self::tensor(
            "kernel",
            |s| &s.kernel,
            |s| &mut s.kernel,
            TensorOptions::reset_with(|kernel: &mut Tensor<(_, _, _, O), E, D>| {
                let fans = Fans {
                    input: M * M * C,
                    output: kernel.shape().3.size(),
                };
                fill::<N, _, _, _>(kernel, fans)
            }),
        );
        let bias = Self::tensor("bias", |s| &s.bias, |s| &mut s.bias, TensorOptions::reset_to_zeros());
        visitor.visit_fields((kernel, bias), |(kernel, bias)| Dense {
            kernel,
            bias,
            marker: PhantomData,
        })
    }
}

impl<const C: usize, const M: usize, O, N, Batch, In, T> Module<Tensor<(Batch, Const<M>, Const<M>, In), f32, Cpu, T>>
    for Dense<C, M, O, N>
where
    O: ConstDim,
    Batch: Dim,
    In: Channels<C>,
    T: Recorder,
{
    type Output = Tensor<(Batch, O), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(
        &self,
        input: Tensor<(Batch, Const<M>, Const<M>, In), f32, Cpu, T>,
    ) -> Result<Self::Output, CpuError> {
        let (batch, units) = (input.shape().0.size(), self.bias.shape().0.size());
        let operation = Multiply {
            batch,
            inputs: M * M * C,
            units,
        };
        let parameters = [Operand::of(&self.kernel)?, Operand::of(&self.bias)?];
        typed(apply(operation, [erased(input)?], parameters, (batch, units))?)
    }
}

/// Operands: input, kernel, bias.
struct Multiply {
    batch: usize,
    inputs: usize,
    units: usize,
}

impl Operation for Multiply {
    fn instruction(&self) -> Instruction {
        Instruction::Multiply {
            inputs: self.inputs,
            units: self.units,
        }
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = vec![0.0; self.batch * self.units];
        product::forward(
            operands[0],
            operands[1],
            Some(operands[2]),
            self.inputs,
            self.units,
            &mut output,
        );
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Operands
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        let (input, kernel) = (context.operand(0), context.operand(1));
        let (inputs, units) = (self.inputs, self.units);
        context.gradient(2, |mode, dbias| reduction::channel_sums(&dy, mode, dbias))?;
        context.gradient(1, |mode, dkernel| {
            product::weight_gradient(input, &dy, inputs, units, mode, dkernel);
        })?;
        context.gradient(0, |mode, dx| {
            product::input_gradient(&dy, kernel, inputs, units, mode, dx)
        })
    }
}
