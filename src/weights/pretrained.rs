//! A file of weights that has been read and checked, and the way from it into a network.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::error::{Mismatch, WeightsError};
use super::keras_config::LayerNames;
use super::keras_file::{self, KerasFile};
use super::matching::{Wanted, assign};
use super::official::Official;
use super::{LeftOut, Tensor, backbone, keras3};
use crate::input_file;
use crate::kernels::elementwise::copy_flushed;
use crate::layers::Visited;
use crate::text::printable;
use crate::training::{Checkpoint, Unusable};

/// What a `.keras` file may take unpacked beyond its own size, in bytes.
const UNPACKED: u64 = 1 << 30;

/// What the names of a backbone's parameters start with, in networks and in checkpoints.
pub(super) const BACKBONE: &str = "backbone.";

/// The folder that messages name for downloaded files.
const FOLDER: &str = "weights";

/// What is said of any other file.
const NEITHER: &str = "neither a Keras file (.h5, .weights.h5, .keras) nor a checkpoint of this program";

/// Weights of a network without its head.
#[derive(Debug)]
pub struct Pretrained {
    path: PathBuf,
    md5: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Keras' names.
    Keras(KerasFile),
    /// Our own.
    Checkpoint(Vec<Tensor>),
}

/// Of tensors, in a network's order.
type Values<'t> = Vec<Cow<'t, [f32]>>;

impl Pretrained {
    /// Reads a file: one of Keras (legacy `.h5`, `.weights.h5`, `.keras`), or a checkpoint of this program, whose head is
    /// left out.
    ///
    /// # Errors
    /// Where the file is missing, with where to get the official one for `network`; where it is damaged, of another kind,
    /// or not what its official name promises.
    pub fn open(path: &Path, network: &str) -> Result<Self, WeightsError> {
        let bytes = read(path, network)?;
        let md5 = hexadecimal(&Md5::digest(&bytes));
        check_digest(path, &md5)?;
        let format = |reason| WeightsError::Format {
            path: path.to_owned(),
            reason,
        };
        let content = if bytes.starts_with(keras_file::SIGNATURE) {
            KerasFile::open(bytes, &LayerNames::default()).map(Content::Keras)
        } else if bytes.starts_with(keras3::ZIP_SIGNATURE) {
            let unzipped = keras3::unzip(&bytes, bytes.len() as u64 + UNPACKED);
            drop(bytes);
            unzipped
                .and_then(|(bytes, names)| KerasFile::open(bytes, &names))
                .map(Content::Keras)
        } else {
            of_checkpoint(&bytes).map(Content::Checkpoint)
        };
        Ok(Self {
            path: path.to_owned(),
            md5,
            content: content.map_err(format)?,
        })
    }

    /// The file's MD5, in lower-case hexadecimal digits.
    pub fn md5(&self) -> &str {
        &self.md5
    }

    /// Copies the weights into a network's parameters, those whose names start with `backbone.`, with 0 for subnormal
    /// values; nothing is changed if they don't fit. `for_each` visits the parameters, always in the same order. Gives the
    /// layers of the file that are not the network's: a Keras model that was built around it has some.
    ///
    /// # Errors
    /// The first tensor that is missing, surplus, misshaped, not readable or not finite; a Keras file for a network that
    /// Keras lacks.
    pub fn load_into(
        &self,
        network: &str,
        mut for_each: impl FnMut(&mut dyn FnMut(Visited<'_>)),
    ) -> Result<LeftOut, WeightsError> {
        let mut parameters = Vec::new();
        for_each(&mut |visited| {
            if let Visited::Tensor(parameter) = visited
                && parameter.name.starts_with(BACKBONE)
            {
                parameters.push(Wanted {
                    name: parameter.name.to_owned(),
                    shape: parameter.shape.to_vec(),
                });
            }
        });
        let (values, layers) = match &self.content {
            Content::Checkpoint(tensors) => (self.exactly(tensors, network, &parameters)?, Vec::new()),
            Content::Keras(file) => self.found_in(file, network, &parameters)?,
        };
        let mut values = values.into_iter();
        for_each(&mut |visited| {
            if let Visited::Tensor(parameter) = visited
                && parameter.name.starts_with(BACKBONE)
                && let Some(values) = values.next()
            {
                copy_flushed(&values, parameter.values);
            }
        });
        Ok(LeftOut {
            path: self.path.clone(),
            layers,
        })
    }

    /// Reads the values of every tensor of the file, one after the other, whatever network they are for. Gives how many
    /// values there are.
    ///
    /// # Errors
    /// The first tensor that can't be read.
    pub fn read_all(&self) -> Result<usize, WeightsError> {
        let file = match &self.content {
            Content::Checkpoint(tensors) => return Ok(tensors.iter().map(|tensor| tensor.values.len()).sum()),
            Content::Keras(file) => file,
        };
        let tensors = file.parts.iter().flat_map(|part| &part.tensors);
        let counts = tensors.map(|tensor| Ok(file.values(&[tensor])?.iter().map(Vec::len).sum::<usize>()));
        counts
            .sum::<Result<_, String>>()
            .map_err(|reason| WeightsError::Format {
                path: self.path.clone(),
                reason,
            })
    }

    /// A checkpoint's values for these parameters, which must be all that it has.
    fn exactly<'t>(
        &self,
        tensors: &'t [Tensor],
        network: &str,
        parameters: &[Wanted],
    ) -> Result<Values<'t>, WeightsError> {
        let mismatch = |mismatch| self.mismatch(network, mismatch, String::new());
        let assigned = assign(tensors, parameters).map_err(mismatch)?;
        match assigned.rest.first() {
            Some(surplus) => Err(mismatch(Mismatch::Surplus(surplus.name.clone()))),
            None => Ok((assigned.wanted.into_iter())
                .map(|tensor| Cow::Borrowed(&*tensor.values))
                .collect()),
        }
    }

