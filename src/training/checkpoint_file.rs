//! The bytes of a checkpoint: a safetensors file whose tensors are the model's, by name, and the optimizer's velocities
//! under `velocity/`. Everything else is JSON in the file's metadata, with a checksum of all of it.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, Identity, Position};
use super::checkpoint_error::Unusable;
use super::snapshot::{Snapshot, StoredTensor};

/// The metadata's key.
const KEY: &str = "wise-srnet";

/// What the names of velocities start with.
const VELOCITY: &str = "velocity/";

/// Bytes of the number that a file begins with: the length of its header, which stands behind it.
const LENGTH: usize = 8;

/// The version of the metadata's form.
pub(super) const FORMAT: u32 = 3;

/// The longest header, in bytes: reading it takes up to forty times its length. NASNetLarge's has 0.4 million.
pub(super) const LARGEST_HEADER: usize = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    identity: Identity,
    position: Position,
    scalars: BTreeMap<String, f64>,
    /// Of everything else in the file; left out while it is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<u32>,
}

impl Metadata {
    /// The CRC-32C of the metadata, without its checksum, and of all tensors with their names and shapes.
    fn sign(&mut self, tensors: &BTreeMap<String, TensorView<'_>>) -> Result<u32, serde_json::Error> {
        self.checksum = None;
        let mut sum = crc32c::crc32c(&serde_json::to_vec(self)?);
        for (name, tensor) in tensors {
            sum = crc32c::crc32c_append(sum, name.as_bytes());
            for &size in tensor.shape() {
                sum = crc32c::crc32c_append(sum, &(size as u64).to_le_bytes());
            }
            sum = crc32c::crc32c_append(sum, tensor.data());
        }
        self.checksum = Some(sum);
        Ok(sum)
    }
}

impl Checkpoint {
    /// The bytes that [`from_bytes`](Self::from_bytes) reads.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Unusable> {
        let names = self.snapshot.tensors.keys().cloned();
        let velocities = self.snapshot.velocities.keys().map(|name| format!("{VELOCITY}{name}"));
        let stored = self.snapshot.tensors.values().chain(self.snapshot.velocities.values());
        let tensors = names
            .chain(velocities)
            .zip(stored)
            .map(|(name, tensor)| Ok((name, view(tensor)?)));
        let tensors = tensors.collect::<Result<_, _>>().map_err(Unusable::Format)?;
        let mut metadata = Metadata {
            format: FORMAT,
            identity: self.identity.clone(),
            position: self.position.clone(),
            scalars: self.snapshot.scalars.clone(),
            checksum: None,
        };
        metadata.sign(&tensors).map_err(no_json)?;
        let json = serde_json::to_string(&metadata).map_err(no_json)?;
        let bytes = safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_owned(), json)])));
        let bytes = bytes.map_err(Unusable::Format)?;
        check_header(&bytes).map(|()| bytes)
    }

    /// Reads the bytes of a checkpoint, whoever they come from. This is the only way to a checkpoint: what it returns has
    /// the checksum that was written with it, and all its values are finite numbers.
    ///
    /// # Errors
    /// Bytes of something else, of another version, with a header that is too long, damaged ones, values that are not
    /// finite.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unusable> {
        check_header(bytes)?;
        let (length, header) = SafeTensors::read_metadata(bytes).map_err(Unusable::Format)?;
        let mut metadata = metadata(&header)?;
        let values = &bytes[LENGTH + length..];
        let tensors = header.tensors().into_iter().map(|(name, tensor)| {
            let (start, end) = tensor.data_offsets;
            TensorView::new(tensor.dtype, tensor.shape.clone(), &values[start..end]).map(|view| (name, view))
        });
        let tensors = tensors.collect::<Result<_, _>>().map_err(Unusable::Format)?;
        let written = metadata.checksum;
        if written != Some(metadata.sign(&tensors).map_err(no_json)?) {
            return Err(Unusable::Damaged);
        }
        let mut snapshot = Snapshot {
            scalars: metadata.scalars,
            ..Snapshot::default()
        };
        for (name, tensor) in tensors {
            let stored = stored(&name, &tensor)?;
            match name.strip_prefix(VELOCITY) {
                Some(parameter) => snapshot.velocities.insert(parameter.to_owned(), stored),
                None => snapshot.tensors.insert(name, stored),
            };
        }
        Ok(Self {
            identity: metadata.identity,
            position: metadata.position,
            snapshot,
        })
    }
}

