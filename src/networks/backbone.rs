//! The seam of the project: a backbone is whatever turns images into feature maps; any head over such maps fits it.

use dfdx::prelude::{Const, Cpu, CpuError, Module, ModuleMut, NoneTape, OwnedTape, Tape, Tensor, TensorCollection};

use crate::layers::{FeatureMap, Images};

/// A module that turns `IMAGE × IMAGE` RGB images into `M × M × C` feature maps, in training and in inference.
///
/// Every such module is one: there is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "this network does not turn {IMAGE}×{IMAGE} images into feature maps of {M}×{M}×{C}",
    label = "not such a network",
    note = "if one of its layers doesn't fit the one before, another error names the reason"
)]
pub trait Backbone<const IMAGE: usize, const M: usize, const C: usize>:
    TensorCollection<f32, Cpu, To<f32, Cpu> = Self> + 'static
{
    /// The feature maps of a batch in inference.
    ///
    /// # Errors
    /// As the layers' `try_forward`: when memory runs out.
    fn infer(&self, images: Images<IMAGE>) -> Result<FeatureMap<M, C>, CpuError>;

    /// The feature maps of a batch in training: by the batch's statistics, with the tape that leads back.
    ///
    /// # Errors
    /// As [`infer`](Backbone::infer).
    fn train(
        &mut self,
        images: Images<IMAGE, OwnedTape<f32, Cpu>>,
    ) -> Result<FeatureMap<M, C, OwnedTape<f32, Cpu>>, CpuError>;
}

impl<N, const IMAGE: usize, const M: usize, const C: usize> Backbone<IMAGE, M, C> for N
where
    N: Module<Images<IMAGE>, Output: MapOf<M, C, NoneTape>, Error = CpuError>
        + ModuleMut<Images<IMAGE, OwnedTape<f32, Cpu>>, Output: MapOf<M, C, OwnedTape<f32, Cpu>>, Error = CpuError>
        + TensorCollection<f32, Cpu, To<f32, Cpu> = Self>
        + 'static,
{
    fn infer(&self, images: Images<IMAGE>) -> Result<FeatureMap<M, C>, CpuError> {
        Ok(self.try_forward(images)?.map())
    }

    fn train(
        &mut self,
        images: Images<IMAGE, OwnedTape<f32, Cpu>>,
    ) -> Result<FeatureMap<M, C, OwnedTape<f32, Cpu>>, CpuError> {
        Ok(self.try_forward_mut(images)?.map())
    }
}

/// A feature map of `M × M × C`. That a network's output is one is asked through this trait, and not as an equality of
/// types, because the compiler then reports the network's true output rather than a mismatch inside its last layer.
#[diagnostic::on_unimplemented(
    message = "the network's feature map is not {M}×{M}×{C} but `{Self}`",
    label = "the feature map has another shape"
)]
pub trait MapOf<const M: usize, const C: usize, T> {
    /// The map itself.
    fn map(self) -> FeatureMap<M, C, T>;
}

impl<const M: usize, const C: usize, T: Tape<f32, Cpu>> MapOf<M, C, T>
    for Tensor<(usize, Const<M>, Const<M>, Const<C>), f32, Cpu, T>
{
    fn map(self) -> FeatureMap<M, C, T> {
        self
    }
}
