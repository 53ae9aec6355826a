//! Networks without their heads, as types: nested tuples of layers that read from leaf to root.

mod backbone;
pub mod densenet169;
mod keras_names;
pub mod mini_resnet;
pub mod nasnet_large;
pub mod resnet50;
pub mod xception;

pub use backbone::Backbone;
pub use densenet169::DenseNet169;
pub use mini_resnet::MiniResNet;
pub use nasnet_large::NasNetLarge;
pub use resnet50::ResNet50;
pub use xception::Xception;
