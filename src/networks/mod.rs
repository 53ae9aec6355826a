//! Networks without their heads, as types: nested tuples of layers that read from leaf to root.

mod backbone;
pub mod densenet169;
pub mod mini_resnet;

pub use backbone::Backbone;
pub use densenet169::DenseNet169;
pub use mini_resnet::MiniResNet;
