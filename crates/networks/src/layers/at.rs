//! A layer that reads one of several maps.

use dfdx::prelude::{BuildOnDevice, CpuError, Device, Dtype, Module, ModuleMut, ModuleVisitor, TensorCollection};

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

impl<const INDEX: usize, X, L> Module<X> for At<INDEX, L>
where
    X: Select<INDEX>,
    L: Module<X::Map, Error = CpuError>,
{
    type Output = L::Output;
    type Error = CpuError;

    fn try_forward(&self, maps: X) -> Result<L::Output, CpuError> {
        self.0.try_forward(maps.select())
    }
}

impl<const INDEX: usize, X, L> ModuleMut<X> for At<INDEX, L>
where
    X: Select<INDEX>,
    L: ModuleMut<X::Map, Error = CpuError>,
{
    type Output = L::Output;
    type Error = CpuError;

    fn try_forward_mut(&mut self, maps: X) -> Result<L::Output, CpuError> {
        self.0.try_forward_mut(maps.select())
    }
}
