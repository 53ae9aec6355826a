//! The layers between a backbone's feature map and its logits: the paper's classifiers as types over the map's type.
//!
//! Source: *Wise-SrNet* (arXiv 2104.12294), sections 3 and 4, and its notebooks. A head is a tuple of layers like any other
//! module; one that doesn't fit a map (a kernel that leaves a part of the pooled map uncovered, a head made for 512 px
//! behind a 224 px backbone) does not compile.

mod all;
mod kind;

pub use all::AllHeads;
pub use kind::HeadKind;

use dfdx::prelude::{Const, Cpu, CpuError, Module, NoneTape, Tensor, TensorCollection};
use seq_macro::seq;

use crate::layers::{
    AvgPool2D, Bias, Dense, DepthwiseConv2D, Dropout, FeatureMap, GlobalAvgPool2D, MapShape, NonNeg, OutputOf,
    SmallNormal, TrainingTape, Unconstrained, Units,
};
use crate::shapes::{Valid, Whole};

/// One logit a class for each image.
pub type Logits<T = NoneTape> = Tensor<(usize, Units), f32, Cpu, T>;

/// The last layer: the logits from a map of `M × M` pixels with `C` channels.
pub type Classifier<const C: usize, const M: usize = 1> = Dense<C, M, Units, SmallNormal>;

/// A depthwise convolution over the whole `K × K` map, one weight a pixel and channel; `L` constrains the kernel.
pub type SpatialWeights<const C: usize, const K: usize, L> = DepthwiseConv2D<C, K, 1, Whole, Bias<C>, SmallNormal, L>;

/// Global average pooling: the classifier that the paper replaces.
pub type Gap<const C: usize> = (GlobalAvgPool2D, Classifier<C>);

/// [`Gap`] with dropout 0.5 before the last layer.
pub type GapDropout<const C: usize> = (GlobalAvgPool2D, Dropout<50>, Classifier<C>);

/// A depthwise convolution over the whole map, without a constraint.
pub type Depthwise<const C: usize, const M: usize> = (SpatialWeights<C, M, Unconstrained>, Classifier<C>);

/// A depthwise convolution over the whole map whose weights are kept non-negative.
pub type DepthwiseNonNeg<const C: usize, const M: usize> = (SpatialWeights<C, M, NonNeg>, Classifier<C>);

/// Wise-SrNet: average pooling in steps of `POOL`, then non-negative weights over the whole pooled map, which is
/// `K × K`. The paper takes `POOL` 2 and `K` 3 for 7×7 maps (224 px), 3 and 5 for 16×16 maps (512 px).
pub type WiseSrNet<const C: usize, const POOL: usize, const K: usize> = (
    AvgPool2D<POOL, POOL, Valid>,
    SpatialWeights<C, K, NonNeg>,
    Classifier<C>,
);

/// [`WiseSrNet`] with dropout 0.5 before the last layer.
pub type WiseSrNetDropout<const C: usize, const POOL: usize, const K: usize> = (
    AvgPool2D<POOL, POOL, Valid>,
    SpatialWeights<C, K, NonNeg>,
    Dropout<50>,
    Classifier<C>,
);

/// Average pooling in steps of 3, then a last layer that reads the whole pooled map, `M × M`.
pub type FlattenFc<const C: usize, const M: usize> = (AvgPool2D<3, 3, Valid>, Classifier<C, M>);

/// A module that turns a batch of `M × M × C` maps into logits, in training and in inference.
///
/// Every such module is one: there is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "this head does not turn feature maps of {M}×{M}×{C} into logits",
    label = "made for another feature map"
)]
pub trait Head<const M: usize, const C: usize>: TensorCollection<f32, Cpu, To<f32, Cpu> = Self> + 'static {
    /// The logits of a batch in inference.
    ///
    /// # Errors
    /// Those of the layers' `try_forward`.
    fn infer(&self, map: FeatureMap<M, C>) -> Result<Logits, CpuError>;

    /// The logits of a batch in training, with the tape.
    ///
    /// # Errors
    /// Those of the layers' `try_forward_mut`.
    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError>;
}

impl<N, const M: usize, const C: usize> Head<M, C> for N
where
    N: Module<FeatureMap<M, C>, Output: OutputOf<N, MapShape<M, C>, (usize, Units)>, Error = CpuError>
        + TensorCollection<f32, Cpu, To<f32, Cpu> = N>
        + 'static,
{
    fn infer(&self, map: FeatureMap<M, C>) -> Result<Logits, CpuError> {
        Ok(self.try_forward(map)?.known())
    }

    fn train(&mut self, map: FeatureMap<M, C, TrainingTape>) -> Result<Logits<TrainingTape>, CpuError> {
        N::Output::train(self, map)
    }
}

/// The sizes that the paper's heads take over a map of this size: the pooling step is 2 up to 8×8 pixels and 3 beyond,
/// and the kernel covers what is left.
#[diagnostic::on_unimplemented(
    message = "no heads are tabulated for feature maps of size `{Self}`",
    note = "`crates/networks/src/heads/mod.rs` tabulates 3×3 to 64×64"
)]
pub trait HeadsOver {
    /// [`WiseSrNet`] over this map.
    type WiseSrNet<const C: usize>;
    /// [`WiseSrNetDropout`] over this map.
    type WiseSrNetDropout<const C: usize>;
    /// [`FlattenFc`] over this map.
    type FlattenFc<const C: usize>;
}

macro_rules! heads_over {
    ($map:literal, pool $pool:literal) => {
        impl HeadsOver for Const<$map> {
            type WiseSrNet<const C: usize> = WiseSrNet<C, $pool, { $map / $pool }>;
            type WiseSrNetDropout<const C: usize> = WiseSrNetDropout<C, $pool, { $map / $pool }>;
            type FlattenFc<const C: usize> = FlattenFc<C, { $map / 3 }>;
        }
    };
}
seq!(M in 3..=8 { heads_over!(M, pool 2); });
seq!(M in 9..=64 { heads_over!(M, pool 3); });
