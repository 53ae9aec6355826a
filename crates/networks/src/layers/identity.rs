//! The branch that does nothing (dfdx's `()` can run, but not be built inside another module).

use dfdx::prelude::{HasErr, Module, NonMutableModule, ZeroSizedModule};

/// Passes its input on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Identity;

impl ZeroSizedModule for Identity {}
impl NonMutableModule for Identity {}

impl<X: HasErr> Module<X> for Identity {
    type Output = X;
    type Error = X::Err;

    fn try_forward(&self, input: X) -> Result<X, X::Err> {
        Ok(input)
    }
}
