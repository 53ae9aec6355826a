//! Layers of layers, which do the same in inference and in training.

/// Implements a layer by its macro twice: for dfdx's `Module`, with the names of inference, and for `ModuleMut`, with those of
/// training.
macro_rules! in_both_modes {
    ($implement:ident $(; $($more:tt)+)?) => {
        $implement!(Module, try_forward, &Self $(; $($more)+)?);
        $implement!(ModuleMut, try_forward_mut, &mut Self $(; $($more)+)?);
    };
}
pub(super) use in_both_modes;
