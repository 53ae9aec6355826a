//! Short and narrow relatives of the four networks, made of the same blocks, for images of 96 pixels.

use dfdx::prelude::Repeated;
use wise_srnet::layers::{Fork, Identity, NoActivation, ReLU, Relu, Shortcut};
use wise_srnet::networks::{densenet169, nasnet_large, resnet50, xception};

/// Two stages of two blocks; 12×12×128 at 96 px.
pub type SmallResNet = (
    resnet50::Stem,
    resnet50::Stage<64, 16, 64, 1, 1>,
    resnet50::Stage<64, 32, 128, 2, 1>,
);

/// Blocks of 2, 1, 1 and 1 layers; 3×3×72.
pub type SmallDenseNet = (
    densenet169::Stem,
    (
        densenet169::DenseLayer<64>,
        densenet169::DenseLayer<96>,
        densenet169::Transition<128, 64>,
    ),
    (densenet169::DenseLayer<64>, densenet169::Transition<96, 48>),
    (densenet169::DenseLayer<48>, densenet169::Transition<80, 40>),
    densenet169::DenseLayer<40>,
    densenet169::Norm<72>,
);

/// Blocks 1 to 3, a block of the middle flow, and a last convolution; 12×12×56.
pub type SmallXception = (
    xception::Block1,
    xception::Halve<64, 32, xception::Pair<64, 32, 32>>,
    xception::Halve<32, 48, (ReLU, xception::Pair<32, 48, 48>)>,
    Shortcut<
        (
            ReLU,
            Repeated<xception::Separable<48, 48, Relu>, 2>,
            xception::Separable<48, 48, NoActivation>,
        ),
        Identity,
    >,
    xception::Separable<48, 56, Relu>,
);

/// The stem, two normal cells and a reduction cell with a tenth of the filters; 6×6×128.
pub type SmallNasNet = (
    (
        (nasnet_large::Convolution<3, 8, 3, 2>, nasnet_large::Norm<8>),
        Fork<(Identity, Identity)>,
        nasnet_large::Cell<8, 4, Identity, nasnet_large::ReductionBlocks<8, 4>>,
        nasnet_large::Cell<16, 8, nasnet_large::Halve<8, 8, 4>, nasnet_large::ReductionBlocks<8, 8>>,
    ),
    (
        nasnet_large::NormalCell<32, 16, nasnet_large::Halve<16, 16, 8>>,
        nasnet_large::NormalCell<96, 16, nasnet_large::Project<32, 16>>,
        nasnet_large::ReductionCell<96, 32>,
    ),
    nasnet_large::Current,
    ReLU,
);
