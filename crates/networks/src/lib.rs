//! Convolutional networks as nested tuples of typed dfdx layers, and what becomes of them: programs.
//!
//! A network's type is the proof that its layers fit; nothing else is asked of it but one trace. That is why this is a
//! package of its own, compiled without optimisation: see `Cargo.toml` of the whole.

use wise_srnet_kernels as kernels;

mod autodiff;
pub mod builtin;
pub mod heads;
pub mod layers;
pub mod networks;
pub mod program;
pub mod shapes;
pub mod typed;
