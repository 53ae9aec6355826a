//! Xception without its head, as in `keras.applications.Xception(include_top=False)`.
//!
//! Chollet 2016, *Xception: Deep Learning with Depthwise Separable Convolutions* (arXiv 1610.02357), figure 5. The map is
//! 7×7×2048 at 224 px and 16×16×2048 at 512 px.

use dfdx::prelude::Repeated;

use super::keras_names::{KerasNames, layers_of};
use crate::layers::{
    BatchNorm2D, Conv2D, Identity, KerasDefault, MaxPool2D, NoActivation, ReLU, Relu, SeparableConv2D, Shortcut,
};
use crate::shapes::Same;

/// Batch normalisation with an activation.
type Norm<const C: usize, A> = BatchNorm2D<C, KerasDefault, A>;

/// 3×3 separable convolution with batch normalisation. A ReLU that Keras puts before the next one is fused into this one.
pub type Separable<const I: usize, const O: usize, A> = (SeparableConv2D<I, O, 3>, Norm<O, A>);

/// Two separable convolutions, by way of `F` channels.
pub type Pair<const I: usize, const F: usize, const O: usize> = (Separable<I, F, Relu>, Separable<F, O, NoActivation>);

/// Halves the map by max pooling; the input is projected by a 1×1 convolution. `L` comes before the pooling.
pub type Halve<const I: usize, const O: usize, L> =
    Shortcut<(L, MaxPool2D<3, 2, Same>), (Conv2D<I, O, 1, 2, Same>, Norm<O, NoActivation>)>;

/// Block 1: two convolutions without padding, 109×109 at 224 px.
pub type Block1 = (
    (Conv2D<3, 32, 3, 2>, Norm<32, Relu>),
    (Conv2D<32, 64, 3>, Norm<64, Relu>),
);

/// Blocks 1 to 4. Block 2 begins without a ReLU: block 1 ends with one.
type EntryFlow = (
    Block1,
    Halve<64, 128, Pair<64, 128, 128>>,
    Halve<128, 256, (ReLU, Pair<128, 256, 256>)>,
    Halve<256, 728, (ReLU, Pair<256, 728, 728>)>,
);

/// A block of the middle flow: three separable convolutions around which the input is added.
type MiddleBlock = Shortcut<
    (
        ReLU,
        Separable<728, 728, Relu>,
        Separable<728, 728, Relu>,
        Separable<728, 728, NoActivation>,
    ),
    Identity,
>;

/// Blocks 5 to 12.
type MiddleFlow = Repeated<MiddleBlock, 8>;

/// Blocks 13 and 14.
type ExitFlow = (
    Halve<728, 1024, (ReLU, Pair<728, 728, 1024>)>,
    Separable<1024, 1536, Relu>,
    Separable<1536, 2048, Relu>,
);

/// The network without its head.
pub type Xception = (EntryFlow, MiddleFlow, ExitFlow);

/// What Keras calls the parameters, `layer/variable`, in the order in which [`for_each`](crate::layers::for_each) visits
/// them.
///
/// The four projections have no names of their own in Keras: they are `conv2d`, `conv2d_1`, … and
/// `batch_normalization`, … in a process that has built no such layer before, and other numbers in any other.
pub fn keras_names() -> Vec<String> {
    let mut names = KerasNames::default();
    for layer in ["block1_conv1", "block1_conv2"] {
        names.conv2d(layer);
        names.batch_norm(&format!("{layer}_bn"));
    }
    for block in 2..=14 {
        for layer in 1..=separable_convolutions(block) {
            let layer = format!("block{block}_sepconv{layer}");
            names.separable_conv2d(&layer);
            names.batch_norm(&format!("{layer}_bn"));
        }
        let projection = match block {
            2 => Some(""),
            3 => Some("_1"),
            4 => Some("_2"),
            13 => Some("_3"),
            _ => None,
        };
        if let Some(number) = projection {
            names.conv2d(&format!("conv2d{number}"));
            names.batch_norm(&format!("batch_normalization{number}"));
        }
    }
    names.into()
}

/// The layers that have parameters in the order of Keras' `model.layers`, which is that of their depth: here the order of our visits.
pub fn keras_layers() -> Vec<String> {
    layers_of(&keras_names())
}

/// How many a block has.
fn separable_convolutions(block: usize) -> usize {
    if (5..=12).contains(&block) { 3 } else { 2 }
}
