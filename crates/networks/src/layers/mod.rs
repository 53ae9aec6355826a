//! Typed layers for `dfdx` on stable Rust: modules whose output shape the compiler derives from their input's.
//!
//! Feature maps are tensors `(batch, height, width, channels)`, as in Keras. Each layer is a thin typed wrapper around
//! a kernel that takes run-time sizes; it nests in dfdx's tuples, `Residual` and `Repeated`, is visited by dfdx's
//! parameter visitors, and puts its gradient on dfdx's tape. As in dfdx, [`ModuleMut`](dfdx::nn::ModuleMut) is
//! training (batch statistics, dropout) and [`Module`](dfdx::nn::Module) inference.

mod activation;
mod at;
mod batch_norm2d;
mod bias;
mod both_modes;
mod concat;
mod concat_maps;
mod constraint;
mod conv2d;
mod convolve;
mod dense;
mod depthwise_conv2d;
mod dropout;
mod fork;
mod global_avg_pool2d;
mod identity;
mod initializer;
mod maps;
mod output_of;
mod parameters;
mod pool2d;
mod relu;
mod separable_conv2d;
mod shortcut;
mod softmax_cross_entropy;
mod subsample2d;
mod windowed;

pub use crate::autodiff::{Gradient, GradientStore, Recorder, TrainingTape, gradient_of, id, values, values_mut};
pub use activation::{Activation, NoActivation, Relu};
pub use at::At;
pub use batch_norm2d::{BatchNorm2D, KerasApplications, KerasDefault, Normalization};
pub use bias::{Bias, BiasTerm, NoBias};
pub use concat::Concat;
pub use concat_maps::ConcatMaps;
pub use constraint::{Constraint, NonNeg, Unconstrained};
pub use conv2d::Conv2D;
pub use dense::{Dense, Units};
pub use depthwise_conv2d::DepthwiseConv2D;
pub use dropout::Dropout;
pub use fork::Fork;
pub use global_avg_pool2d::GlobalAvgPool2D;
pub use identity::Identity;
pub use initializer::{Fans, GlorotUniform, HeNormal, Initializer, SmallNormal};
pub use maps::{Alike, Maps, Select};
pub use output_of::OutputOf;
pub use parameters::{
    InitialState, Parameter, Scalar, Visited, build, build_noting, for_each, for_each_with_gradients,
};
pub use pool2d::{Average, AvgPool2D, Max, MaxPool2D, Pool2D, Reduction};
pub use relu::ReLU;
pub use separable_conv2d::SeparableConv2D;
pub use shortcut::Shortcut;
pub use softmax_cross_entropy::softmax_cross_entropy;
pub use subsample2d::Subsample2D;

use dfdx::prelude::{Const, Cpu, NoneTape, Tensor};

/// The shape of a batch of square feature maps.
pub type MapShape<const SIZE: usize, const CHANNELS: usize> = (usize, Const<SIZE>, Const<SIZE>, Const<CHANNELS>);

/// A batch of square feature maps, `SIZE × SIZE × CHANNELS`.
pub type FeatureMap<const SIZE: usize, const CHANNELS: usize, T = NoneTape> =
    Tensor<MapShape<SIZE, CHANNELS>, f32, Cpu, T>;

/// A batch of square RGB images, preprocessed.
pub type Images<const SIZE: usize, T = NoneTape> = FeatureMap<SIZE, 3, T>;
