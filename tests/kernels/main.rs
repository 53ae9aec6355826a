//! Every kernel, forward and all gradients, against plain f64 loops over many random sizes, and those loops against
//! central differences; then the typed layers, which choose a kernel's run-time sizes, against the same loops.

mod average_pooling;
mod batch_norm;
mod bf16;
mod cases;
mod convolution;
mod cross_entropy;
mod depthwise;
mod elementwise;
mod instruction_sets;
mod max_pooling;
mod pixels;
mod product;
mod reference;
mod sgd;
mod sizes;
mod typed_layers;
