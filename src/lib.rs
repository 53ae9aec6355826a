//! Image-classification experiments that ask what happens to accuracy when Global Average Pooling is replaced by a
//! layer that keeps spatial information (*Wise-SrNet*, arXiv 2104.12294), with networks as nested tuples of typed
//! `dfdx` layers.

// They panic once nobody reads any more: `cli::output` is the way out.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod atomic_file;
pub mod cli;
pub mod data;
pub mod device;
pub mod experiment;
pub mod heads;
mod input_file;
pub mod kernels;
pub mod layers;
pub mod memory;
pub mod networks;
pub mod npy;
pub mod plan;
pub mod program;
pub mod random;
pub mod report;
pub mod runner;
pub mod shapes;
pub mod stopwatch;
mod text;
pub mod training;
pub mod weights;
