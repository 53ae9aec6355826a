//! The definitions, as plain loops over f64 that are slow and easy to check: what the kernels are measured against.
//! Nothing here is shared with the library.

mod batch_norm;
mod convolution;
mod differences;
mod loss;
mod pooling;
mod window;

pub use batch_norm::BatchNorm;
pub use convolution::{Bilinear, Convolution, DepthwiseConvolution, Product, channel_sums};
pub use differences::assert_is_gradient;
pub use loss::CrossEntropy;
pub use pooling::{AveragePooling, MaxPooling};
pub use window::{Border, Window};