/// Whether the header is short enough to be read. One that is longer than the file is left to the reader.
fn check_header(bytes: &[u8]) -> Result<(), Unusable> {
    let length = bytes.first_chunk::<LENGTH>().map(|&length| u64::from_le_bytes(length));
    match length {
        Some(length) if length > LARGEST_HEADER as u64 && length <= bytes.len() as u64 => Err(Unusable::LongHeader),
        _ => Ok(()),
    }
}

fn metadata(header: &safetensors::tensor::Metadata) -> Result<Metadata, Unusable> {
    /// What every format has.
    #[derive(Deserialize)]
    struct Any {
        format: u32,
    }
    let json = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let json = json.ok_or_else(|| Unusable::Foreign(format!("its metadata has no entry `{KEY}`")))?;
    match serde_json::from_str(json).map_err(no_json)? {
        Any { format: FORMAT } => serde_json::from_str(json).map_err(no_json),
        Any { format } => Err(Unusable::OtherFormat(format)),
    }
}

fn no_json(error: serde_json::Error) -> Unusable {
    Unusable::Foreign(error.to_string())
}

fn view(tensor: &StoredTensor) -> Result<TensorView<'_>, SafeTensorError> {
    TensorView::new(Dtype::F32, tensor.shape.clone(), bytemuck::cast_slice(&tensor.values))
}

