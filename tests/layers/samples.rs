//! Small networks that between them have every kind of layer.

use dfdx::prelude::Const;
use wise_srnet::layers::{
    At, ConcatMaps, Conv2D, Dense, Fork, GlobalAvgPool2D, MaxPool2D, ReLU, SeparableConv2D, Shortcut,
};
use wise_srnet::networks::{densenet169, xception};
use wise_srnet::shapes::{CorrectPad, Same};

/// Concatenations, max pooling with a projection around it, a separable convolution that halves the map; 2×2 at 24 px.
pub type Mixed = (
    densenet169::Stem,
    (densenet169::DenseLayer<64>, densenet169::DenseLayer<96>),
    densenet169::Transition<128, 64>,
    xception::Halve<64, 32, (ReLU, xception::Pair<64, 32, 32>)>,
    (SeparableConv2D<32, 32, 5, 2, CorrectPad>, GlobalAvgPool2D),
    Dense<32, 1, Const<4>>,
);

/// Maps that are read several times.
pub type Forked = (
    Conv2D<3, 8, 3, 2, Same>,
    Fork<(ReLU, MaxPool2D<3, 1, Same>)>,
    Fork<(Shortcut<At<1>, At<0>>, At<1, Conv2D<8, 8, 3, 1, Same>>)>,
    ConcatMaps<2>,
    GlobalAvgPool2D,
    Dense<16, 1, Const<4>>,
);