    /// A Keras file's values for these parameters, and the layers that it has beside.
    fn found_in(
        &self,
        file: &KerasFile,
        network: &str,
        parameters: &[Wanted],
    ) -> Result<(Values<'static>, Vec<String>), WeightsError> {
        let mismatch = |mismatch| {
            let advice = alone(network, &mismatch);
            self.mismatch(network, mismatch, advice)
        };
        let wanted = in_keras(parameters, self.keras_names(network)?).map_err(mismatch)?;
        let found = backbone::find(file, &wanted).map_err(mismatch)?;
        let values = file.values(&found.tensors).map_err(|reason| WeightsError::Format {
            path: self.path.clone(),
            reason,
        })?;
        let mut read = found.tensors.iter().zip(&values);
        if let Some((tensor, _)) = read.find(|(_, values)| !values.iter().all(|value| value.is_finite())) {
            return Err(mismatch(Mismatch::NotFinite(tensor.name.clone())));
        }
        Ok((values.into_iter().map(Cow::Owned).collect(), found.left_out))
    }

    fn mismatch(&self, network: &str, mismatch: Mismatch, advice: String) -> WeightsError {
        WeightsError::Mismatch {
            path: self.path.clone(),
            network: network.to_owned(),
            mismatch,
            advice,
        }
    }

    fn keras_names(&self, network: &str) -> Result<Vec<String>, WeightsError> {
        let official = Official::of_network(network).ok_or_else(|| WeightsError::NotInKeras {
            path: self.path.clone(),
            network: network.to_owned(),
        })?;
        Ok((official.names)())
    }
}

/// The backbone of a checkpoint.
fn of_checkpoint(bytes: &[u8]) -> Result<Vec<Tensor>, String> {
    let checkpoint = Checkpoint::from_bytes(bytes).map_err(|reason| match reason {
        Unusable::Foreign(reason) => format!("{NEITHER}: {reason}"),
        Unusable::Format(_) | Unusable::LongHeader => format!("{NEITHER} ({reason})"),
        reason => reason.to_string(),
    })?;
    let mut tensors = checkpoint.snapshot.tensors;
    tensors.retain(|name, _| name.starts_with(BACKBONE));
    let named = tensors.into_iter().map(|(name, tensor)| Tensor {
        name,
        shape: tensor.shape,
        values: tensor.values,
    });
    Ok(named.collect())
}

/// How to get the network's weights out of Keras by themselves, where that can help.
fn alone(network: &str, wrong: &Mismatch) -> String {
    let layer = match wrong {
        Mismatch::Several(layer, _) => layer,
        Mismatch::Missing { .. } | Mismatch::Twice(_) => network,
        _ => return String::new(),
    };
    format!(
        ". If it is of a model that has the network as a layer, save that layer alone in Keras: \
         model.get_layer(\"{layer}\").save(\"backbone.h5\")"
    )
}

/// Our parameters under Keras' names, which are in the same order.
fn in_keras(parameters: &[Wanted], names: Vec<String>) -> Result<Vec<Wanted>, Mismatch> {
    if names.len() != parameters.len() {
        return Err(Mismatch::OtherNetwork {
            keras: names.len(),
            network: parameters.len(),
        });
    }
    let both = names.into_iter().zip(parameters);
    Ok(both
        .map(|(name, parameter)| Wanted::in_keras(name, &parameter.shape))
        .collect())
}

