//! A file of weights that has been read and checked, and the way from it into a network.

use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::error::{Mismatch, WeightsError};
use super::matching::{Wanted, assign};
use super::official::Official;
use super::{Tensor, keras_h5, safetensors_file};
use crate::layers::Visited;

/// The largest file that is read, in bytes; NASNetLarge's has 343 million.
const LARGEST_FILE: u64 = 4 << 30;

/// What the names of a backbone's parameters start with, in networks and in checkpoints.
const BACKBONE: &str = "backbone.";

/// The folder that messages name for downloaded files.
const FOLDER: &str = "weights";

/// Weights of a network without its head.
#[derive(Debug)]
pub struct Pretrained {
    path: PathBuf,
    md5: String,
    form: Form,
    tensors: Vec<Tensor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Keras' names.
    Keras,
    /// Our own.
    Checkpoint,
}

impl Pretrained {
    /// Reads a file: Keras' legacy `.h5`, or a checkpoint of this program, whose head is left out.
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
        let (form, tensors) = if bytes.starts_with(keras_h5::SIGNATURE) {
            (Form::Keras, keras_h5::read(bytes))
        } else if bytes.starts_with(b"PK\x03\x04") {
            let reason = "it is a zip file, perhaps a Keras 3 `.keras` file, which can't be read yet: save the weights \
                          with `model.save_weights` under a name that ends in `.h5` only";
            return Err(format(reason.to_owned()));
        } else {
            (Form::Checkpoint, safetensors_file::read(&bytes, BACKBONE))
        };
        Ok(Self {
            path: path.to_owned(),
            md5,
            form,
            tensors: tensors.map_err(format)?,
        })
    }

    /// The file's MD5, in lower-case hexadecimal digits.
    pub fn md5(&self) -> &str {
        &self.md5
    }

    /// Copies the weights into a network's parameters, those whose names start with `backbone.`; nothing is changed if
    /// they don't fit. `for_each` visits the parameters, always in the same order.
    ///
    /// # Errors
    /// The first tensor that is missing, surplus, misshaped or not finite; a Keras file for a network that Keras lacks.
    pub fn load_into(
        &self,
        network: &str,
        mut for_each: impl FnMut(&mut dyn FnMut(Visited<'_>)),
    ) -> Result<(), WeightsError> {
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
        let mismatch = |mismatch| WeightsError::Mismatch {
            path: self.path.clone(),
            network: network.to_owned(),
            mismatch,
        };
        let wanted = match self.form {
            Form::Checkpoint => parameters,
            Form::Keras => in_keras(&parameters, self.keras_names(network)?).map_err(mismatch)?,
        };
        let mut assigned = assign(&self.tensors, &wanted).map_err(mismatch)?.into_iter();
        for_each(&mut |visited| {
            if let Visited::Tensor(parameter) = visited
                && parameter.name.starts_with(BACKBONE)
                && let Some(tensor) = assigned.next()
            {
                parameter.values.copy_from_slice(&tensor.values);
            }
        });
        Ok(())
    }

    fn keras_names(&self, network: &str) -> Result<Vec<String>, WeightsError> {
        let official = Official::of_network(network).ok_or_else(|| WeightsError::NotInKeras {
            path: self.path.clone(),
            network: network.to_owned(),
        })?;
        Ok((official.names)())
    }
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
    let failed = |source| WeightsError::Read {
        path: path.to_owned(),
        source,
    };
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(WeightsError::Missing {
                path: path.to_owned(),
                advice: advice(path, network),
            });
        }
        found => found.map_err(failed)?,
    };
    let reason = if !found.is_file() {
        "not a file: name the file of weights itself".to_owned()
    } else if found.len() > LARGEST_FILE {
        format!("larger than {} GiB: that is no file of weights", LARGEST_FILE >> 30)
    } else {
        return fs::read(path).map_err(failed);
    };
    Err(WeightsError::NotWeights {
        path: path.to_owned(),
        reason,
    })
}

/// Where to get the file that is not there, or else the official one for the network.
fn advice(path: &Path, network: &str) -> String {
    match official_name(path) {
        Some(official) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.map_or("the current folder".to_owned(), |folder| {
                format!("'{}'", folder.display())
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
