//! ResNet-50 without its head, as in `keras.applications.ResNet50(include_top=False)`.
//!
//! He et al. 2015, *Deep Residual Learning for Image Recognition* (arXiv 1512.03385), table 1, version 1: a stage halves
//! the map in the first 1×1 convolution of its first block. Every convolution has a bias, as in Keras. The map is 7×7×2048
//! at 224 px and 16×16×2048 at 512 px.

use dfdx::prelude::Repeated;

use super::keras_names::KerasNames;
use crate::layers::{BatchNorm2D, Bias, Conv2D, Identity, KerasApplications, MaxPool2D, NoActivation, Relu, Shortcut};
use crate::shapes::{Pad, Same, Valid};

/// Convolution with batch normalisation and an activation.
type Convolution<const I: usize, const O: usize, const K: usize, const S: usize, P, A> =
    (Conv2D<I, O, K, S, P, Bias<O>>, BatchNorm2D<O, KerasApplications, A>);

/// The way through a block: 1×1 down to `F` channels, 3×3, 1×1 up to `O`.
type Bottleneck<const I: usize, const F: usize, const O: usize, const S: usize> = (
    Convolution<I, F, 1, S, Valid, Relu>,
    Convolution<F, F, 3, 1, Same, Relu>,
    Convolution<F, O, 1, 1, Valid, NoActivation>,
);

/// The first block of a stage; its input is projected to the new shape by a 1×1 convolution.
type Project<const I: usize, const F: usize, const O: usize, const S: usize> =
    Shortcut<Bottleneck<I, F, O, S>, Convolution<I, O, 1, S, Valid, NoActivation>, Relu>;

/// Any other block: it keeps the shape.
type Keep<const F: usize, const O: usize> = Shortcut<Bottleneck<O, F, O, 1>, Identity, Relu>;

/// A stage of `1 + MORE` blocks (`stack_residual_blocks_v1` in Keras).
pub type Stage<const I: usize, const F: usize, const O: usize, const S: usize, const MORE: usize> =
    (Project<I, F, O, S>, Repeated<Keep<F, O>, MORE>);

/// A quarter of the image's size.
pub type Stem = (Convolution<3, 64, 7, 2, Pad<3>, Relu>, MaxPool2D<3, 2, Pad<1>>);

/// The network without its head: stages of 3, 4, 6 and 3 blocks.
pub type ResNet50 = (
    Stem,
    Stage<64, 64, 256, 1, 2>,
    Stage<256, 128, 512, 2, 3>,
    Stage<512, 256, 1024, 2, 5>,
    Stage<1024, 512, 2048, 2, 2>,
);

/// What Keras calls the parameters, `layer/variable`, in the order in which [`for_each`](crate::layers::for_each) visits
/// them.
pub fn keras_names() -> Vec<String> {
    let mut names = KerasNames::default();
    let mut convolution = |prefix: &str| {
        names.conv2d_with_bias(&format!("{prefix}_conv"));
        names.batch_norm(&format!("{prefix}_bn"));
    };
    convolution("conv1");
    for (stage, blocks) in (2..).zip([3, 4, 6, 3]) {
        for block in 1..=blocks {
            let layers: &[usize] = if block == 1 { &[1, 2, 3, 0] } else { &[1, 2, 3] };
            for layer in layers {
                convolution(&format!("conv{stage}_block{block}_{layer}"));
            }
        }
    }
    names.into()
}

/// The layers that have parameters in the order of Keras' `model.layers`, which is that of their depth. A
/// projection's convolution is as deep as the last one of the branch.
pub fn keras_layers() -> Vec<String> {
    let mut layers = vec!["conv1_conv".to_owned(), "conv1_bn".to_owned()];
    for (stage, blocks) in (2..).zip([3, 4, 6, 3]) {
        for block in 1..=blocks {
            let inner = ["1_conv", "1_bn", "2_conv", "2_bn"];
            let last: &[&str] = if block == 1 {
                &["0_conv", "3_conv", "0_bn", "3_bn"]
            } else {
                &["3_conv", "3_bn"]
            };
            let layer = |layer: &&str| format!("conv{stage}_block{block}_{layer}");
            layers.extend(inner.iter().chain(last).map(layer));
        }
    }
    layers
}
