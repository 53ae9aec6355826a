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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose first eight bytes claim a header of this length.
    fn file(length: u64, header: &str, values: &[u8]) -> Vec<u8> {
        [&length.to_le_bytes(), header.as_bytes(), values].concat()
    }

    fn refusal(bytes: &[u8]) -> String {
        read(bytes, "").unwrap_err()
    }

    #[test]
    fn lengths_beyond_the_file_are_refused() {
        let header =
            |ends: &str, shape: &str| format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{ends}}}}}"#);
        let whole = header("[0,8]", "[2]");
        assert_eq!(read(&file(whole.len() as u64, &whole, &[0; 8]), "").unwrap().len(), 1);
        for length in [u64::MAX, 1 << 62, 1 << 40, 99_000_000, whole.len() as u64 + 9] {
            assert!(
                refusal(&file(length, &whole, &[0; 8])).contains("readable safetensors file"),
                "{length}"
            );
        }
        for (ends, shape) in [
            ("[0,18446744073709551615]", "[2]"),
            ("[8,0]", "[2]"),
            ("[0,8]", "[18446744073709551615,2]"),
            ("[0,8]", "[4611686018427387904,4]"),
            ("[0,8]", "[3]"),
            ("[4,12]", "[2]"),
        ] {
            let header = header(ends, shape);
            let said = refusal(&file(header.len() as u64, &header, &[0; 8]));
            assert!(said.contains("readable safetensors file"), "{header}");
        }
    }

    #[test]
    fn brackets_without_end_and_tensors_of_other_types_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(refusal(&file(deep.len() as u64, &deep, &[])).contains("readable safetensors file"));
        let half = r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#;
        assert_eq!(
            refusal(&file(half.len() as u64, half, &[0; 4])),
            "its tensor `a` is F16, not F32"
        );
    }
}
