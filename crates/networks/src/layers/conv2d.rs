//! Convolution over feature maps (Keras `Conv2D`).

use std::fmt::Debug;
use std::marker::PhantomData;

use dfdx::prelude::{
    BuildOnDevice, Const, Cpu, CpuError, Device, Dim, Dtype, HasShape, Module, ModuleVisitor, NonMutableModule, Rank4,
    Storage, Tensor, TensorCollection, TensorOptions,
};

use super::bias::{BiasTerm, NoBias};
use super::convolve::convolve;
use super::initializer::{Fans, GlorotUniform, Initializer, fill};
use super::windowed::geometry;
use crate::autodiff::{Operand, Recorder, erased, typed};
use crate::kernels::convolution::Convolution;
use crate::shapes::{Channels, Padding, Valid, Window};

/// A convolution from `I` to `O` channels with a `K × K` window, stride `S` and padding `P`.
///
/// # Generics
/// - `P`: [`Valid`], [`Same`](crate::shapes::Same) or [`Pad<N>`](crate::shapes::Pad)
/// - `B`: [`NoBias`] or [`Bias<O>`](super::Bias)
/// - `N`: the kernel's initializer, `glorot_uniform` as in Keras unless another is named
///
/// # Shapes
/// `(batch, H, W, I)` → `(batch, ⟨H⟩, ⟨W⟩, O)` with `⟨H⟩ =` [`<H as Window<K, S, P>>::Out`](Window).
///
/// # Example
/// ```
/// use dfdx::prelude::*;
/// use wise_srnet_networks::layers::{Conv2D, FeatureMap};
/// use wise_srnet_networks::shapes::Same;
///
/// let device = Cpu::default();
/// let layer = device.build_module::<Conv2D<3, 8, 3, 2, Same>, f32>();
/// let images: FeatureMap<64, 3> = device.zeros_like(&(2, Const, Const, Const));
/// let map: FeatureMap<32, 8> = layer.forward(images);
/// # let _ = map;
/// ```
#[derive(Debug, Clone)]
pub struct Conv2D<
    const I: usize,
    const O: usize,
    const K: usize,
    const S: usize = 1,
    P = Valid,
    B = NoBias,
    N = GlorotUniform,
    E: Dtype = f32,
    D: Storage<E> = Cpu,
> {
    /// The kernel: `K × K × I × O`.
    pub kernel: Tensor<Rank4<K, K, I, O>, E, D>,
    /// The bias, if any.
    pub bias: B,
    marker: PhantomData<(P, N)>,
}

impl<const I: usize, const O: usize, const K: usize, const S: usize, P, B, N, E: Dtype, D: Storage<E>> NonMutableModule
    for Conv2D<I, O, K, S, P, B, N, E, D>
{
}

impl<const I: usize, const O: usize, const K: usize, const S: usize, P, B, N, E0, D0, E, D> BuildOnDevice<D, E>
    for Conv2D<I, O, K, S, P, B, N, E0, D0>
where
    P: Padding,
    B: BuildOnDevice<D, E>,
    N: Initializer,
    E0: Dtype,
    D0: Storage<E0>,
    E: Dtype,
    D: Device<E>,
{
    type Built = Conv2D<I, O, K, S, P, B::Built, N, E, D>;
}

impl<const I: usize, const O: usize, const K: usize, const S: usize, P, B, N, E, D> TensorCollection<E, D>
    for Conv2D<I, O, K, S, P, B, N, E, D>
where
    P: Padding,
    B: TensorCollection<E, D>,
    N: Initializer,
    E: Dtype,
    D: Device<E>,
{
    type To<E2: Dtype, D2: Device<E2>> = Conv2D<I, O, K, S, P, B::To<E2, D2>, N, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let kernel = Self::tensor(
            "kernel",
            |s| &s.kernel,
            |s| &mut s.kernel,
            TensorOptions::reset_with(|kernel| {
                fill::<N, _, _, _>(
                    kernel,
                    Fans {
                        input: K * K * I,
                        output: K * K * O,
                    },
                )
            }),
        );
        let bias = Self::module("bias", |s| &s.bias, |s| &mut s.bias);
        visitor.visit_fields((kernel, bias), |(kernel, bias)| Conv2D {
            kernel,
            bias,
            marker: PhantomData,
        })
    }
}

impl<const I: usize, const O: usize, const K: usize, const S: usize, P, B, N, Batch, H, W, C, T>
    Module<Tensor<(Batch, H, W, C), f32, Cpu, T>> for Conv2D<I, O, K, S, P, B, N>
where
    P: Padding,
    B: BiasTerm<O>,
    Batch: Dim,
    H: Window<K, S, P>,
    W: Window<K, S, P>,
    C: Channels<I>,
    T: Recorder,
{
    type Output = Tensor<(Batch, H::Out, W::Out, Const<O>), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, C), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let window = geometry::<K, S, P, H, W>(input.shape().0.size());
        let sizes = Convolution {
            window,
            in_channels: I,
            out_channels: O,
        };
        typed(convolve(
            sizes,
            erased(input)?,
            Operand::of(&self.kernel)?,
            self.bias.operand()?,
        )?)
    }
}
