//! Checkpoints: safetensors files that know what they are of. The tensors are the model's, by name, and the
//! optimizer's velocities under `velocity/`; everything else is JSON in the file's metadata, with a checksum of all of it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::debug;

use super::evaluation::Evaluation;
use super::fit::EpochResult;
use super::snapshot::{Snapshot, StoredTensor};
use crate::atomic_file::{Disk, System, replace_on};

/// The metadata's key.
const KEY: &str = "wise-srnet";

/// What the names of velocities start with.
const VELOCITY: &str = "velocity/";

/// What a checkpoint is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the network.
    pub network: String,
    /// Height and width of its input, in pixels.
    pub image_size: usize,
    /// Name of the head.
    pub head: String,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// The run's seed.
    pub seed: u64,
    /// Stands for all settings that determine the run's results.
    pub fingerprint: String,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are finished, their evaluation included.
    pub epochs: u64,
    /// Batches of the next epoch that have been trained on.
    pub batches: usize,
    /// Optimizer updates through all epochs.
    pub steps: u64,
    /// Sums over the unfinished epoch's images.
    pub training: Evaluation,
    /// Seconds spent on the unfinished epoch.
    pub seconds: f64,
    /// The accuracy by which the best epoch was chosen.
    pub best: Option<f64>,
    /// The last finished epoch.
    pub last: Option<EpochResult>,
}

/// A model's state with its identity and position.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What it is of.
    pub identity: Identity,
    /// How far the run had come.
    pub position: Position,
    /// Weights, scalars, velocities.
    pub snapshot: Snapshot,
}

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system's answer.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file is not a safetensors file, or a damaged one.
    #[error("{}: not a readable safetensors file ({source}); if it was cut short, copy it again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: SafeTensorError,
    },
    /// The file is a safetensors file, but not one of this program's checkpoints.
    #[error("{}: not a checkpoint of this program: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// What the file holds is not what was written.
    #[error("{}: damaged: its checksum is not that of what it holds", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program wrote the file.
    #[error("{}: its format is {format}, this version reads up to {FORMAT}: use the version that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format's number.
        format: u32,
    },
}

impl CheckpointError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the file's bytes are not those of a checkpoint, as after a power failure or on a failing disk.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Format { .. } | Self::Foreign { .. } | Self::Damaged { .. })
    }
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u32,
    identity: Identity,
    position: Position,
    scalars: BTreeMap<String, f64>,
    /// Of everything else in the file. Format 1 had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<u32>,
}

/// The version of the metadata's form.
const FORMAT: u32 = 2;

/// The CRC-32C of the metadata, without its checksum, and of all tensors with their names and shapes.
fn checksum(metadata: &Metadata, tensors: &[(String, TensorView<'_>)]) -> Result<u32, serde_json::Error> {
    let start = crc32c::crc32c(&serde_json::to_vec(metadata)?);
    let mut tensors: Vec<_> = tensors.iter().collect();
    tensors.sort_by_key(|(name, _)| name);
    Ok(tensors.into_iter().fold(start, |sum, (name, tensor)| {
        let named = crc32c::crc32c_append(sum, name.as_bytes());
        let sizes = tensor.shape().iter();
        let shaped = sizes.fold(named, |sum, &size| {
            crc32c::crc32c_append(sum, &(size as u64).to_le_bytes())
        });
        crc32c::crc32c_append(shaped, tensor.data())
    }))
}

impl Checkpoint {
    /// Writes the checkpoint atomically: the file is the old one or the new one, whatever happens.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        self.save_on(&System, path, None)
    }

    /// As [`save`](Self::save) on any disk; a checkpoint that `path` already names becomes `previous`.
    pub(super) fn save_on(&self, disk: &dyn Disk, path: &Path, previous: Option<&Path>) -> Result<(), CheckpointError> {
        let bytes = self.to_bytes(path)?;
        let started = Instant::now();
        replace_on(disk, path, previous, &bytes).map_err(io_error(path))?;
        debug!(file = %path.display(), bytes = bytes.len(), time = ?started.elapsed(), "checkpoint written");
        Ok(())
    }

    /// The file's bytes; errors name it as `path`.
    fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, CheckpointError> {
        let names = self.snapshot.tensors.keys().cloned();
        let velocities = self.snapshot.velocities.keys().map(|name| format!("{VELOCITY}{name}"));
        let stored = self.snapshot.tensors.values().chain(self.snapshot.velocities.values());
        let tensors = names
            .chain(velocities)
            .zip(stored)
            .map(|(name, tensor)| Ok((name, view(tensor)?)));
        let tensors: Vec<(String, TensorView<'_>)> = tensors
            .collect::<Result<_, SafeTensorError>>()
            .map_err(format_error(path))?;
        let mut metadata = Metadata {
            format: FORMAT,
            identity: self.identity.clone(),
            position: self.position.clone(),
            scalars: self.snapshot.scalars.clone(),
            checksum: None,
        };
        let no_json = |error: serde_json::Error| io_error(path)(error.into());
        metadata.checksum = Some(checksum(&metadata, &tensors).map_err(no_json)?);
        let json = serde_json::to_string(&metadata).map_err(no_json)?;
        safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_owned(), json)]))).map_err(format_error(path))
    }

    /// Reads a checkpoint.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(io_error(path))?;
        let metadata = metadata(&bytes, path)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(format_error(path))?.tensors();
        let (metadata, expected) = without_checksum(metadata);
        let found = checksum(&metadata, &tensors).map_err(|error| io_error(path)(error.into()))?;
        let is_whole = expected.map_or(metadata.format == 1, |expected| expected == found);
        if !is_whole {
            return Err(CheckpointError::Damaged { path: path.to_owned() });
        }
        let mut snapshot = Snapshot {
            scalars: metadata.scalars,
            ..Snapshot::default()
        };
        for (name, tensor) in tensors {
            if tensor.dtype() != Dtype::F32 {
                let reason = format!("its tensor `{name}` is {:?}, not F32", tensor.dtype());
                return Err(foreign(path, reason));
            }
            let values = tensor
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            let stored = StoredTensor {
                shape: tensor.shape().to_vec(),
                values,
            };
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

fn metadata(bytes: &[u8], path: &Path) -> Result<Metadata, CheckpointError> {
    /// What every format has.
    #[derive(Deserialize)]
    struct Any {
        format: u32,
    }
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format_error(path))?;
    let json = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let json = json.ok_or_else(|| foreign(path, format!("its metadata has no entry `{KEY}`")))?;
    let not_ours = |error: serde_json::Error| foreign(path, error.to_string());
    match serde_json::from_str(json).map_err(not_ours)? {
        Any { format } if format > FORMAT => Err(CheckpointError::Newer {
            path: path.to_owned(),
            format,
        }),
        _ => serde_json::from_str(json).map_err(not_ours),
    }
}

