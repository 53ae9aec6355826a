//! What can be wrong with a file of weights, in sentences that name the file, the tensor and the way out.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::text::{one_line, printable};

/// A file of weights that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// There is no such file.
    #[error("there is no file of weights '{}'. {advice}", printable(path))]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
        /// Where to get the file and where to put it.
        advice: String,
    },
    /// The file cannot be read.
    #[error("cannot read '{}': {source}", printable(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write '{}': {source}", printable(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The path is not that of a file, or the file is larger than any weights.
    #[error("'{}' is {reason}", printable(path))]
    NotWeights {
        /// What was opened.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file has an official name, but not the official content.
    #[error(
        "'{}' has the MD5 {found}, but the official file of this name has {expected}: download it again from {url}, or \
         rename it if it is meant to differ",
        printable(path)
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The official file's MD5.
        expected: &'static str,
        /// The file's MD5.
        found: String,
        /// Where the official file is.
        url: String,
    },
    /// The file's form is not understood, or it is damaged.
    #[error("cannot read weights from '{}': {}", printable(path), one_line(reason))]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A Keras file for a network that Keras does not have.
    #[error(
        "'{}' is a Keras file, but Keras has no network `{network}`: it can start from a checkpoint (.safetensors) of \
         this program only",
        printable(path)
    )]
    NotInKeras {
        /// The file.
        path: PathBuf,
        /// The network.
        network: String,
    },
    /// The tensors are not the network's.
    #[error(
        "'{}' does not fit the network `{network}`: {}",
        printable(path), one_line(&format!("{mismatch}{advice}"))
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The network.
        network: String,
        /// The first tensor that is wrong.
        mismatch: Mismatch,
        /// Another way to the network's weights, if there is one: a part of a sentence.
        advice: String,
    },
}

/// The first difference between a file's tensors and a network's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// The network has a tensor that the file lacks.
    #[error("it has no tensor `{name}` of the shape {shape:?}")]
    Missing {
        /// The tensor.
        name: String,
        /// The shape that the file should have.
        shape: Vec<usize>,
    },
    /// The file has a tensor that the network lacks, though it looks like one of its own.
    #[error("its tensor `{0}` is not part of the network, but seems to be of a larger one")]
    Surplus(String),
    /// The file has the network more than once, as these two layers of a model.
    #[error("it holds the network twice, as the layers `{0}` and `{1}` of a model")]
    Several(String, String),
    /// The file has no tensors.
    #[error("it has no tensors at all")]
    Empty,
    /// The file has two tensors of one name.
    #[error("it has two tensors `{0}`")]
    Twice(String),
    /// The tensor has other sizes.
    #[error("its tensor `{name}` has the shape {found:?}, but the network's has {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The file's sizes.
        found: Vec<usize>,
        /// The sizes that the file should have.
        expected: Vec<usize>,
    },
    /// The tensor has an infinite value or none.
    #[error("its tensor `{0}` holds values that are not finite numbers: the file is damaged")]
    NotFinite(String),
    /// Keras' network of this name has another number of tensors.
    #[error("Keras' network of this name has {keras} tensors, the registered one has {network}")]
    OtherNetwork {
        /// Tensors of Keras' network.
        keras: usize,
        /// Tensors of the registered network.
        network: usize,
    },
}