fn read(path: &Path, network: &str) -> Result<Vec<u8>, WeightsError> {
    let owned = || path.to_owned();
    input_file::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => WeightsError::Missing {
            path: owned(),
            advice: advice(path, network),
        },
        ErrorKind::IsADirectory | ErrorKind::InvalidInput | ErrorKind::FileTooLarge => WeightsError::NotWeights {
            path: owned(),
            reason: format!("no file of weights: {error}"),
        },
        _ => WeightsError::Read {
            path: owned(),
            source: error,
        },
    })
}

/// Where to get the file that is not there, or else the official one for the network.
fn advice(path: &Path, network: &str) -> String {
    match official_name(path) {
        Some(official) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.map_or("the current folder".to_owned(), |folder| {
                format!("'{}'", printable(folder))
            });
            format!(
                "Download {} from {} (MD5 {}) into {folder}",
                official.file,
                official.url(),
                official.md5
            )
        }
        None => match Official::of_network(network) {
            Some(official) => format!(
                "Keras' ImageNet weights for `{network}` are {} from {} (MD5 {}): put the file into '{FOLDER}' and name \
                 '{FOLDER}/{}'",
                official.file,
                official.url(),
                official.md5,
                official.file
            ),
            None => format!("There are no published weights for `{network}`: name a checkpoint (.safetensors) of it"),
        },
    }
}

/// The official file that a path claims to be.
fn official_name(path: &Path) -> Option<&'static Official> {
    Official::of_file(path.file_name()?.to_str()?)
}

