//! Deep in a network, one convolution takes 128 channels where 64 arrive.

use wise_srnet::layers::{BatchNorm2D, Conv2D, Identity, KerasDefault, Relu, Shortcut};
use wise_srnet::networks::Backbone;
use wise_srnet::shapes::Same;

type Convolution<const I: usize, const O: usize, const S: usize> =
    (Conv2D<I, O, 3, S, Same>, BatchNorm2D<O, KerasDefault, Relu>);
type Block = Shortcut<(Convolution<64, 64, 1>, Convolution<128, 64, 1>), Identity, Relu>;
type Stage = (Convolution<32, 64, 2>, (Block, Block));
type Network = (Convolution<3, 32, 2>, Stage);

fn is_backbone<N: Backbone<64, 16, 64>>() {}

fn main() {
    is_backbone::<Network>();
}
