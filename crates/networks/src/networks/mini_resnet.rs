//! A small residual network for quick runs: about 0.3 million parameters, map 8×8 at 64 px and 12×12 at 96 px.
//!
//! Not from the paper; its blocks are those of He et al. 2015 (arXiv 1512.03385, section 4.2).

use crate::layers::{BatchNorm2D, Conv2D, Identity, NoActivation, Normalization, Relu, Shortcut};
use crate::shapes::Same;

/// Momentum 0.9, so that the running statistics are of use after a few dozen steps; ε 1e-3.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ShortRun;

impl Normalization for ShortRun {
    const MOMENTUM: f32 = 0.9;
    const EPSILON: f32 = 1e-3;
}

/// Convolution with batch normalisation and an activation.
type Convolution<const I: usize, const O: usize, const K: usize, const S: usize, A> =
    (Conv2D<I, O, K, S, Same>, BatchNorm2D<O, ShortRun, A>);

/// The way through a block: two 3×3 convolutions, the first with stride `S`.
type Branch<const I: usize, const O: usize, const S: usize> =
    (Convolution<I, O, 3, S, Relu>, Convolution<O, O, 3, 1, NoActivation>);

/// A block that keeps the shape.
type Keep<const C: usize> = Shortcut<Branch<C, C, 1>, Identity, Relu>;

/// A block that halves the map and takes more channels; the input is projected by a 1×1 convolution.
type Halve<const I: usize, const O: usize> = Shortcut<Branch<I, O, 2>, Convolution<I, O, 1, 2, NoActivation>, Relu>;

/// 3×3 convolution with stride 2: 64 → 32 px.
type Stem = Convolution<3, 32, 3, 2, Relu>;

/// The network without its head: a map of 128 channels, an eighth of the image's size.
pub type MiniResNet = (Stem, Keep<32>, Halve<32, 64>, Halve<64, 128>);
