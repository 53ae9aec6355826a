//! Networks with the formula's weights, their parameters named as in the reference sets.

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::networks::{densenet169, nasnet_large, resnet50, xception};
use wise_srnet::training::Model;

use crate::formula;

/// The networks that Keras has.
pub const NETWORKS: [&str; 4] = ["resnet50", "densenet169", "xception", "nasnet_large"];

pub fn keras_names(network: &str) -> Vec<String> {
    match network {
        "resnet50" => resnet50::keras_names(),
        "densenet169" => densenet169::keras_names(),
        "xception" => xception::keras_names(),
        "nasnet_large" => nasnet_large::keras_names(),
        _ => Vec::new(),
    }
}

/// A network whose parameters the formula gives.
pub fn network(name: &str, size: usize, head: HeadKind, classes: usize, seed: u64) -> Box<dyn Model> {
    let model = Registry::builtin().build_named(name, size, head, 0, classes).unwrap();
    with_formula(model, keras_names(name), seed, 0.0).0
}

/// The model with the formula's parameters, the first of which are called `names`, and all of their names.
pub fn with_formula(
    mut model: Box<dyn Model>,
    names: Vec<String>,
    seed: u64,
    beta: f32,
) -> (Box<dyn Model>, Vec<String>) {
    let mut names = names.into_iter();
    let mut keys = Vec::new();
    model.for_each(&mut |visited| {
        if let Visited::Tensor(parameter) = visited {
            let key = names
                .next()
                .map_or_else(|| key(parameter.name), |name| name.replace('/', "."));
            formula::fill(seed, &key, parameter.shape, parameter.values, beta);
            keys.push(key);
        }
    });
    (model, keys)
}

/// The name `layer.variable` of a parameter of ours.
pub fn key(name: &str) -> String {
    name.replace(".bias.value", ".bias").replace("non_negative_", "")
}

/// Labels 0, 1, 2, … for a batch.
pub fn labels(batch: usize, classes: usize) -> Vec<usize> {
    (0..batch).map(|image| image % classes).collect()
}