fn stored(name: &str, tensor: &TensorView<'_>) -> Result<StoredTensor, Unusable> {
    if tensor.dtype() != Dtype::F32 {
        let reason = format!("its tensor `{name}` is {:?}, not F32", tensor.dtype());
        return Err(Unusable::Foreign(reason));
    }
    let (values, _) = tensor.data().as_chunks();
    let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Unusable::NotFinite(name.to_owned()));
    }
    Ok(StoredTensor {
        shape: tensor.shape().to_vec(),
        values,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::checkpoint_error::CheckpointError;
    use super::*;
    use crate::data::decode::Orientation;
    use crate::plan::Precision;

    fn checkpoint() -> Checkpoint {
        let tensor = |values: &[f32]| StoredTensor {
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        Checkpoint {
            identity: Identity {
                network: "mini_resnet".into(),
                image_size: 64,
                orientation: Orientation::Exif,
                precision: Precision::F32,
                head: "gap".into(),
                classes: vec!["sea".into(), "<b>\"é".into()],
                seed: u64::MAX,
                fingerprint: "f".into(),
                contents: 5,
            },
            position: Position {
                epochs: 3,
                batches: 2,
                steps: 11,
                best: Some(0.1 + 0.2),
                ..Position::default()
            },
            snapshot: Snapshot {
                tensors: [("head.1.kernel".into(), tensor(&[1.0, f32::MIN_POSITIVE, -0.0]))].into(),
                scalars: [("head.1.masks".into(), 7.0)].into(),
                velocities: [("head.1.kernel".into(), tensor(&[0.5, 0.25, 0.125]))].into(),
            },
        }
    }

    fn with(change: impl FnOnce(&mut Checkpoint)) -> Checkpoint {
        let mut checkpoint = checkpoint();
        change(&mut checkpoint);
        checkpoint
    }

    /// A file whose first eight bytes claim a header of this length.
    fn file(length: u64, header: &str, values: &[u8]) -> Vec<u8> {
        [&length.to_le_bytes(), header.as_bytes(), values].concat()
    }

    #[test]
    fn what_is_saved_is_loaded_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/last.safetensors");
        checkpoint().save(&path).unwrap();
        let loaded = Checkpoint::load(&path).unwrap();
        assert_eq!(loaded, checkpoint());
        let bits = |checkpoint: Checkpoint| {
            let tensors = checkpoint.snapshot.tensors.into_values();
            tensors
                .flat_map(|tensor| tensor.values)
                .map(f32::to_bits)
                .collect::<Vec<u32>>()
        };
        assert_eq!(bits(loaded), bits(checkpoint()));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn numbers_that_are_no_tensors_come_back_to_the_last_bit_too() {
        let written = with(|checkpoint| {
            let thirds = (1..1_000).map(|index| (format!("head.{index}.third"), f64::from(index) / 3.0));
            checkpoint.snapshot.scalars.extend(thirds);
        });
        assert_eq!(Checkpoint::from_bytes(&written.to_bytes().unwrap()).unwrap(), written);
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let path = Path::new("last.safetensors");
        let mut bytes = checkpoint().to_bytes().unwrap();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Checkpoint::from_bytes(&bytes) {
                // Padding, or a letter's case in a number such as `1e-7`.
                Ok(loaded) => assert_eq!(loaded, checkpoint(), "bit {bit}"),
                Err(Unusable::OtherFormat(_)) => {}
                Err(reason) => {
                    let error = CheckpointError::unusable(path)(reason);
                    assert!(error.is_damage(), "bit {bit}: {error}");
                }
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_file_that_was_cut_short_is_damaged_wherever_it_ends() {
        let bytes = checkpoint().to_bytes().unwrap();
        for length in 0..bytes.len() {
            let refused = Checkpoint::from_bytes(&bytes[..length]);
            assert!(matches!(refused, Err(Unusable::Format(_))), "{length}: {refused:?}");
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_named_by_its_tensor_wherever_it_is() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let weight = with(|checkpoint| {
                checkpoint.snapshot.tensors.get_mut("head.1.kernel").unwrap().values[2] = value;
            });
            let velocity = with(|checkpoint| {
                checkpoint.snapshot.velocities.get_mut("head.1.kernel").unwrap().values[0] = value;
            });
            for (written, name) in [(weight, "`head.1.kernel`"), (velocity, "`velocity/head.1.kernel`")] {
                let refused = Checkpoint::from_bytes(&written.to_bytes().unwrap()).unwrap_err();
                assert!(refused.to_string().contains(name), "{refused}");
            }
        }
    }

    #[test]
    fn other_formats_and_checkpoints_without_a_checksum_are_refused() {
        let refused = |format: u32| {
            let written = checkpoint();
            let metadata = Metadata {
                format,
                identity: written.identity,
                position: written.position,
                scalars: written.snapshot.scalars,
                checksum: None,
            };
            let json = serde_json::to_string(&metadata).unwrap();
            let kernel = view(&written.snapshot.tensors["head.1.kernel"]).unwrap();
            let entry = Some(HashMap::from([(KEY.to_owned(), json)]));
            let bytes = safetensors::serialize([("head.1.kernel", kernel)], entry).unwrap();
            Checkpoint::from_bytes(&bytes).unwrap_err()
        };
        assert!(matches!(refused(FORMAT), Unusable::Damaged));
        for other in [FORMAT - 1, FORMAT + 1] {
            let said = refused(other).to_string();
            assert!(
                said.contains(&format!("its format is {other}, this version reads {FORMAT}")),
                "{said}"
            );
        }
    }

    #[test]
    fn safetensors_files_of_other_programs_and_other_types_are_refused() {
        let none = Vec::<(String, TensorView<'_>)>::new();
        let foreign = Checkpoint::from_bytes(&safetensors::serialize(none, None).unwrap()).unwrap_err();
        assert!(
            foreign.to_string().starts_with("not a checkpoint of this program: "),
            "{foreign}"
        );

        let half = TensorView::new(Dtype::F16, vec![2], &[0; 4]).unwrap();
        let said = stored("head.bias", &half).unwrap_err().to_string();
        assert!(said.contains("its tensor `head.bias` is F16, not F32"), "{said}");
    }

    #[test]
    fn absurd_and_contradictory_sizes_are_refused() {
        let header =
            |ends: &str, shape: &str| format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{ends}}}}}"#);
        let whole = header("[0,8]", "[2]");
        let refused = |length: u64, header: &str| Checkpoint::from_bytes(&file(length, header, &[0; 8])).unwrap_err();
        assert!(matches!(refused(whole.len() as u64, &whole), Unusable::Foreign(_)));
        for length in [
            u64::MAX,
            1 << 62,
            1 << 40,
            LARGEST_HEADER as u64 + 1,
            whole.len() as u64 + 9,
        ] {
            assert!(matches!(refused(length, &whole), Unusable::Format(_)), "{length}");
        }
        let long = " ".repeat(LARGEST_HEADER + 1);
        assert!(matches!(refused(long.len() as u64, &long), Unusable::LongHeader));
        for (ends, shape) in [
            ("[0,18446744073709551615]", "[2]"),
            ("[8,0]", "[2]"),
            ("[0,8]", "[18446744073709551615,2]"),
            ("[0,8]", "[4611686018427387904,4]"),
            ("[0,8]", "[3]"),
            ("[4,12]", "[2]"),
        ] {
            let header = header(ends, shape);
            assert!(
                matches!(refused(header.len() as u64, &header), Unusable::Format(_)),
                "{header}"
            );
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(refused(deep.len() as u64, &deep), Unusable::Format(_)));
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let class = "a".repeat(LARGEST_HEADER);
        let written = with(|checkpoint| checkpoint.identity.classes[0] = class);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        let error = written.save(&path).unwrap_err().to_string();
        assert!(
            error.contains("last.safetensors: its names of tensors and classes take more than 4 MiB"),
            "{error}"
        );
        assert!(!path.exists());
    }
}
