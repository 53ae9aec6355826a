//! DenseNet-169 without its head, as in `keras.applications.DenseNet169(include_top=False)`.
//!
//! Huang et al. 2016, *Densely Connected Convolutional Networks* (arXiv 1608.06993), table 1: growth rate 32, blocks of 6,
//! 12, 32 and 32 layers, compression 0.5. The map is 7×7×1664 at 224 px and 16×16×1664 at 512 px.
//!
//! Channels are written out because stable Rust can't add generic constants; each sum is checked against
//! [`Plus`](crate::shapes::Plus) when the network is used.

use super::keras_names::{KerasNames, layers_of};
use crate::layers::{AvgPool2D, BatchNorm2D, Concat, Conv2D, Identity, KerasApplications, MaxPool2D, Relu};
use crate::shapes::{Pad, Same, Valid};

/// Channels that every layer of a dense block adds.
const GROWTH: usize = 32;

/// Channels between the two convolutions of a layer: four times the growth.
const BOTTLENECK: usize = 4 * GROWTH;

/// Batch normalisation and ReLU, which come *before* each convolution in this network.
pub type Norm<const C: usize> = BatchNorm2D<C, KerasApplications, Relu>;

/// What a layer of a dense block adds: a 1×1 bottleneck, then a 3×3 convolution (`conv_block` in Keras).
type NewFeatures<const C: usize> = (
    Norm<C>,
    Conv2D<C, BOTTLENECK, 1>,
    Norm<BOTTLENECK>,
    Conv2D<BOTTLENECK, GROWTH, 3, 1, Same>,
);

/// A layer of a dense block: its input, followed by the new features.
pub type DenseLayer<const C: usize> = Concat<Identity, NewFeatures<C>>;

/// Between blocks: half the channels, half the size (`transition_block` in Keras).
pub type Transition<const I: usize, const O: usize> = (Norm<I>, Conv2D<I, O, 1>, AvgPool2D<2, 2, Valid>);

/// A quarter of the image's size.
pub type Stem = (Conv2D<3, 64, 7, 2, Pad<3>>, Norm<64>, MaxPool2D<3, 2, Pad<1>>);

/// 6 layers, 64 → 256 channels; 56×56 at 224 px.
type Block2 = (
    DenseLayer<64>,
    DenseLayer<96>,
    DenseLayer<128>,
    DenseLayer<160>,
    DenseLayer<192>,
    DenseLayer<224>,
);

/// 12 layers, 128 → 512 channels; 28×28 at 224 px.
#[rustfmt::skip]
type Block3 = (
    (DenseLayer<128>, DenseLayer<160>, DenseLayer<192>, DenseLayer<224>, DenseLayer<256>, DenseLayer<288>),
    (DenseLayer<320>, DenseLayer<352>, DenseLayer<384>, DenseLayer<416>, DenseLayer<448>, DenseLayer<480>),
);

/// 32 layers, 256 → 1280 channels; 14×14 at 224 px.
#[rustfmt::skip]
type Block4 = (
    (DenseLayer<256>, DenseLayer<288>, DenseLayer<320>, DenseLayer<352>, DenseLayer<384>, DenseLayer<416>),
    (DenseLayer<448>, DenseLayer<480>, DenseLayer<512>, DenseLayer<544>, DenseLayer<576>, DenseLayer<608>),
    (DenseLayer<640>, DenseLayer<672>, DenseLayer<704>, DenseLayer<736>, DenseLayer<768>, DenseLayer<800>),
    (DenseLayer<832>, DenseLayer<864>, DenseLayer<896>, DenseLayer<928>, DenseLayer<960>, DenseLayer<992>),
    (DenseLayer<1024>, DenseLayer<1056>, DenseLayer<1088>, DenseLayer<1120>, DenseLayer<1152>, DenseLayer<1184>),
    (DenseLayer<1216>, DenseLayer<1248>),
);

/// 32 layers, 640 → 1664 channels; 7×7 at 224 px.
#[rustfmt::skip]
type Block5 = (
    (DenseLayer<640>, DenseLayer<672>, DenseLayer<704>, DenseLayer<736>, DenseLayer<768>, DenseLayer<800>),
    (DenseLayer<832>, DenseLayer<864>, DenseLayer<896>, DenseLayer<928>, DenseLayer<960>, DenseLayer<992>),
    (DenseLayer<1024>, DenseLayer<1056>, DenseLayer<1088>, DenseLayer<1120>, DenseLayer<1152>, DenseLayer<1184>),
    (DenseLayer<1216>, DenseLayer<1248>, DenseLayer<1280>, DenseLayer<1312>, DenseLayer<1344>, DenseLayer<1376>),
    (DenseLayer<1408>, DenseLayer<1440>, DenseLayer<1472>, DenseLayer<1504>, DenseLayer<1536>, DenseLayer<1568>),
    (DenseLayer<1600>, DenseLayer<1632>),
);

/// Block 2 to 4, each with the transition behind it.
type Blocks = (
    (Block2, Transition<256, 128>),
    (Block3, Transition<512, 256>),
    (Block4, Transition<1280, 640>),
);

/// The network without its head.
pub type DenseNet169 = (Stem, Blocks, Block5, Norm<1664>);

/// What Keras calls the parameters, `layer/variable`, in the order in which [`for_each`](crate::layers::for_each) visits
/// them.
pub fn keras_names() -> Vec<String> {
    let mut names = KerasNames::default();
    names.conv2d("conv1_conv");
    names.batch_norm("conv1_bn");
    for (block, layers) in (2..).zip([6, 12, 32, 32]) {
        for layer in 1..=layers {
            let prefix = format!("conv{block}_block{layer}");
            names.batch_norm(&format!("{prefix}_0_bn"));
            names.conv2d(&format!("{prefix}_1_conv"));
            names.batch_norm(&format!("{prefix}_1_bn"));
            names.conv2d(&format!("{prefix}_2_conv"));
        }
        if block < 5 {
            names.batch_norm(&format!("pool{block}_bn"));
            names.conv2d(&format!("pool{block}_conv"));
        }
    }
    names.batch_norm("bn");
    names.into()
}

/// The layers that have parameters in the order of Keras' `model.layers`, which is that of their depth: here the order of our visits.
pub fn keras_layers() -> Vec<String> {
    layers_of(&keras_names())
}
