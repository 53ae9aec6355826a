//! Keras 3's own files: `.weights.h5`, and `.keras`, which is a zip file around one (`keras/src/saving/saving_lib.py`).
//!
//! A group `layers` holds one group a layer, named after its class and a number (`conv2d_7`), whose group `vars` holds the
//! variables by number. The attribute `name` of `vars` is the layer's name, since Keras 3.6. A model that is a layer has a
//! group `layers` of its own, and one that is an attribute of another's class stands under the attribute's name.

use std::io::{Cursor, Read};

use hdf5_pure::Group;
use zip::ZipArchive;

use super::keras_config::LayerNames;
use super::keras_file::{Listing, Part};
use super::keras_h5::strings;

/// The bytes with which every zip file begins.
pub(super) const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// A model's weights in a `.keras` file.
const WEIGHTS: &str = "model.weights.h5";

/// Its layers, their classes and names.
const CONFIG: &str = "config.json";

/// The largest configuration that is read, in bytes; NASNetLarge's has a million.
const LARGEST_CONFIG: u64 = 4 << 20;

/// The optimizer's state, which is no layer.
const OPTIMIZER: &str = "optimizer";

/// The group of a layer's variables.
const VARIABLES: &str = "vars";

/// Models within models that are followed; a group may stand in itself.
const DEEPEST: usize = 32;

/// The `.weights.h5` file in a `.keras` file, if it has at most `largest` bytes, and the layers' names.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn unzip(bytes: &[u8], largest: u64) -> Result<(Vec<u8>, LayerNames), String> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("not a readable zip file ({error})"))?;
    let weights = entry(&mut archive, WEIGHTS, largest)?;
    let names = LayerNames::of_config(&entry(&mut archive, CONFIG, LARGEST_CONFIG)?);
    Ok((weights, names.map_err(|reason| format!("its `{CONFIG}` {reason}"))?))
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, largest: u64) -> Result<Vec<u8>, String> {
    let entry = archive
        .by_name(name)
        .map_err(|error| format!("it is a zip file, but not a Keras 3 model: no `{name}` can be read ({error})"))?;
    let too_large = || format!("its `{name}` is larger than {} MiB", largest >> 20);
    if entry.size() > largest {
        return Err(too_large());
    }
    // All at once: a vector that grows is in memory twice.
    let mut content = Vec::new();
    let reserved = usize::try_from(entry.size()).map(|size| content.try_reserve_exact(size));
    if !matches!(reserved, Ok(Ok(()))) {
        return Err(format!("there is no memory for its `{name}`"));
    }
    let read = entry.take(largest + 1).read_to_end(&mut content);
    read.map_err(|error| format!("not a readable zip file ({error})"))?;
    if content.len() as u64 > largest {
        return Err(too_large());
    }
    Ok(content)
}

/// All tensors, class by class in the order of each model's layers, named `layer/variable`.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn list(root: &Group, names: &LayerNames, listing: &Listing) -> Result<Vec<Part>, String> {
    let mut walk = Walk {
        names,
        listing,
        parts: Vec::new(),
        nameless: None,
    };
    walk.model(root, "", "", 0)?;
    if walk.parts.iter().any(|part| !part.tensors.is_empty()) {
        return Ok(walk.parts);
    }
    Err(match walk.nameless {
        Some(group) => format!(
            "its layer `{group}` has no attribute `name`: Keras 3.0 to 3.5 stored no names beside the weights; save the \
             model as .keras, or, if it is of a class of your own, the network that is a layer of it: \
             model.get_layer(\"NAME\").save(\"backbone.h5\")"
        ),
        None => {
            "it has neither an attribute `layer_names` nor layers in the manner of Keras 3: not a file of Keras weights"
                .to_owned()
        }
    })
}

struct Walk<'a> {
    names: &'a LayerNames,
    listing: &'a Listing,
    parts: Vec<Part>,
    /// A layer with variables whose name is told nowhere.
    nameless: Option<String>,
}

