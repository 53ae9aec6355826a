//! The optional bias of a layer: [`NoBias`] or [`Bias`], one value a channel.

use std::fmt::Debug;

use dfdx::prelude::{
    BuildOnDevice, Cpu, CpuError, Device, Dtype, ModuleVisitor, Rank1, Storage, Tensor, TensorCollection,
    TensorOptions, ZeroSizedModule,
};

use crate::autodiff::Operand;

/// One bias a channel, starting at 0 (Keras `use_bias=True`).
#[derive(Debug, Clone)]
pub struct Bias<const C: usize, E: Dtype = f32, D: Storage<E> = Cpu> {
    /// The biases, one a channel.
    pub value: Tensor<Rank1<C>, E, D>,
}

/// What can stand in a layer's place for a bias of `C` channels.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bias for {C} channels",
    label = "expected `NoBias` or `Bias<{C}>`"
)]
pub trait BiasTerm<const C: usize> {
    /// The bias as an operand, if there is one.
    #[doc(hidden)]
    fn operand(&self) -> Result<Option<Operand>, CpuError>;
}

/// No bias (Keras `use_bias=False`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct NoBias;

impl ZeroSizedModule for NoBias {}

impl<const C: usize> BiasTerm<C> for NoBias {
    fn operand(&self) -> Result<Option<Operand>, CpuError> {
        Ok(None)
    }
}

impl<const C: usize> BiasTerm<C> for Bias<C> {
    fn operand(&self) -> Result<Option<Operand>, CpuError> {
        Operand::of(&self.value).map(Some)
    }
}

impl<const C: usize, E0: Dtype, D0: Storage<E0>, E: Dtype, D: Device<E>> BuildOnDevice<D, E> for Bias<C, E0, D0> {
    type Built = Bias<C, E, D>;
}

impl<const C: usize, E: Dtype, D: Device<E>> TensorCollection<E, D> for Bias<C, E, D> {
    type To<E2: Dtype, D2: Device<E2>> = Bias<C, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let value = Self::tensor("value", |s| &s.value, |s| &mut s.value, TensorOptions::reset_to_zeros());
        visitor.visit_fields(value, |value| Bias { value })
    }
}
