//! Loops over slices with run-time sizes, and what they stand on: memory, random streams, a stopwatch. Maps are stored as f32 or
//! bf16 ([`element`]) and counted in f32. No dfdx, no generics over shape: each loop is compiled once for each element, however many
//! layers use it.
//!
//! Feature maps are stored as Keras stores them: batch, height, width, channels (NHWC), densely packed. A row of a
//! map's matrix is one pixel with all its channels.
//!
//! Every kernel gives the same bits for any number of threads: work is divided by the sizes of the data, never by
//! the number of threads, and partial sums are added in a fixed order. Gradients are overwritten or added to, as their
//! [`Output`](accumulate::Output) says, because a map may be read by several layers; all other outputs are overwritten.

pub mod accumulate;
pub mod average_pooling;
pub mod batch_norm;
pub mod convolution;
pub mod cross_entropy;
pub mod depthwise;
pub mod dropout;
pub mod element;
pub mod elementwise;
pub mod initial;
pub mod length;
pub mod max_pooling;
pub mod memory;
pub mod pixels;
pub mod product;
pub mod random;
pub mod reduction;
pub mod scratch;
pub mod sgd;
pub mod simd;
pub mod stopwatch;
pub mod subsample;
mod tasks;
pub mod window;
mod winograd;