impl Walk<'_> {
    /// The groups in a model's group, or in its group `layers`.
    fn model(&mut self, group: &Group, path: &str, name: &str, depth: usize) -> Result<(), String> {
        let unreadable = |error| format!("its group `{path}` can't be read ({error})");
        if depth > DEEPEST {
            return Err(format!("its group `{path}` is deeper than any model"));
        }
        let mut groups = self.listing.groups(group).map_err(unreadable)?;
        groups.retain(|(group, _)| group != VARIABLES && !(path.is_empty() && group == OPTIMIZER));
        groups.sort_by_cached_key(|(group, _)| {
            let (class, number) = class_and_number(group);
            (class.to_owned(), number)
        });
        let place = self.parts.len();
        self.parts.push(Part {
            name: name.to_owned(),
            tensors: Vec::new(),
        });
        for (name, group) in &groups {
            let path = format!("{path}{name}");
            let layer = self.layer(group, &path, name, place)?;
            let model = match layer {
                Some(layer) => layer,
                None if name == "layers" => self.parts[place].name.clone(),
                None => name.clone(),
            };
            self.model(group, &format!("{path}/"), &model, depth + 1)?;
        }
        Ok(())
    }

    /// A layer's own variables, if it has any; its name, if it has one.
    fn layer(&mut self, group: &Group, path: &str, name: &str, part: usize) -> Result<Option<String>, String> {
        let unreadable = |error| format!("its layer `{path}` can't be read ({error})");
        let Ok(variables) = self.listing.group(group, VARIABLES) else {
            return Ok(None);
        };
        let count = variables.datasets().map_err(unreadable)?.len();
        let layer = match self.names.of_group(path) {
            Some(name) => Some(name.to_owned()),
            None => layer_name(&variables, path, self.listing)?,
        };
        let Some(layer) = layer else {
            if count > 0 {
                self.nameless.get_or_insert_with(|| path.to_owned());
            }
            return Ok(None);
        };
        let names = variable_names(class_and_number(name).0);
        for number in 0..count {
            let variable = names.get(number).copied().unwrap_or("variable");
            let tensor = self.listing.tensor(
                &variables,
                format!("{path}/{VARIABLES}/{number}"),
                &number.to_string(),
                format!("{}/{variable}", layer.replace('/', "_")),
            )?;
            self.parts[part].tensors.push(tensor);
        }
        Ok(Some(layer))
    }
}

/// `conv2d_7` is the eighth layer of its class, `conv2d` the first.
fn class_and_number(group: &str) -> (&str, u64) {
    let numbered = group.rsplit_once('_');
    let numbered = numbered.and_then(|(class, number)| Some((class, number.parse().ok()?)));
    numbered.unwrap_or((group, 0))
}

fn layer_name(variables: &Group, layer: &str, listing: &Listing) -> Result<Option<String>, String> {
    let mut attributes = listing
        .attributes(variables)
        .map_err(|error| format!("the attributes of its layer `{layer}` can't be read ({error})"))?;
    match attributes.remove("name") {
        None => Ok(None),
        Some(hdf5_pure::AttrValue::String(name)) => Ok(Some(name)),
        Some(list) => Ok(strings(list, "name")?.into_iter().next()),
    }
}

