//! From a window's types to its run-time geometry: what convolutions and poolings share.

use dfdx::prelude::ConstDim;

use crate::kernels::window::WindowGeometry;
use crate::shapes::{Padding, Window};

/// The geometry of a window over maps of `H × W` pixels.
pub fn geometry<const K: usize, const S: usize, P, H, W>(batch: usize) -> WindowGeometry
where
    P: Padding,
    H: Window<K, S, P>,
    W: Window<K, S, P>,
{
    WindowGeometry {
        batch,
        input: [H::SIZE, W::SIZE],
        output: [H::Out::SIZE, W::Out::SIZE],
        kernel: K,
        stride: S,
        before: [P::before(H::SIZE, K, S), P::before(W::SIZE, K, S)],
    }
}
