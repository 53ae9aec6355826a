//! Pretrained weights of networks without their heads: Keras' files and this program's checkpoints.
//!
//! [`Pretrained::open`] reads a file whole and checks it; [`Pretrained::load_into`] matches its tensors with a network's
//! by name and shape and copies them. [`export_keras_h5`] writes a trained network for Keras.

mod backbone;
mod error;
mod export;
mod keras3;
mod keras_config;
mod keras_file;
mod keras_h5;
mod matching;
mod meter;
mod official;
mod pretrained;
mod values;

pub use backbone::LeftOut;
pub use error::{Mismatch, WeightsError};
pub use export::export_keras_h5;
pub use official::{OFFICIAL, Official};
pub use pretrained::Pretrained;

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq)]
struct Tensor {
    /// In Keras files `layer/variable`, such as `conv1_conv/kernel`.
    name: String,
    shape: Vec<usize>,
    /// Row-major.
    values: Vec<f32>,
}

/// A tensor that has a name and a shape, whether its values are at hand or not.
trait Described {
    /// As in [`Tensor`].
    fn name(&self) -> &str;
    fn shape(&self) -> &[usize];
}

impl Described for Tensor {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }
}
