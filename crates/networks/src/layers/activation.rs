//! What a layer may do to its output in the same pass.

use std::fmt::Debug;

/// An activation that is fused into the layer before it.
pub trait Activation: 'static + Debug + Default + Clone + Copy + Send + Sync {
    /// Whether negative values become 0.
    const RELU: bool;
}

/// No activation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct NoActivation;

/// Rectified linear unit: `max(x, 0)`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Relu;

impl Activation for NoActivation {
    const RELU: bool = false;
}

impl Activation for Relu {
    const RELU: bool = true;
}
