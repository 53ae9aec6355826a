//! A backbone with its head, with all shapes forgotten: what the training loop, checkpoints and predictions work with.

use dfdx::prelude::CpuError;

use super::optimizer::Sgd;
use crate::layers::{GradientStore, Visited};
use crate::plan::{MemoryUse, Precision};
use crate::program::Program;

/// A whole network behind one interface.
///
/// Images are NHWC, preprocessed, densely packed; every method that takes them, or maps, panics if their number of values
/// is not `batch` times that of one.
pub trait Model {
    /// Height and width of the input, in pixels.
    fn image_size(&self) -> usize;

    /// Height, width and channels of the map between backbone and head.
    fn feature_map(&self) -> [usize; 3];

    /// Forward and backward in training mode. Running statistics move; parameters don't.
    fn train(&mut self, images: Vec<f32>, labels: &[usize]) -> Result<Step, CpuError>;

    /// A step of training: as [`train`](Model::train), and then the optimizer's update, unless the loss is not finite.
    fn update(
        &mut self,
        images: Vec<f32>,
        labels: &[usize],
        optimizer: &mut Sgd,
        learning_rate: f64,
    ) -> Result<Step, CpuError>;

    /// Logits in inference mode: `batch × classes`.
    fn logits(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// The backbone's maps in inference mode: `batch × height × width × channels`.
    fn features(&mut self, images: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// The head's logits of maps as [`features`](Model::features) gives them, in inference mode: `batch × classes`.
    fn logits_of_features(&mut self, maps: Vec<f32>, batch: usize) -> Result<Vec<f32>, CpuError>;

    /// Visits all tensors and scalars; of each kind, the backbone's before the head's.
    fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>));

    /// As [`for_each`](Model::for_each), with the gradients of a step.
    fn for_each_with_gradients(&mut self, step: &mut Step, visit: &mut dyn FnMut(Visited<'_>));

    /// What becomes of feature maps between the passes of a training step.
    fn memory(&self) -> MemoryUse;

    /// Sets what becomes of feature maps; whether the network can do so.
    fn set_memory(&mut self, memory: MemoryUse) -> bool;

    /// How maps are stored, and what products are made of.
    fn precision(&self) -> Precision;

    /// Sets how maps are stored; whether the network can do so.
    fn set_precision(&mut self, precision: Precision) -> bool;

    /// All operations of a training step up to the logits. The state of the network stays as it is.
    fn program(&mut self) -> Result<Program, CpuError>;
}

/// What one forward and backward pass gives.
pub struct Step {
    /// Mean loss over the batch.
    pub loss: f32,
    /// `batch × classes`.
    pub logits: Vec<f32>,
    /// Those that the step's tape has led to; a network that runs by plans has its gradients itself.
    pub(super) gradients: Option<Box<dyn GradientStore>>,
}