fn check_digest(path: &Path, md5: &str) -> Result<(), WeightsError> {
    match official_name(path) {
        Some(official) if official.md5 != md5 => Err(WeightsError::Digest {
            path: path.to_owned(),
            expected: official.md5,
            found: md5.to_owned(),
            url: official.url(),
        }),
        _ => Ok(()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::decode::Orientation;
    use crate::layers::Parameter;
    use crate::plan::Precision;
    use crate::training::{Identity, Position, Snapshot, StoredTensor};

    /// A network of two parameters: one of its backbone, one of its head.
    struct Small {
        backbone: [f32; 2],
        head: [f32; 1],
    }

    impl Small {
        fn for_each(&mut self, visit: &mut dyn FnMut(Visited<'_>)) {
            let tensors: [(&str, &mut [f32]); 2] =
                [("backbone.0.kernel", &mut self.backbone), ("head.bias", &mut self.head)];
            for (name, values) in tensors {
                visit(Visited::Tensor(Parameter {
                    name,
                    shape: &[values.len()],
                    trainable: true,
                    non_negative: false,
                    id: None,
                    values,
                    gradient: &[],
                }));
            }
        }
    }

    fn checkpoint(folder: &Path, backbone: &[f32]) -> PathBuf {
        let path = folder.join("last.safetensors");
        let tensor = |values: &[f32]| StoredTensor {
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        let checkpoint = Checkpoint {
            identity: Identity {
                network: "mine".to_owned(),
                image_size: 64,
                orientation: Orientation::default(),
                precision: Precision::F32,
                head: "gap".to_owned(),
                classes: vec!["sea".to_owned()],
                seed: 0,
                fingerprint: String::new(),
                contents: 0,
            },
            position: Position::default(),
            snapshot: Snapshot {
                tensors: [
                    ("backbone.0.kernel".to_owned(), tensor(backbone)),
                    ("head.bias".to_owned(), tensor(&[9.0])),
                ]
                .into(),
                velocities: [("backbone.0.kernel".to_owned(), tensor(&[9.0]))].into(),
                ..Snapshot::default()
            },
        };
        checkpoint.save(&path).unwrap();
        path
    }

    fn message(path: &Path, network: &str) -> String {
        Pretrained::open(path, network).unwrap_err().to_string()
    }

    #[test]
    fn a_checkpoint_gives_its_backbone_and_leaves_the_head_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), &[3.0, 4.0]);
        let mut network = Small {
            backbone: [0.0; 2],
            head: [7.0],
        };
        let weights = Pretrained::open(&path, "mine").unwrap();
        weights.load_into("mine", |visit| network.for_each(visit)).unwrap();
        assert_eq!((network.backbone, network.head), ([3.0, 4.0], [7.0]));
    }

    #[test]
    fn subnormal_weights_become_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), &[1e-40, f32::MIN_POSITIVE]);
        let mut network = Small {
            backbone: [1.0; 2],
            head: [7.0],
        };
        let weights = Pretrained::open(&path, "mine").unwrap();
        weights.load_into("mine", |visit| network.for_each(visit)).unwrap();
        assert_eq!(network.backbone, [0.0, f32::MIN_POSITIVE]);
    }

    #[test]
    fn weights_that_do_not_fit_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), &[3.0, 4.0, 5.0]);
        let mut network = Small {
            backbone: [0.0; 2],
            head: [7.0],
        };
        let weights = Pretrained::open(&path, "mine").unwrap();
        let error = weights.load_into("mine", |visit| network.for_each(visit)).unwrap_err();
        assert!(
            error.to_string().contains("`backbone.0.kernel` has the shape [3]"),
            "{error}"
        );
        assert_eq!(network.backbone, [0.0; 2]);
    }

    #[test]
    fn a_damaged_checkpoint_is_refused_by_its_checksum_and_one_that_is_not_finite_by_its_tensor() {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint(folder.path(), &[3.0, f32::NAN]);
        let said = message(&path, "mine");
        assert!(
            said.contains("last.safetensors': its tensor `backbone.0.kernel` holds values"),
            "{said}"
        );

        checkpoint(folder.path(), &[3.0, 4.0]);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        let said = message(&path, "mine");
        assert!(said.contains("last.safetensors': damaged: its checksum"), "{said}");
    }

    #[test]
    fn a_network_that_keras_lacks_starts_from_checkpoints_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.h5");
        let mut file = hdf5_pure::FileBuilder::new();
        file.set_attr("layer_names", hdf5_pure::AttrValue::StringArray(Vec::new()));
        fs::write(&path, file.finish().unwrap()).unwrap();
        let weights = Pretrained::open(&path, "mini_resnet").unwrap();
        let error = weights.load_into("mini_resnet", |_| ()).unwrap_err();
        assert!(
            error.to_string().contains("Keras has no network `mini_resnet`"),
            "{error}"
        );
        let error = weights.load_into("resnet50", |_| ()).unwrap_err();
        assert!(
            error.to_string().contains("has 318 tensors, the registered one has 0"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_official_file_is_answered_with_name_address_digest_and_folder() {
        let message = message(Path::new("nowhere/NASNet-large-no-top.h5"), "nasnet_large");
        assert_eq!(
            message,
            "there is no file of weights 'nowhere/NASNet-large-no-top.h5'. Download NASNet-large-no-top.h5 from \
             https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-large-no-top.h5 \
             (MD5 d81d89dc07e6e56530c4e77faddd61b5) into 'nowhere'"
        );
    }

    #[test]
    fn any_other_missing_file_is_answered_with_what_there_is_for_the_network() {
        let known = message(Path::new("nowhere.h5"), "resnet50");
        assert!(
            known.contains("name 'weights/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'"),
            "{known}"
        );
        let unknown = message(Path::new("nowhere.h5"), "mini_resnet");
        assert!(unknown.contains("no published weights for `mini_resnet`"), "{unknown}");
    }

    #[test]
    fn a_file_with_an_official_name_must_have_the_official_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("NASNet-large-no-top.h5");
        fs::write(&path, b"abc").unwrap();
        let message = message(&path, "nasnet_large");
        let [found, expected] = ["900150983cd24fb0d6963f7d28e17f72", "d81d89dc07e6e56530c4e77faddd61b5"];
        assert!(message.contains(found) && message.contains(expected), "{message}");
    }

    #[test]
    fn a_model_around_the_network_is_told_how_to_save_it_alone() {
        let told = |layer: &str| format!("model.get_layer(\"{layer}\").save(\"backbone.h5\")");
        let twice = alone("resnet50", &Mismatch::Twice("conv1/kernel".to_owned()));
        assert!(twice.ends_with(&told("resnet50")), "{twice}");
        assert_eq!(alone("resnet50", &Mismatch::Surplus("more/kernel".to_owned())), "");
    }

    #[test]
    fn other_kinds_of_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.keras");
        assert!(message(folder.path(), "resnet50").contains("it is a folder, not a file"));
        let huge = folder.path().join("huge.h5");
        // Its blocks are not on the disk: the file has a length and nothing else.
        fs::File::create(&huge).unwrap().set_len((4 << 30) + 1).unwrap();
        assert!(message(&huge, "resnet50").contains("it is larger than 4 GiB"));
        fs::write(&path, b"PK\x03\x04 and so on").unwrap();
        assert!(message(&path, "resnet50").contains("zip file"));
        for bytes in [&b""[..], b"random bytes", b"\x89HDF\r\n\x1a\nrandom bytes"] {
            fs::write(&path, bytes).unwrap();
            assert!(message(&path, "resnet50").contains("weights.keras': n"), "{bytes:?}");
        }
    }
}
