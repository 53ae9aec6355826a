//! The seam of the project: a backbone is whatever turns images into feature maps; any head over such maps fits it.

use dfdx::prelude::{Cpu, CpuError, Module, ModuleMut, OwnedTape, TensorCollection};

use crate::layers::{FeatureMap, Images};

/// A module that turns `IMAGE × IMAGE` RGB images into `M × M × C` feature maps, in training and in inference.
///
/// Every such module is one: there is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not turn {IMAGE}×{IMAGE} images into feature maps of {M}×{M}×{C}",
    label = "the network's feature map has another shape"
)]
pub trait Backbone<const IMAGE: usize, const M: usize, const C: usize>:
    Module<Images<IMAGE>, Output = FeatureMap<M, C>, Error = CpuError>
    + ModuleMut<Images<IMAGE, OwnedTape<f32, Cpu>>, Output = FeatureMap<M, C, OwnedTape<f32, Cpu>>, Error = CpuError>
    + TensorCollection<f32, Cpu, To<f32, Cpu> = Self>
    + 'static
{
}

impl<N, const IMAGE: usize, const M: usize, const C: usize> Backbone<IMAGE, M, C> for N where
    N: Module<Images<IMAGE>, Output = FeatureMap<M, C>, Error = CpuError>
        + ModuleMut<Images<IMAGE, OwnedTape<f32, Cpu>>, Output = FeatureMap<M, C, OwnedTape<f32, Cpu>>, Error = CpuError>
        + TensorCollection<f32, Cpu, To<f32, Cpu> = Self>
        + 'static
{
}
