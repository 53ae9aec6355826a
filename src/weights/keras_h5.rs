//! Keras' HDF5 files of the legacy layout: the attribute `layer_names` lists the layers' groups, each group's
//! `weight_names` its data sets (`keras/src/legacy/saving/legacy_h5_format.py`). A model that is a layer has its own layers'
//! tensors in its group.
//!
//! Three generations of names are in use, because Keras itself goes by order: `conv1_conv/kernel`, Keras 2's
//! `conv1/conv/kernel:0` (the published DenseNet169), and Keras 1's `convolution2d_1_W:0` (the published Xception).

use std::collections::HashMap;

use hdf5_pure::{AttrValue, Group};

use super::keras_file::{Listing, Part};

/// A whole model's weights in its file.
const WHOLE: &str = "model_weights";

/// The tensors of a file of this layout; `None` if it has another.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn list(root: &Group, listing: &Listing) -> Result<Option<Vec<Part>>, String> {
    let (model, path) = match listing.group(root, WHOLE) {
        Ok(model) => (model, format!("{WHOLE}/")),
        Err(_) => (root.clone(), String::new()),
    };
    let Some(layers) = names(&model, "layer_names", listing)? else {
        return Ok(None);
    };
    let unlistable = |error| format!("its groups can't be read ({error})");
    let groups: HashMap<String, Group> = listing.groups(&model).map_err(unlistable)?.into_iter().collect();
    let mut parts = vec![Part::default()];
    for layer in &layers {
        let group = match groups.get(layer) {
            Some(group) => group.clone(),
            None => {
                let (group, rest) = nearest(&model, &groups, layer);
                let group = listing.group(group, rest);
                group.map_err(|error| format!("its layer `{layer}` can't be read ({error})"))?
            }
        };
        let inner: HashMap<String, Group> = listing.groups(&group).map_err(unlistable)?.into_iter().collect();
        let weights = names(&group, "weight_names", listing)?
            .ok_or_else(|| format!("its layer `{layer}` has no attribute `weight_names`"))?;
        let is_model = weights.iter().any(|weight| owner(weight) != owner(&weights[0]));
        let mut tensors = Vec::new();
        for weight in &weights {
            let name = if is_model {
                name_within(layer, weight)
            } else {
                format!("{}/{}", layer.replace('/', "_"), variable(layer, weight))
            };
            let (group, rest) = nearest(&group, &inner, weight);
            tensors.push(listing.tensor(group, format!("{path}{layer}/{weight}"), rest, name)?);
        }
        if is_model {
            let name = layer.clone();
            parts.push(Part { name, tensors });
        } else {
            parts[0].tensors.extend(tensors);
        }
    }
    Ok(Some(parts))
}

/// Where a path begins: in which of the groups within `group`, if in any, and with what rest. To look each up in `group`
/// would be to read the names of all for each.
fn nearest<'g, 'p>(group: &'g Group, within: &'g HashMap<String, Group>, path: &'p str) -> (&'g Group, &'p str) {
    path.split_once('/')
        .and_then(|(first, rest)| Some((within.get(first)?, rest)))
        .unwrap_or((group, path))
}

/// The layer that a tensor is of by its name.
fn owner(weight: &str) -> &str {
    weight.rsplit_once('/').map_or("", |(owner, _)| owner)
}

/// What a tensor of a model that is the layer `model` is called in that model.
fn name_within(model: &str, weight: &str) -> String {
    let owner = owner(weight);
    // A model that was made inside of another has that one's name and its own before its layers'.
    let layer = match owner.rsplit_once(&format!("{model}/")) {
        Some((around, layer)) if around.is_empty() || around.ends_with('/') => layer,
        _ => owner,
    };
    format!("{}/{}", layer.replace('/', "_"), variable(layer, weight))
}

