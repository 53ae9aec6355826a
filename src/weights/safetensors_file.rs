//! The weights in this program's checkpoints: safetensors files whose tensors have our own names.

use safetensors::tensor::{Dtype, SafeTensors};

use super::Tensor;

/// The tensors whose names start with `prefix`.
///
/// # Errors
/// A sentence on what is not as it should be.
pub(super) fn read(bytes: &[u8], prefix: &str) -> Result<Vec<Tensor>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("neither a Keras .h5 file nor a readable safetensors file ({error})"))?;
    let tensors = file.iter().filter(|(name, _)| name.starts_with(prefix));
    tensors
        .map(|(name, tensor)| {
            if tensor.dtype() != Dtype::F32 {
                return Err(format!("its tensor `{name}` is {:?}, not F32", tensor.dtype()));
            }
            let (values, _) = tensor.data().as_chunks();
            Ok(Tensor {
                name: name.to_owned(),
                shape: tensor.shape().to_vec(),
                values: values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            })
        })
        .collect()
}