/// The variables of a layer of this class, in Keras' order.
fn variable_names(class: &str) -> &'static [&'static str] {
    match class {
        "batch_normalization" => &["gamma", "beta", "moving_mean", "moving_variance"],
        "separable_conv2d" => &["depthwise_kernel", "pointwise_kernel", "bias"],
        _ => &["kernel", "bias"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::keras_file::KerasFile;
    use hdf5_pure::{AttrValue, FileBuilder};
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// A file whose layers are `(group, name, variables)`.
    fn file(layers: &[(&str, Option<&str>, usize)]) -> Vec<u8> {
        let mut file = FileBuilder::new();
        let mut all = file.create_group("layers");
        for &(group, name, variables) in layers {
            let mut layer = all.create_group(group);
            let mut values = layer.create_group("vars");
            if let Some(name) = name {
                values.set_attr("name", AttrValue::String(name.to_owned()));
            }
            for number in 0..variables {
                let value = [number as f32];
                values
                    .create_dataset(&number.to_string())
                    .with_f32_data(&value)
                    .with_shape(&[1]);
            }
            layer.add_group(values.finish());
            all.add_group(layer.finish());
        }
        file.add_group(all.finish());
        file.finish().unwrap()
    }

    fn names_with(bytes: Vec<u8>, names: &LayerNames) -> Result<Vec<String>, String> {
        let parts = KerasFile::open(bytes, names)?.parts;
        let tensors = parts.into_iter().flat_map(|part| part.tensors);
        Ok(tensors.map(|tensor| tensor.name).collect())
    }

    fn names(bytes: Vec<u8>) -> Result<Vec<String>, String> {
        names_with(bytes, &LayerNames::default())
    }

    #[test]
    fn layers_have_their_own_names_and_come_in_the_models_order() {
        let layers = [
            ("conv2d_10", Some("last"), 2),
            ("conv2d_2", Some("second"), 1),
            ("conv2d", Some("first"), 1),
            ("add", Some("sum"), 0),
            ("batch_normalization", Some("bn"), 4),
            ("separable_conv2d", Some("sep"), 2),
        ];
        let expected = [
            "bn/gamma",
            "bn/beta",
            "bn/moving_mean",
            "bn/moving_variance",
            "first/kernel",
            "second/kernel",
            "last/kernel",
            "last/bias",
            "sep/depthwise_kernel",
            "sep/pointwise_kernel",
        ];
        assert_eq!(names(file(&layers)).unwrap(), expected);
    }

    #[test]
    fn layers_without_names_get_them_from_the_models_configuration() {
        let bytes = file(&[("conv2d_1", None, 2), ("conv2d", None, 1)]);
        let json = r#"{"config": {"layers": [
            {"class_name": "Conv2D", "config": {"name": "first"}}, {"class_name": "Conv2D", "config": {"name": "second"}}]}}"#;
        let configured = LayerNames::of_config(json.as_bytes()).unwrap();
        assert_eq!(
            names_with(bytes.clone(), &configured).unwrap(),
            ["first/kernel", "second/kernel", "second/bias"]
        );
        let message = names(bytes).unwrap_err();
        assert!(message.contains("`layers/conv2d` has no attribute `name`"), "{message}");
        assert!(message.contains("save the model as .keras"), "{message}");
    }

    #[test]
    fn models_within_models_are_parts_and_an_optimizers_state_is_none() {
        let mut file = FileBuilder::new();
        let variable = |group: &mut hdf5_pure::GroupBuilder, name: &str, values: usize| {
            let mut variables = group.create_group("vars");
            variables.set_attr("name", AttrValue::String(name.to_owned()));
            for number in 0..values {
                let dataset = variables.create_dataset(&number.to_string());
                dataset.with_f32_data(&[1.0]).with_shape(&[1]);
            }
            group.add_group(variables.finish());
        };
        let mut layers = file.create_group("layers");
        let mut model = layers.create_group("functional");
        let mut inner = model.create_group("layers");
        let mut conv = inner.create_group("conv2d");
        variable(&mut conv, "conv1_conv", 1);
        inner.add_group(conv.finish());
        model.add_group(inner.finish());
        variable(&mut model, "resnet50", 0);
        layers.add_group(model.finish());
        let mut dense = layers.create_group("dense");
        variable(&mut dense, "dense_4", 2);
        layers.add_group(dense.finish());
        file.add_group(layers.finish());
        let mut adam = file.create_group("optimizer");
        variable(&mut adam, "adam", 3);
        file.add_group(adam.finish());
        let file = KerasFile::open(file.finish().unwrap(), &LayerNames::default()).unwrap();
        let parts = file.parts.iter().filter(|part| !part.tensors.is_empty());
        let parts: Vec<(&str, Vec<&str>)> = parts
            .map(|part| (&*part.name, part.tensors.iter().map(|tensor| &*tensor.name).collect()))
            .collect();
        assert_eq!(
            parts,
            [
                ("", vec!["dense_4/kernel", "dense_4/bias"]),
                ("resnet50", vec!["conv1_conv/kernel"])
            ]
        );
    }

    fn zipped(config: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in [(CONFIG, config), (WEIGHTS, "weights")] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn the_weights_of_a_model_are_taken_out_of_its_zip_file_if_they_are_not_too_large() {
        let bytes = zipped("{}");
        assert_eq!(unzip(&bytes, 7).unwrap().0, b"weights");
        assert!(unzip(&bytes, 6).unwrap_err().contains("is larger than"));
        for length in 0..bytes.len() {
            assert!(unzip(&bytes[..length], 7).is_err(), "cut to {length} bytes");
        }
        let message = unzip(&zipped("{"), 7).unwrap_err();
        assert!(message.starts_with("its `config.json` is not readable"), "{message}");
    }
}