fn without_checksum(mut metadata: Metadata) -> (Metadata, Option<u32>) {
    let checksum = metadata.checksum.take();
    (metadata, checksum)
}

fn foreign(path: &Path, reason: String) -> CheckpointError {
    CheckpointError::Foreign {
        path: path.to_owned(),
        reason,
    }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    move |source| CheckpointError::Io {
        path: path.to_owned(),
        source,
    }
}

fn format_error(path: &Path) -> impl Fn(SafeTensorError) -> CheckpointError + '_ {
    move |source| CheckpointError::Format {
        path: path.to_owned(),
        source,
    }
}

fn view(tensor: &StoredTensor) -> Result<TensorView<'_>, SafeTensorError> {
    TensorView::new(Dtype::F32, tensor.shape.clone(), bytemuck::cast_slice(&tensor.values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let tensor = |values: &[f32]| StoredTensor {
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        Checkpoint {
            identity: Identity {
                network: "mini_resnet".into(),
                image_size: 64,
                head: "gap".into(),
                classes: vec!["sea".into(), "<b>\"é".into()],
                seed: u64::MAX,
                fingerprint: "f".into(),
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

    #[test]
    fn what_is_saved_is_loaded_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/last.safetensors");
        checkpoint().save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), checkpoint());
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn numbers_that_are_no_tensors_come_back_to_the_last_bit_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        let mut written = checkpoint();
        let thirds = (1..1_000).map(|index| (format!("head.{index}.third"), f64::from(index) / 3.0));
        written.snapshot.scalars.extend(thirds);
        written.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), written);
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        let mut bytes = checkpoint().to_bytes(&path).unwrap();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            match Checkpoint::load(&path) {
                // Padding, or a letter's case in a number such as `1e-7`.
                Ok(loaded) => assert_eq!(loaded, checkpoint(), "bit {bit}"),
                Err(error) => assert!(
                    error.is_damage() || matches!(error, CheckpointError::Newer { .. }),
                    "bit {bit}: {error}"
                ),
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn checkpoints_of_the_first_format_are_read_without_a_checksum_and_newer_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        let load = |format: u32| {
            let written = checkpoint();
            let metadata = Metadata {
                format,
                identity: written.identity,
                position: written.position,
                scalars: written.snapshot.scalars,
                checksum: None,
            };
            let json = serde_json::to_string(&metadata).unwrap();
            let stored = &written.snapshot.tensors["head.1.kernel"];
            let velocity = &written.snapshot.velocities["head.1.kernel"];
            let tensors = [("head.1.kernel", stored), ("velocity/head.1.kernel", velocity)];
            let tensors = tensors.map(|(name, tensor)| (name, view(tensor).unwrap()));
            let bytes = safetensors::serialize(tensors, Some(HashMap::from([(KEY.to_owned(), json)]))).unwrap();
            std::fs::write(&path, bytes).unwrap();
            Checkpoint::load(&path)
        };
        assert_eq!(load(1).unwrap(), checkpoint());
        assert!(matches!(load(2), Err(CheckpointError::Damaged { .. })));
        let newer = load(3).unwrap_err().to_string();
        assert!(newer.contains("its format is 3, this version reads up to 2"), "{newer}");
    }

    #[test]
    fn damaged_and_foreign_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        checkpoint().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let message = Checkpoint::load(&path).unwrap_err().to_string();
            assert!(message.contains("last.safetensors"), "{message}");
        }
        std::fs::write(
            &path,
            safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), None).unwrap(),
        )
        .unwrap();
        assert!(
            Checkpoint::load(&path)
                .unwrap_err()
                .to_string()
                .contains("not a checkpoint of this program")
        );
    }
}
