//! Keras' HDF5 files. The legacy layout is read here, Keras 3's own in [`keras3`].
//!
//! In the legacy layout the attribute `layer_names` lists the layers' groups, each group's `weight_names` its data
//! sets (`keras/src/legacy/saving/legacy_h5_format.py`).
//!
//! Three generations of names are in use, because Keras itself goes by order: `conv1_conv/kernel`, Keras 2's
//! `conv1/conv/kernel:0` (the published DenseNet169), and Keras 1's `convolution2d_1_W:0` (the published Xception).

use hdf5_pure::{AttrValue, DType, File, Group};

use super::pretrained::UNPACKED;
use super::{Tensor, keras3};

/// The bytes with which every HDF5 file begins.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// All tensors in the file's order, named `layer/variable` as in today's Keras. Together they take at most the file's size
/// and [`UNPACKED`] bytes.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn read(bytes: Vec<u8>) -> Result<Vec<Tensor>, String> {
    read_within(bytes, UNPACKED)
}

fn read_within(bytes: Vec<u8>, unpacked: u64) -> Result<Vec<Tensor>, String> {
    let damaged = |reason| format!("not a readable HDF5 file ({reason}); if it was cut short, download it again");
    let length = bytes.len() as u64;
    let file = File::from_bytes(bytes).map_err(|error| damaged(error.to_string()))?;
    // Even if nothing that is read here is missing: a part of another file is no file.
    let whole = file.superblock().eof_address;
    if whole > length {
        return Err(damaged(format!("it has {length} of {whole} bytes")));
    }
    let mut room = length.saturating_add(unpacked);
    let mut model = file.root();
    let mut layers = names(&model, "layer_names")?;
    if layers.is_none()
        && let Ok(inner) = model.group("model_weights")
    {
        model = inner;
        layers = names(&model, "layer_names")?;
    }
    let Some(layers) = layers else {
        return keras3::read(&model, &mut room);
    };
    let mut tensors = Vec::new();
    for layer in &layers {
        let group = model
            .group(layer)
            .map_err(|error| format!("its layer `{layer}` can't be read ({error})"))?;
        let weights = names(&group, "weight_names")?
            .ok_or_else(|| format!("its layer `{layer}` has no attribute `weight_names`"))?;
        for weight in &weights {
            tensors.push(tensor(&group, layer, weight, &mut room)?);
        }
    }
    Ok(tensors)
}

