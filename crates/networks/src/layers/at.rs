//! A layer that reads one of several maps.

use dfdx::prelude::{BuildOnDevice, CpuError, Device, Dtype, Module, ModuleMut, ModuleVisitor, TensorCollection};

use super::both_modes::in_both_modes;
use super::identity::Identity;
use super::maps::Select;

/// Gives the map behind `INDEX` of several [`Maps`](super::Maps) to `L`; alone, it hands that map out.
#[derive(Debug, Default, Clone)]
pub struct At<const INDEX: usize, L = Identity>(pub L);

impl<const INDEX: usize, L: BuildOnDevice<D, E>, D: Device<E>, E: Dtype> BuildOnDevice<D, E> for At<INDEX, L> {
    type Built = At<INDEX, L::Built>;
}

impl<const INDEX: usize, L: TensorCollection<E, D>, E: Dtype, D: Device<E>> TensorCollection<E, D> for At<INDEX, L> {
    type To<E2: Dtype, D2: Device<E2>> = At<INDEX, L::To<E2, D2>>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(Self::module("0", |s| &s.0, |s| &mut s.0), At)
    }
}

macro_rules! at {
    ($module:ident, $forward:ident, $this:ty) => {
        impl<const INDEX: usize, X, L> $module<X> for At<INDEX, L>
        where
            X: Select<INDEX>,
            L: $module<X::Map, Error = CpuError>,
        {
            type Output = L::Output;
            type Error = CpuError;

            fn $forward(self: $this, maps: X) -> Result<L::Output, CpuError> {
                self.0.$forward(maps.select())
            }
        }
    };
}
in_both_modes!(at);
