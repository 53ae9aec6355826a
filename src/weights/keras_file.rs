//! A file of Keras' weights: the tensors that it lists, model by model. Their values are read when a network needs them, so
//! that what surrounds a network in a file costs nothing.

use std::collections::HashMap;
use std::sync::Arc;

use hdf5_pure::{AttrValue, File, Group};

use super::keras_config::LayerNames;
use super::meter::{Meter, Metered};
use super::{Described, keras_h5, keras3, values};

/// The bytes with which every HDF5 file begins.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// What may be read of a file, in bytes, to find out which tensors it has.
const LISTING: u64 = 256 << 20;

/// What may be read of a file beside the values, in bytes, to find these again: each is looked up among all, so that this
/// grows faster than their number.
const FINDING: u64 = 1 << 30;

/// What may be read at once, in bytes: a name of one letter takes fifty in memory.
const STEP: u64 = 4 << 20;

/// How much more is charged for what is kept than for what is read and forgotten.
const KEPT: usize = 16;

/// A tensor that a file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// `layer/variable`, as in today's Keras.
    pub name: String,
    pub shape: Vec<usize>,
    /// Where the file has its values.
    pub path: String,
}

impl Described for Listed {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }
}

/// The layers of one model. A model that is a layer of another is a part of its own.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The layer that the model is in the model around it; empty for the outermost.
    pub name: String,
    pub tensors: Vec<Listed>,
}

/// Reads what a file lists, and charges for it.
pub(super) struct Listing {
    meter: Meter,
}

impl Listing {
    /// A data set of a group under a name.
    ///
    /// # Errors
    /// A sentence on what is not as it should be.
    pub fn tensor(&self, group: &Group, path: String, dataset: &str, name: String) -> Result<Listed, String> {
        let unreadable = |error| format!("its tensor `{name}` can't be read ({error})");
        self.meter.step();
        let dataset = group.dataset(dataset).map_err(unreadable)?;
        let sizes = dataset.shape().map_err(unreadable)?;
        let shape: Option<Vec<usize>> = sizes.iter().map(|&size| usize::try_from(size).ok()).collect();
        let shape = shape.ok_or_else(|| format!("its tensor `{name}` has the shape {sizes:?}"))?;
        self.charge(size_of::<Listed>() + name.len() + path.len() + size_of_val(&*shape))?;
        Ok(Listed { name, shape, path })
    }

    /// A group within a group.
    ///
    /// # Errors
    /// It isn't there or can't be read.
    pub fn group(&self, group: &Group, name: &str) -> Result<Group, hdf5_pure::Error> {
        self.meter.step();
        group.group(name)
    }

    /// All groups within a group.
    ///
    /// # Errors
    /// They can't be read.
    pub fn groups(&self, group: &Group) -> Result<Vec<(String, Group)>, hdf5_pure::Error> {
        self.meter.step();
        Ok(group.iter_groups()?.collect())
    }

    /// The attributes of a group.
    ///
    /// # Errors
    /// They can't be read.
    pub fn attributes(&self, group: &Group) -> Result<HashMap<String, AttrValue>, hdf5_pure::Error> {
        self.meter.step();
        group.attrs()
    }

    /// Charges for bytes that are kept.
    ///
    /// # Errors
    /// There are too many of them.
    pub fn charge(&self, bytes: usize) -> Result<(), String> {
        self.meter.step();
        if self.meter.take((bytes * KEPT) as u64) {
            Ok(())
        } else {
            Err(endless())
        }
    }
}

fn endless() -> String {
    "it lists more layers and tensors than any network has".to_owned()
}

/// A file whose tensors are listed.
#[derive(Debug)]
pub(super) struct KerasFile {
    bytes: Arc<Vec<u8>>,
    /// In the file's order, the parts of a part before it.
    pub parts: Vec<Part>,
}

impl KerasFile {
    /// Lists a file's tensors; `names` has the names of layers that the file itself doesn't tell.
    ///
    /// # Errors
    /// A sentence on what is not as it should be.
    pub fn open(bytes: Vec<u8>, names: &LayerNames) -> Result<Self, String> {
        let bytes = Arc::new(bytes);
        let meter = Meter::new(LISTING, STEP);
        let parts = list(&bytes, &meter, names);
        // An attribute that is not read to its end is no error there, but one that isn't there.
        if meter.is_empty() {
            return Err(endless());
        }
        Ok(Self { bytes, parts: parts? })
    }

    /// The values of tensors that the file lists, in the order of `tensors`.
    ///
    /// # Errors
    /// A sentence on what is not as it should be.
    pub fn values(&self, tensors: &[&Listed]) -> Result<Vec<Vec<f32>>, String> {
        let all = FINDING + 2 * self.bytes.len() as u64;
        let meter = Meter::new(all, all);
        let root = open(&self.bytes, &meter)?.root();
        let values = tensors.iter().map(|tensor| {
            let named = |reason: String| format!("its tensor `{}` {reason}", tensor.name);
            let dataset = root.dataset(&tensor.path);
            let dataset = dataset.map_err(|error| named(format!("can't be read ({error})")))?;
            values::read(&dataset, &tensor.shape).map_err(named)
        });
        values.collect()
    }
}

fn list(bytes: &Arc<Vec<u8>>, meter: &Meter, names: &LayerNames) -> Result<Vec<Part>, String> {
    let file = open(bytes, meter)?;
    let listing = Listing { meter: meter.clone() };
    match keras_h5::list(&file.root(), &listing)? {
        Some(parts) => Ok(parts),
        None => keras3::list(&file.root(), names, &listing),
    }
}

fn open(bytes: &Arc<Vec<u8>>, meter: &Meter) -> Result<File, String> {
    let damaged = |reason| format!("not a readable HDF5 file ({reason}); if it was cut short, download it again");
    let source = Metered {
        bytes: Arc::clone(bytes),
        meter: meter.clone(),
    };
    let file = File::from_source(source).map_err(|error| damaged(error.to_string()))?;
    // Even if nothing that is read here is missing: a part of another file is no file.
    let (length, whole) = (bytes.len() as u64, file.superblock().eof_address);
    if whole > length {
        return Err(damaged(format!("it has {length} of {whole} bytes")));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_list_is_charged_many_times() {
        let listing = Listing {
            meter: Meter::new(LISTING, STEP),
        };
        let (kept, most) = (64 << 10, LISTING as usize / KEPT);
        let accepted = (0..).take_while(|_| listing.charge(kept).is_ok()).count();
        // A meter that is empty has had too much.
        assert_eq!(accepted + 1, most / kept);
        assert_eq!(listing.charge(0), Err(endless()));
    }
}