/// An attribute that lists names; `None` if there is none. Long lists are cut into `name0`, `name1`, ….
fn names(group: &Group, attribute: &str) -> Result<Option<Vec<String>>, String> {
    let mut attributes = group
        .attrs()
        .map_err(|error| format!("its attribute `{attribute}` can't be read ({error})"))?;
    if let Some(value) = attributes.remove(attribute) {
        return strings(value, attribute).map(Some);
    }
    let mut all = None;
    for part in 0.. {
        let Some(value) = attributes.remove(&format!("{attribute}{part}")) else {
            break;
        };
        all.get_or_insert_with(Vec::new).extend(strings(value, attribute)?);
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

fn tensor(group: &Group, layer: &str, weight: &str, room: &mut u64) -> Result<Tensor, String> {
    let (shape, values) = dataset(group, weight, &format!("{layer}/{weight}"), room)?;
    Ok(Tensor {
        name: format!("{}/{}", layer.replace('/', "_"), variable(layer, weight)),
        shape,
        values,
    })
}

/// A data set's shape and values, whose bytes are taken off `room`; `name` is for messages.
pub(super) fn dataset(
    group: &Group,
    weight: &str,
    name: &str,
    room: &mut u64,
) -> Result<(Vec<usize>, Vec<f32>), String> {
    let unreadable = |error| format!("its tensor `{name}` can't be read ({error})");
    let dataset = group.dataset(weight).map_err(unreadable)?;
    let kind = dataset.dtype().map_err(unreadable)?;
    if kind != DType::F32 {
        return Err(format!("its tensor `{name}` is {kind:?}, not 32-bit floating point"));
    }
    let sizes = dataset.shape().map_err(unreadable)?;
    let count = sizes.iter().try_fold(1_u64, |count, &size| count.checked_mul(size));
    let bytes = count.and_then(|count| count.checked_mul(4));
    *room = bytes
        .and_then(|bytes| room.checked_sub(bytes))
        .ok_or_else(|| format!("its tensor `{name}` of the shape {sizes:?} is larger than the file can hold"))?;
    let values = dataset.read_f32().map_err(unreadable)?;
    let shape: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
    match shape.filter(|_| count == Some(values.len() as u64)) {
        Some(shape) => Ok((shape, values)),
        None => Err(format!(
            "its tensor `{name}` has {} values, but the shape {sizes:?}",
            values.len()
        )),
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
    use hdf5_pure::FileBuilder;

    fn list(names: &[&str]) -> AttrValue {
        AttrValue::StringArray(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// A file with one layer, whose kernel is called `weight`.
    fn file(layer: &str, weight: &str) -> Vec<u8> {
        let mut file = FileBuilder::new();
        file.set_attr("layer_names", list(&["input_1", layer]));
        let mut input = file.create_group("input_1");
        input.set_attr("weight_names", AttrValue::F64Array(Vec::new()));
        file.add_group(input.finish());
        let mut group = file.create_group(layer);
        group.set_attr("weight_names", list(&[weight]));
        let values: Vec<f32> = (0..6).map(|value| value as f32).collect();
        match weight.split_once('/') {
            None => {
                group.create_dataset(weight).with_f32_data(&values).with_shape(&[2, 3]);
            }
            Some((folder, name)) => {
                let mut inner = group.create_group(folder);
                inner.create_dataset(name).with_f32_data(&values).with_shape(&[2, 3]);
                group.add_group(inner.finish());
            }
        }
        file.add_group(group.finish());
        file.finish().unwrap()
    }

    #[test]
    fn every_generation_of_names_is_read_as_todays() {
        for (layer, weight) in [
            ("conv", "conv/kernel"),
            ("conv", "conv/kernel:0"),
            ("conv", "kernel:0"),
            ("conv", "conv_W:0"),
            ("conv", "conv_W_1:0"),
        ] {
            let tensors = read(file(layer, weight)).unwrap();
            let expected = Tensor {
                name: "conv/kernel".into(),
                shape: vec![2, 3],
                values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            };
            assert_eq!(tensors, [expected], "{weight}");
        }
        assert_eq!(variable("bn_1", "bn_1_running_std:0"), "moving_variance");
        assert_eq!(variable("sep", "sep_depthwise_kernel:0"), "depthwise_kernel");
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
        let tensors = read(whole.finish().unwrap()).unwrap();
        let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["a/bias", "b/bias"]);
    }

    #[test]
    fn files_of_another_form_are_told_from_damaged_ones() {
        let mut empty = FileBuilder::new();
        let other = empty.create_group("other");
        empty.add_group(other.finish());
        let message = read(empty.finish().unwrap()).unwrap_err();
        assert!(message.contains("neither an attribute `layer_names`"), "{message}");

        let mut wide = FileBuilder::new();
        wide.set_attr("layer_names", list(&["a"]));
        let mut group = wide.create_group("a");
        group.set_attr("weight_names", list(&["bias"]));
        group.create_dataset("bias").with_f64_data(&[1.0]).with_shape(&[1]);
        wide.add_group(group.finish());
        let message = read(wide.finish().unwrap()).unwrap_err();
        assert_eq!(message, "its tensor `a/bias` is F64, not 32-bit floating point");
    }

    #[test]
    fn a_file_that_names_its_tensors_again_and_again_does_not_fill_the_memory() {
        let mut file = FileBuilder::new();
        file.set_attr("layer_names", list(&["a"; 100]));
        let mut group = file.create_group("a");
        group.set_attr("weight_names", list(&["bias"]));
        group
            .create_dataset("bias")
            .with_f32_data(&[1.0; 1000])
            .with_shape(&[1000]);
        file.add_group(group.finish());
        let bytes = file.finish().unwrap();
        assert_eq!(read_within(bytes.clone(), 400_000).unwrap().len(), 100);
        let message = read_within(bytes, 300_000).unwrap_err();
        assert_eq!(
            message,
            "its tensor `a/bias` of the shape [1000] is larger than the file can hold"
        );
    }

    #[test]
    fn a_file_that_was_cut_short_or_overwritten_never_ends_the_program() {
        let whole = file("conv", "conv/kernel:0");
        for length in 0..whole.len() {
            assert!(read(whole[..length].to_vec()).is_err(), "cut to {length} bytes");
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0xff;
            // Damage inside the values can't be seen here; any answer will do, a panic will not.
            if let Ok(tensors) = read(damaged) {
                assert!(tensors.len() <= 1, "byte {place}");
            }
        }
    }
}
