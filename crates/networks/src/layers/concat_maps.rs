//! Several maps of one shape made one: their channels concatenated (Keras `Concatenate(axis=-1)`).

use dfdx::prelude::{ConstDim, Cpu, CpuError, Dim, Module, NonMutableModule, Tensor, ZeroSizedModule};

use super::concat::concatenate;
use super::maps::Alike;
use crate::autodiff::{Recorder, erased, typed};
use crate::shapes::Times;

/// Concatenates the channels of `N` [`Maps`](super::Maps), the first map's first.
///
/// # Shapes
/// `N` times `(batch, H, W, C)` → `(batch, H, W, N · C)`, where the product is looked up by [`Times`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ConcatMaps<const N: usize>;

impl<const N: usize> ZeroSizedModule for ConcatMaps<N> {}
impl<const N: usize> NonMutableModule for ConcatMaps<N> {}

impl<const N: usize, X, Batch, H, W, C, T> Module<X> for ConcatMaps<N>
where
    X: Alike<N, Map = Tensor<(Batch, H, W, C), f32, Cpu, T>>,
    Batch: Dim,
    H: ConstDim,
    W: ConstDim,
    C: Times<N>,
    T: Recorder,
{
    type Output = Tensor<(Batch, H, W, C::Product), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, maps: X) -> Result<Self::Output, CpuError> {
        let maps: Result<Vec<_>, CpuError> = maps.into_array().into_iter().map(erased).collect();
        typed(concatenate(maps?)?)
    }
}
