//! A trained network as a Keras weights file of the legacy layout (`.h5`), for `model.load_weights`.
//!
//! Keras goes by the order of the layers (`keras/src/legacy/saving/legacy_h5_format.py`, `load_weights_from_hdf5_group`), so
//! the file lists them in that of `model.layers`; the model is the network with the head's layers behind `base.output`.

use std::collections::HashMap;
use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder};

use super::error::WeightsError;
use super::official::Official;
use super::pretrained::BACKBONE;
use crate::atomic_file;
use crate::layers::{Parameter, Visited};

/// What a file says that it was written by. Keras reads it to convert files of its first version.
const KERAS_VERSION: &str = "3.15.0";

/// A layer's variables, in Keras' order.
struct Layer {
    name: String,
    variables: Vec<(String, Vec<usize>, Vec<f32>)>,
}

/// Writes a network's parameters to `path`; without its head if `backbone_only`, which is the layout of Keras' `notop`
/// files. `for_each` visits the parameters. The layers of a network that Keras lacks are named after its parameters, in
/// their order.
///
/// # Errors
/// A file that can't be written; a network that is registered under the name of one of Keras' but has other parameters.
pub fn export_keras_h5(
    path: &Path,
    network: &str,
    backbone_only: bool,
    mut for_each: impl FnMut(&mut dyn FnMut(Visited<'_>)),
) -> Result<(), WeightsError> {
    let official = Official::of_network(network);
    let names = official.map(|official| (official.names)()).unwrap_or_default();
    let mut names = names.into_iter();
    let mut layers: Vec<Layer> = Vec::new();
    for_each(&mut |visited| {
        let Visited::Tensor(parameter) = visited else { return };
        let is_backbone = parameter.name.starts_with(BACKBONE);
        if is_backbone || !backbone_only {
            let keras = if is_backbone { names.next() } else { None };
            add(
                &mut layers,
                &keras.unwrap_or_else(|| own_name(parameter.name)),
                &parameter,
            );
        }
    });
    if let Some(official) = official {
        sort(&mut layers, &(official.layers)()).map_err(|layer| WeightsError::Format {
            path: path.to_owned(),
            reason: format!("the registered network `{network}` is not Keras': it has no layer `{layer}`"),
        })?;
    }
    let bytes = file(&layers).map_err(|reason| WeightsError::Format {
        path: path.to_owned(),
        reason,
    })?;
    atomic_file::replace(path, &bytes).map_err(|source| WeightsError::Write {
        path: path.to_owned(),
        source,
    })
}

/// A parameter's name as `layer/variable`.
fn own_name(name: &str) -> String {
    let name = name
        .replace(".bias.value", ".bias")
        .replace("non_negative_kernel", "kernel");
    match name.rsplit_once('.') {
        Some((layer, variable)) => format!("{layer}/{variable}"),
        None => name,
    }
}

fn add(layers: &mut Vec<Layer>, name: &str, parameter: &Parameter<'_>) {
    let (layer, variable) = name.rsplit_once('/').unwrap_or((name, "kernel"));
    let stored = (
        variable.to_owned(),
        keras_shape(name, parameter.shape),
        parameter.values.to_vec(),
    );
    match layers.iter_mut().rev().find(|known| known.name == layer) {
        Some(known) => known.variables.push(stored),
        None => layers.push(Layer {
            name: layer.to_owned(),
            variables: vec![stored],
        }),
    }
}

/// Keras' depthwise kernels end in an axis of size 1, and its dense layers read maps as vectors.
fn keras_shape(name: &str, shape: &[usize]) -> Vec<usize> {
    let is_kernel = name.ends_with("kernel");
    match *shape {
        [height, width, channels] if is_kernel => vec![height, width, channels, 1],
        [height, width, channels, units] if is_kernel && name.starts_with("head.") => {
            vec![height * width * channels, units]
        }
        _ => shape.to_vec(),
    }
}

/// Brings the layers into this order, those that it doesn't name to the end, and their variables into Keras'.
fn sort(layers: &mut [Layer], order: &[String]) -> Result<(), String> {
    let places: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
    if let Some(missing) = order
        .iter()
        .find(|name| !layers.iter().any(|layer| layer.name == **name))
    {
        return Err(missing.clone());
    }
    layers.sort_by_key(|layer| places.get(layer.name.as_str()).copied().unwrap_or(order.len()));
    Ok(())
}

/// The order in which Keras lists a layer's variables.
const VARIABLES: [&str; 8] = [
    "depthwise_kernel",
    "pointwise_kernel",
    "kernel",
    "bias",
    "gamma",
    "beta",
    "moving_mean",
    "moving_variance",
];

fn file(layers: &[Layer]) -> Result<Vec<u8>, String> {
    let mut file = FileBuilder::new();
    let text = |text: &str| AttrValue::String(text.to_owned());
    let list = |names: Vec<String>| AttrValue::StringArray(names);
    file.set_attr("backend", text("tensorflow"));
    file.set_attr("keras_version", text(KERAS_VERSION));
    file.set_attr(
        "layer_names",
        list(layers.iter().map(|layer| layer.name.clone()).collect()),
    );
    for layer in layers {
        let mut group = file.create_group(&layer.name);
        let mut variables: Vec<_> = layer.variables.iter().collect();
        variables.sort_by_key(|(name, ..)| VARIABLES.iter().position(|variable| variable == name));
        group.set_attr(
            "weight_names",
            list(variables.iter().map(|(name, ..)| name.clone()).collect()),
        );
        for (name, shape, values) in variables {
            let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
            group.create_dataset(name).with_f32_data(values).with_shape(&shape);
        }
        file.add_group(group.finish());
    }
    file.finish().map_err(|error| error.to_string())
}
