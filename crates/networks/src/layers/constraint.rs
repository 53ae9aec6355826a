//! What the optimizer keeps true of a kernel after every update (Keras `kernel_constraint`).
//!
//! A constraint is part of a layer's type and travels with the parameter's name, because names are what dfdx's
//! visitors pass on: it is found in any network, however deeply the layer is nested.

use std::fmt::Debug;

/// The last part of the names of parameters that are kept non-negative.
pub(super) const NON_NEGATIVE: &str = "non_negative_kernel";

/// A constraint on a kernel.
pub trait Constraint: 'static + Debug + Default + Clone + Copy + Send + Sync {
    /// The kernel's name within its layer.
    const KERNEL_NAME: &'static str;
}

/// Any value is allowed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Unconstrained;

/// Negative values become 0 after every update (Keras `NonNeg`); the initial values are left as they are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct NonNeg;

impl Constraint for Unconstrained {
    const KERNEL_NAME: &'static str = "kernel";
}

impl Constraint for NonNeg {
    const KERNEL_NAME: &'static str = NON_NEGATIVE;
}
