//! Depthwise convolution (Keras `DepthwiseConv2D` with a depth multiplier of 1).

use std::fmt::Debug;
use std::marker::PhantomData;

use dfdx::prelude::{
    BuildOnDevice, Cpu, CpuError, Device, Dim, Dtype, HasShape, Module, ModuleVisitor, NonMutableModule, Rank3,
    Storage, Tensor, TensorCollection, TensorOptions,
};

use super::bias::{BiasTerm, NoBias};
use super::constraint::{Constraint, Unconstrained};
use super::convolve::convolve;
use super::initializer::{Fans, GlorotUniform, Initializer, fill};
use super::windowed::geometry;
use crate::autodiff::{Operand, Recorder, erased, typed};
use crate::kernels::depthwise::Depthwise;
use crate::shapes::{Channels, Padding, Valid, Window};

/// A convolution of each of `C` channels with a `K × K` kernel of its own.
///
/// Generics and shapes are [`Conv2D`](super::Conv2D)'s, with `C` channels in and out, and `L`: whether the kernel is
/// [`Unconstrained`] or kept [`NonNeg`](super::NonNeg)ative by the optimizer.
#[derive(Debug, Clone)]
pub struct DepthwiseConv2D<
    const C: usize,
    const K: usize,
    const S: usize = 1,
    P = Valid,
    B = NoBias,
    N = GlorotUniform,
    L = Unconstrained,
    E: Dtype = f32,
    D: Storage<E> = Cpu,
> {
    /// The kernels: `K × K × C`.
    pub kernel: Tensor<Rank3<K, K, C>, E, D>,
    /// The bias, if any.
    pub bias: B,
    marker: PhantomData<(P, N, L)>,
}

impl<const C: usize, const K: usize, const S: usize, P, B, N, L, E: Dtype, D: Storage<E>> NonMutableModule
    for DepthwiseConv2D<C, K, S, P, B, N, L, E, D>
{
}

impl<const C: usize, const K: usize, const S: usize, P, B, N, L, E0, D0, E, D> BuildOnDevice<D, E>
    for DepthwiseConv2D<C, K, S, P, B, N, L, E0, D0>
where
    P: Padding,
    B: BuildOnDevice<D, E>,
    N: Initializer,
    L: Constraint,
    E0: Dtype,
    D0: Storage<E0>,
    E: Dtype,
    D: Device<E>,
{
    type Built = DepthwiseConv2D<C, K, S, P, B::Built, N, L, E, D>;
}

impl<const C: usize, const K: usize, const S: usize, P, B, N, L, E, D> TensorCollection<E, D>
    for DepthwiseConv2D<C, K, S, P, B, N, L, E, D>
where
    P: Padding,
    B: TensorCollection<E, D>,
    N: Initializer,
    L: Constraint,
    E: Dtype,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = DepthwiseConv2D<C, K, S, P, B::To<E2, D2>, N, L, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let kernel = Self::tensor(
            L::KERNEL_NAME,
            |s| &s.kernel,
            |s| &mut s.kernel,
            // Keras reads the fans off the kernel's shape (K, K, C, 1).
            TensorOptions::reset_with(|kernel| {
                fill::<N, _, _, _>(
                    kernel,
                    Fans {
                        input: K * K * C,
                        output: K * K,
                    },
                )
            }),
        );
        let bias = Self::module("bias", |s| &s.bias, |s| &mut s.bias);
        visitor.visit_fields((kernel, bias), |(kernel, bias)| DepthwiseConv2D {
            kernel,
            bias,
            marker: PhantomData,
        })
    }
}

impl<const C: usize, const K: usize, const S: usize, P, B, N, L, Batch, H, W, In, T>
    Module<Tensor<(Batch, H, W, In), f32, Cpu, T>> for DepthwiseConv2D<C, K, S, P, B, N, L>
where
    P: Padding,
    B: BiasTerm<C>,
    Batch: Dim,
    H: Window<K, S, P>,
    W: Window<K, S, P>,
    In: Channels<C>,
    T: Recorder,
{
    type Output = Tensor<(Batch, H::Out, W::Out, In), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, In), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let sizes = Depthwise {
            window: geometry::<K, S, P, H, W>(input.shape().0.size()),
            channels: C,
        };
        typed(convolve(
            sizes,
            erased(input)?,
            Operand::of(&self.kernel)?,
            self.bias.operand()?,
        )?)
    }
}
