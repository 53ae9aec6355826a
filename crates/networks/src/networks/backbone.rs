//! The seam of the project: a backbone is whatever turns images into feature maps; any head over such maps fits it.

use dfdx::prelude::{Cpu, CpuError, Module, TensorCollection};

use crate::layers::{FeatureMap, Images, MapShape, OutputOf, TrainingTape};

/// A module that turns `IMAGE × IMAGE` RGB images into `M × M × C` feature maps, in training and in inference.
///
/// Every such module is one: there is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "this network does not turn {IMAGE}×{IMAGE} images into feature maps of {M}×{M}×{C}",
    label = "not such a network"
)]
pub trait Backbone<const IMAGE: usize, const M: usize, const C: usize>:
    TensorCollection<f32, Cpu, To<f32, Cpu> = Self> + 'static
{
    /// The feature maps of a batch in inference.
    ///
    /// # Errors
    /// Those of the layers' `try_forward`.
    fn infer(&self, images: Images<IMAGE>) -> Result<FeatureMap<M, C>, CpuError>;

    /// The feature maps of a batch in training, with the tape.
    ///
    /// # Errors
    /// Those of the layers' `try_forward_mut`.
    fn train(&mut self, images: Images<IMAGE, TrainingTape>) -> Result<FeatureMap<M, C, TrainingTape>, CpuError>;
}

impl<N, const IMAGE: usize, const M: usize, const C: usize> Backbone<IMAGE, M, C> for N
where
    N: Module<Images<IMAGE>, Output: OutputOf<N, MapShape<IMAGE, 3>, MapShape<M, C>>, Error = CpuError>
        + TensorCollection<f32, Cpu, To<f32, Cpu> = N>
        + 'static,
{
    fn infer(&self, images: Images<IMAGE>) -> Result<FeatureMap<M, C>, CpuError> {
        Ok(self.try_forward(images)?.known())
    }

    fn train(&mut self, images: Images<IMAGE, TrainingTape>) -> Result<FeatureMap<M, C, TrainingTape>, CpuError> {
        N::Output::train(self, images)
    }
}
