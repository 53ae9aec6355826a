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
mod input_file;
pub mod npy;
pub mod plan;
pub mod report;
pub mod runner;
mod text;
pub mod training;
pub mod weights;

pub use wise_srnet_kernels::{self as kernels, memory, random, stopwatch};
pub use wise_srnet_networks::{builtin, heads, layers, networks, program, shapes, typed};
