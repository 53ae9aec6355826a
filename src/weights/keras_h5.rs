//! Keras' legacy HDF5 layout: the attribute `layer_names` lists the layers' groups, each group's `weight_names` its data
//! sets (`keras/src/legacy/saving/legacy_h5_format.py`).
//!
//! Three generations of names are in use, because Keras itself goes by order: `conv1_conv/kernel`, Keras 2's
//! `conv1/conv/kernel:0` (the published DenseNet169), and Keras 1's `convolution2d_1_W:0` (the published Xception).

use hdf5_pure::{AttrValue, DType, File, Group};

use super::Tensor;

/// The bytes with which every HDF5 file begins.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// All tensors in the file's order, named `layer/variable` as in today's Keras.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn read(bytes: Vec<u8>) -> Result<Vec<Tensor>, String> {
    let damaged = |error| format!("not a readable HDF5 file ({error}); if it was cut short, download it again");
    let root = File::from_bytes(bytes).map_err(damaged)?.root();
    let mut model = root;
    let mut layers = names(&model, "layer_names")?;
    if layers.is_none()
        && let Ok(inner) = model.group("model_weights")
    {
        model = inner;
        layers = names(&model, "layer_names")?;
    }
    let layers = layers.ok_or(
        "it has no attribute `layer_names`: not a weights file of Keras' legacy form. Keras 3's own `.weights.h5` can't \
         be read yet: save the weights under a name that ends in `.h5` only",
    )?;
    let mut tensors = Vec::new();
    for layer in &layers {
        let group = model
            .group(layer)
            .map_err(|error| format!("its layer `{layer}` can't be read ({error})"))?;
        let weights = names(&group, "weight_names")?
            .ok_or_else(|| format!("its layer `{layer}` has no attribute `weight_names`"))?;
        for weight in &weights {
            tensors.push(tensor(&group, layer, weight)?);
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

fn strings(value: AttrValue, attribute: &str) -> Result<Vec<String>, String> {
    match value {
        // A layer without weights: an empty list has no strings to give it their type.
        AttrValue::F64Array(none) if none.is_empty() => Ok(Vec::new()),
        value => value
            .as_strings()
            .map(<[String]>::to_vec)
            .ok_or_else(|| format!("its attribute `{attribute}` is not a list of names")),
    }
}

fn tensor(group: &Group, layer: &str, weight: &str) -> Result<Tensor, String> {
    let unreadable = |error| format!("its tensor `{layer}/{weight}` can't be read ({error})");
    let dataset = group.dataset(weight).map_err(unreadable)?;
    let kind = dataset.dtype().map_err(unreadable)?;
    if kind != DType::F32 {
        return Err(format!(
            "its tensor `{layer}/{weight}` is {kind:?}, not 32-bit floating point"
        ));
    }
    let sizes = dataset.shape().map_err(unreadable)?;
    let values = dataset.read_f32().map_err(unreadable)?;
    let shape: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
    let count = |shape: &Vec<usize>| shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
    let shape = shape.filter(|shape| count(shape) == Some(values.len()));
    let shape = shape.ok_or_else(|| {
        format!(
            "its tensor `{layer}/{weight}` has {} values, but the shape {sizes:?}",
            values.len()
        )
    })?;
    Ok(Tensor {
        name: format!("{}/{}", layer.replace('/', "_"), variable(layer, weight)),
        shape,
        values,
    })
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
