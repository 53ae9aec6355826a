//! Keras 3's own files: `.weights.h5`, and `.keras`, which is a zip file around one (`keras/src/saving/saving_lib.py`).
//!
//! A group `layers` holds one group a layer, named after its class and a number (`conv2d_7`), whose group `vars` holds the
//! variables by number. The attribute `name` of `vars` is the layer's name.

use std::io::{Cursor, Read};

use hdf5_pure::Group;
use zip::ZipArchive;

use super::Tensor;
use super::keras_h5::{dataset, strings};

/// The bytes with which every zip file begins.
pub(super) const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// A model's weights in a `.keras` file.
const WEIGHTS: &str = "model.weights.h5";

/// The `.weights.h5` file in a `.keras` file, if it has at most `largest` bytes.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn unzip(bytes: &[u8], largest: u64) -> Result<Vec<u8>, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("not a readable zip file ({error})");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let entry = archive
        .by_name(WEIGHTS)
        .map_err(|error| format!("it is a zip file, but not a Keras 3 model: no `{WEIGHTS}` can be read ({error})"))?;
    let mut weights = Vec::new();
    let read = entry.take(largest + 1).read_to_end(&mut weights);
    read.map_err(|error| damaged(&error))?;
    if weights.len() as u64 > largest {
        return Err(format!("its `{WEIGHTS}` is larger than {} GiB", largest >> 30));
    }
    Ok(weights)
}

/// All tensors, class by class in the order of the model's layers, named `layer/variable`; their bytes are taken off `room`.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn read(root: &Group, room: &mut u64) -> Result<Vec<Tensor>, String> {
    let unreadable = |error| format!("its group `layers` can't be read ({error})");
    let Ok(layers) = root.group("layers") else {
        return Err(
            "it has neither an attribute `layer_names` nor a group `layers`: not a file of Keras weights".to_owned(),
        );
    };
    let mut groups = layers.groups().map_err(unreadable)?;
    groups.sort_by_key(|group| {
        let (class, number) = class_and_number(group);
        (class.to_owned(), number)
    });
    let mut tensors = Vec::new();
    for group in groups {
        read_layer(&layers, &group, room, &mut tensors)?;
    }
    Ok(tensors)
}

/// `conv2d_7` is the eighth layer of its class, `conv2d` the first.
fn class_and_number(group: &str) -> (&str, u64) {
    let numbered = group.rsplit_once('_');
    let numbered = numbered.and_then(|(class, number)| Some((class, number.parse().ok()?)));
    numbered.unwrap_or((group, 0))
}

fn read_layer(layers: &Group, group: &str, room: &mut u64, tensors: &mut Vec<Tensor>) -> Result<(), String> {
    let unreadable = |error| format!("its layer `{group}` can't be read ({error})");
    let Ok(variables) = layers.group(&format!("{group}/vars")) else {
        return Ok(());
    };
    let count = variables.datasets().map_err(unreadable)?.len();
    if count == 0 {
        return Ok(());
    }
    let names = variable_names(class_and_number(group).0);
    let layer = layer_name(&variables, group)?;
    for number in 0..count {
        let variable = names.get(number).copied().unwrap_or("variable");
        let name = format!("{}/{variable}", layer.replace('/', "_"));
        let (shape, values) = dataset(&variables, &number.to_string(), &format!("{layer}/{variable}"), room)?;
        tensors.push(Tensor { name, shape, values });
    }
    Ok(())
}

fn layer_name(variables: &Group, group: &str) -> Result<String, String> {
    let mut attributes = variables
        .attrs()
        .map_err(|error| format!("the attributes of its layer `{group}` can't be read ({error})"))?;
    let name = attributes.remove("name").ok_or_else(|| {
        format!(
            "its layer `{group}` has no attribute `name`: it is from a Keras that did not store the layers' names; load it \
             in Keras 3.15 and save it again"
        )
    })?;
    match name {
        hdf5_pure::AttrValue::String(name) => Ok(name),
        list => strings(list, "name")?
            .into_iter()
            .next()
            .ok_or_else(|| format!("the name of its layer `{group}` is empty")),
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
    use hdf5_pure::{AttrValue, File, FileBuilder};
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

    fn names(bytes: Vec<u8>) -> Result<Vec<String>, String> {
        let tensors = read(&File::from_bytes(bytes).unwrap().root(), &mut 100)?;
        Ok(tensors.into_iter().map(|tensor| tensor.name).collect())
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
    fn a_layer_without_a_name_is_named_by_its_group() {
        let message = names(file(&[("conv2d_3", None, 1)])).unwrap_err();
        assert!(
            message.contains("its layer `conv2d_3` has no attribute `name`"),
            "{message}"
        );
    }

    #[test]
    fn the_weights_of_a_model_are_taken_out_of_its_zip_file_if_they_are_not_too_large() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(WEIGHTS, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"weights").unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert_eq!(unzip(&bytes, 7).unwrap(), b"weights");
        assert!(unzip(&bytes, 6).unwrap_err().contains("is larger than"));
        for length in 0..bytes.len() {
            assert!(unzip(&bytes[..length], 7).is_err(), "cut to {length} bytes");
        }
    }
}