/// An attribute that lists names; `None` if there is none. Long lists are cut into `name0`, `name1`, ….
fn names(group: &Group, attribute: &str, listing: &Listing) -> Result<Option<Vec<String>>, String> {
    let mut attributes = listing
        .attributes(group)
        .map_err(|error| format!("its attribute `{attribute}` can't be read ({error})"))?;
    let mut all = attributes
        .remove(attribute)
        .map(|value| strings(value, attribute))
        .transpose()?;
    for part in 0.. {
        let Some(value) = attributes.remove(&format!("{attribute}{part}")) else {
            break;
        };
        all.get_or_insert_with(Vec::new).extend(strings(value, attribute)?);
    }
    for name in all.iter().flatten() {
        listing.charge(size_of::<String>() + name.len())?;
    }
    Ok(all)
}

pub(super) fn strings(value: AttrValue, attribute: &str) -> Result<Vec<String>, String> {
    match value {
        // A layer without weights: an empty list has no strings to give it their type.
        AttrValue::F64Array(none) if none.is_empty() => Ok(Vec::new()),
        value => value
            .as_strings()
            .map(<[String]>::to_vec)
            .ok_or_else(|| format!("its attribute `{attribute}` is not a list of names")),
    }
}

/// What today's Keras calls the variable that the file calls `weight`.
fn variable<'w>(layer: &str, weight: &'w str) -> &'w str {
    let name = weight.rsplit('/').next().unwrap_or(weight);
    let name = name.strip_suffix(":0").unwrap_or(name);
    // Keras 1: `layer_W`, or `layer_W_1` where TensorFlow had a variable `layer_W` already.
    let Some(name) = name.strip_prefix(layer).and_then(|name| name.strip_prefix('_')) else {
        return name;
    };
    let name = match name.rsplit_once('_') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    match name {
        "W" => "kernel",
        "b" => "bias",
        "running_mean" => "moving_mean",
        // Named so, but it held the variance.
        "running_std" => "moving_variance",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::keras_config::LayerNames;
    use crate::weights::keras_file::KerasFile;
    use hdf5_pure::{FileBuilder, GroupBuilder};
    use std::collections::BTreeMap;

    fn list(names: &[&str]) -> AttrValue {
        AttrValue::StringArray(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// A file with these layers and their tensors, every tensor of the shape [2, 3].
    fn file(layers: &[(&str, &[&str])]) -> Vec<u8> {
        let mut file = FileBuilder::new();
        let names: Vec<&str> = layers.iter().map(|(layer, _)| *layer).collect();
        file.set_attr("layer_names", list(&names));
        for (layer, weights) in layers {
            let mut group = file.create_group(layer);
            let names = if weights.is_empty() {
                AttrValue::F64Array(Vec::new())
            } else {
                list(weights)
            };
            group.set_attr("weight_names", names);
            add(&mut group, weights);
            file.add_group(group.finish());
        }
        file.finish().unwrap()
    }

    fn add(group: &mut GroupBuilder, weights: &[&str]) {
        let mut inner: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for weight in weights {
            match weight.split_once('/') {
                Some((name, rest)) => inner.entry(name).or_default().push(rest),
                None => {
                    let dataset = group.create_dataset(weight);
                    dataset
                        .with_f32_data(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
                        .with_shape(&[2, 3]);
                }
            }
        }
        for (name, weights) in inner {
            let mut inner = group.create_group(name);
            add(&mut inner, &weights);
            group.add_group(inner.finish());
        }
    }

    fn open(bytes: Vec<u8>) -> Result<KerasFile, String> {
        KerasFile::open(bytes, &LayerNames::default())
    }

    /// The tensors' names, part by part.
    fn names(bytes: Vec<u8>) -> Vec<(String, Vec<String>)> {
        let parts = open(bytes).unwrap().parts.into_iter();
        parts
            .map(|part| (part.name, part.tensors.into_iter().map(|tensor| tensor.name).collect()))
            .collect()
    }

    #[test]
    fn every_generation_of_names_is_read_as_todays() {
        for weight in ["conv/kernel", "conv/kernel:0", "kernel:0", "conv_W:0", "conv_W_1:0"] {
            let file = open(file(&[("input_1", &[]), ("conv", &[weight])])).unwrap();
            let tensor = &file.parts[0].tensors[0];
            assert_eq!(
                (tensor.name.as_str(), &*tensor.shape),
                ("conv/kernel", &[2, 3][..]),
                "{weight}"
            );
            assert_eq!(
                file.values(&[tensor]).unwrap(),
                [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]],
                "{weight}"
            );
        }
        assert_eq!(variable("bn_1", "bn_1_running_std:0"), "moving_variance");
        assert_eq!(variable("sep", "sep_depthwise_kernel:0"), "depthwise_kernel");
    }

    #[test]
    fn a_model_that_is_a_layer_is_a_part_of_its_own() {
        let nested = ["conv1/conv/kernel:0", "conv1/bn/gamma:0"];
        let made_inside = ["model/net/conv1_conv/kernel", "model/net/bn/gamma"];
        let bytes = file(&[
            ("pool", &[]),
            ("net", &made_inside),
            ("densenet", &nested),
            ("dense", &["model/dense/kernel", "model/dense/bias"]),
        ]);
        let part = |name: &str, tensors: &[&str]| {
            (
                name.to_owned(),
                tensors.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            names(bytes),
            [
                part("", &["dense/kernel", "dense/bias"]),
                part("net", &["conv1_conv/kernel", "bn/gamma"]),
                part("densenet", &["conv1_conv/kernel", "conv1_bn/gamma"]),
            ]
        );
    }

    /// Looking each up among all would be to read more than is allowed.
    #[test]
    fn a_model_of_thousands_of_layers_within_another_is_listed() {
        let weights: Vec<String> = (0..3_000).map(|layer| format!("l{layer}/kernel")).collect();
        let nested: Vec<&str> = weights.iter().map(String::as_str).collect();
        assert_eq!(names(file(&[("large", &nested)]))[1].1, weights);
    }

    #[test]
    fn a_whole_models_weights_are_found_in_its_group() {
        let mut whole = FileBuilder::new();
        let mut weights = whole.create_group("model_weights");
        weights.set_attr("layer_names0", list(&["a"]));
        weights.set_attr("layer_names1", list(&["b"]));
        for layer in ["a", "b"] {
            let mut group = weights.create_group(layer);
            group.set_attr("weight_names", list(&["bias:0"]));
            group.create_dataset("bias:0").with_f32_data(&[1.0]).with_shape(&[1]);
            weights.add_group(group.finish());
        }
        whole.add_group(weights.finish());
        let bytes = whole.finish().unwrap();
        let file = open(bytes.clone()).unwrap();
        let tensors: Vec<_> = file.parts[0].tensors.iter().collect();
        assert_eq!(file.values(&tensors).unwrap(), [[1.0], [1.0]]);
        assert_eq!(names(bytes)[0].1, ["a/bias", "b/bias"]);
    }

    #[test]
    fn files_of_another_form_are_told_from_damaged_ones() {
        let mut empty = FileBuilder::new();
        let other = empty.create_group("other");
        empty.add_group(other.finish());
        let message = open(empty.finish().unwrap()).unwrap_err();
        assert!(message.contains("neither an attribute `layer_names`"), "{message}");
    }

    #[test]
    fn a_file_that_was_cut_short_or_overwritten_never_ends_the_program() {
        let whole = file(&[("input_1", &[]), ("conv", &["kernel:0"])]);
        for length in 0..whole.len() {
            assert!(open(whole[..length].to_vec()).is_err(), "cut to {length} bytes");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0xff;
            // Damage inside the values can't be seen here; any answer will do, a panic will not.
            if let Ok(file) = open(damaged) {
                let tensors: Vec<_> = file.parts.iter().flat_map(|part| &part.tensors).collect();
                assert!(tensors.len() <= 1, "byte {place}");
                let _ = file.values(&tensors);
            }
        }
    }
}
