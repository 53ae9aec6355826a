//! Separable convolution (Keras `SeparableConv2D` with a depth multiplier of 1): two layers under one name.

use super::conv2d::Conv2D;
use super::depthwise_conv2d::DepthwiseConv2D;
use crate::shapes::Same;

/// A depthwise convolution with a `K × K` window, stride `S` and padding `P`, then a 1×1 convolution from `I` to `O`
/// channels; no bias, and both kernels start glorot-uniform.
///
/// # Shapes
/// `(batch, H, W, I)` → `(batch, ⟨H⟩, ⟨W⟩, O)` with `⟨H⟩ =` [`<H as Window<K, S, P>>::Out`](crate::shapes::Window).
pub type SeparableConv2D<const I: usize, const O: usize, const K: usize, const S: usize = 1, P = Same> =
    (DepthwiseConv2D<I, K, S, P>, Conv2D<I, O, 1>);
