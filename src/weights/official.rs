//! The files of ImageNet weights that Keras publishes for the networks without their tops.

use crate::networks::{densenet169, nasnet_large, resnet50, xception};

/// Keras' file for one network.
#[derive(Debug)]
pub struct Official {
    /// The network's name in experiment files.
    pub network: &'static str,
    /// The file's name.
    pub file: &'static str,
    /// The file's MD5, in lower-case hexadecimal digits.
    pub md5: &'static str,
    /// Its folder below Keras' address.
    folder: &'static str,
    /// What Keras calls the network's parameters, in the order of our visits.
    pub(super) names: fn() -> Vec<String>,
    /// The layers that have parameters, in the order of Keras' `model.layers`.
    pub(super) layers: fn() -> Vec<String>,
}

/// All of them (`keras.applications`, `include_top=False`).
pub const OFFICIAL: [Official; 4] = [
    Official {
        network: "resnet50",
        file: "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        md5: "4d473c1dd8becc155b73f8504c6f6626",
        folder: "resnet",
        names: resnet50::keras_names,
        layers: resnet50::keras_layers,
    },
    Official {
        network: "densenet169",
        file: "densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
        md5: "b8c4d4c20dd625c148057b9ff1c1176b",
        folder: "densenet",
        names: densenet169::keras_names,
        layers: densenet169::keras_layers,
    },
    Official {
        network: "xception",
        file: "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        md5: "b0042744bf5b25fce3cb969f33bebb97",
        folder: "xception",
        names: xception::keras_names,
        layers: xception::keras_layers,
    },
    Official {
        network: "nasnet_large",
        file: "NASNet-large-no-top.h5",
        md5: "d81d89dc07e6e56530c4e77faddd61b5",
        folder: "nasnet",
        names: nasnet_large::keras_names,
        layers: nasnet_large::keras_layers,
    },
];

impl Official {
    /// The file for a network, if Keras has the network.
    pub fn of_network(network: &str) -> Option<&'static Self> {
        OFFICIAL.iter().find(|official| official.network == network)
    }

    /// The file of this name.
    pub fn of_file(name: &str) -> Option<&'static Self> {
        OFFICIAL.iter().find(|official| official.file == name)
    }

    /// Where Keras publishes the file.
    pub fn url(&self) -> String {
        let Self { folder, file, .. } = self;
        format!("https://storage.googleapis.com/tensorflow/keras-applications/{folder}/{file}")
    }
}
