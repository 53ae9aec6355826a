//! Reference values, as `tools/reference/golden.py` writes them: NumPy `.npz` files of arrays and one of facts.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use npyz::{Deserialize, NpyFile};
use serde_json::Value;
use zip::ZipArchive;

use crate::formula;

/// The folder of the set in use.
pub fn folder() -> PathBuf {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keras/golden");
    std::env::var_os("KERAS_REFERENCE").map_or_else(|| committed.into(), PathBuf::from)
}

/// One subject's reference values.
pub struct Golden {
    file: ZipArchive<File>,
    facts: Value,
}

impl Golden {
    pub fn open(subject: &str) -> Self {
        let path = folder().join(format!("{subject}.npz"));
        let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.to_string_lossy()));
        let mut golden = Self {
            file: ZipArchive::new(file).unwrap(),
            facts: Value::Null,
        };
        golden.facts = serde_json::from_slice(&golden.array::<u8>("facts")).unwrap();
        golden
    }

    /// Every array's name.
    pub fn names(&self) -> Vec<String> {
        let names = self.file.file_names();
        names
            .map(|name| name.unwrap().trim_end_matches(".npy").to_owned())
            .collect()
    }

    pub fn array<T: Deserialize>(&mut self, name: &str) -> Vec<T> {
        let mut bytes = Vec::new();
        let mut entry = self.file.by_name(&format!("{name}.npy")).unwrap();
        entry.read_to_end(&mut bytes).unwrap();
        NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
    }

    pub fn fact(&self, name: &str) -> &Value {
        &self.facts[name]
    }

    /// A fact that is a whole number.
    pub fn count(&self, name: &str) -> usize {
        self.facts[name].as_u64().unwrap() as usize
    }

    pub fn seed(&self) -> u64 {
        self.facts["seed"].as_u64().unwrap()
    }

    /// The names of the tensors of this prefix, in the file's order.
    pub fn names_of(&mut self, prefix: &str) -> Vec<String> {
        let names = String::from_utf8(self.array(&format!("{prefix}/names"))).unwrap();
        names.split('\n').map(str::to_owned).collect()
    }

    pub fn tensors(&mut self, prefix: &str) -> Tensors {
        let names = self.names_of(prefix);
        let mut array = |part: &str| self.array::<f32>(&format!("{prefix}/{part}"));
        let [values, means, roots, largest] = ["values", "means", "roots", "largest"].map(&mut array);
        let sizes: Vec<u32> = self.array(&format!("{prefix}/sizes"));
        let sampled = self.facts["sampled"].as_bool().unwrap();
        let mut rest = values.as_slice();
        let whole: usize = sizes.iter().map(|&size| size as usize).sum();
        // Of a large tensor as many values are stored as there are samples: all large tensors have equally many.
        let samples = if sampled && whole > values.len() {
            samples(&sizes, values.len())
        } else {
            usize::MAX
        };
        let tensors = names.into_iter().enumerate().map(|(place, name)| {
            let size = sizes[place] as usize;
            let (values, others) = rest.split_at(size.min(samples));
            rest = others;
            let tensor = Tensor {
                size,
                values: values.to_vec(),
                mean: means[place].into(),
                root: roots[place].into(),
                largest: largest[place].into(),
            };
            (name, tensor)
        });
        Tensors {
            tensors: tensors.collect(),
            seed: self.seed(),
        }
    }
}

/// The number of samples of each large tensor that makes `stored` values in all.
fn samples(sizes: &[u32], stored: usize) -> usize {
    let total = |samples: usize| -> usize { sizes.iter().map(|&size| samples.min(size as usize)).sum() };
    (1..).find(|&samples| total(samples) >= stored).unwrap()
}

struct Tensor {
    size: usize,
    values: Vec<f32>,
    mean: f64,
    /// Root of the mean square.
    root: f64,
    largest: f64,
}

/// Tensors by name.
pub struct Tensors {
    tensors: HashMap<String, Tensor>,
    seed: u64,
}

/// How far a tensor is from Keras'.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// The largest difference of stored values, means and root mean squares: each is at most the largest of all
    /// values.
    pub difference: f64,
    /// Keras' largest value.
    pub largest: f64,
}

impl Deviation {
    /// The difference in proportion to Keras' largest value.
    pub fn relative(self) -> f64 {
        if self.difference == 0.0 {
            0.0
        } else {
            self.difference / self.largest
        }
    }
}

impl Tensors {
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// The largest value of all tensors.
    pub fn largest(&self) -> f64 {
        self.tensors
            .values()
            .fold(0.0, |largest, tensor| largest.max(tensor.largest))
    }

    #[track_caller]
    pub fn compare(&self, name: &str, ours: &[f32]) -> Deviation {
        let keras = self
            .tensors
            .get(name)
            .unwrap_or_else(|| panic!("Keras has no `{name}`"));
        assert_eq!(ours.len(), keras.size, "{name}");
        assert!(ours.iter().all(|value| value.is_finite()), "{name} is not finite");
        let differences: Vec<f64> = if keras.values.len() == keras.size {
            difference(ours.iter().copied(), &keras.values).collect()
        } else {
            let key = format!("positions/{name}");
            let positions = formula::hashes(self.seed, &key, keras.values.len());
            let sampled = positions.map(|hash| ours[(hash % keras.size as u32) as usize]);
            difference(sampled, &keras.values).collect()
        };
        let count = ours.len() as f64;
        let mean = ours.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let square = ours.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / count;
        // Keras' are stored in 32 bits: what that rounds away is no difference.
        let beyond_rounding =
            |ours: f64, keras: f64| ((ours - keras).abs() - keras.abs() * f64::from(f32::EPSILON)).max(0.0);
        let whole = [
            beyond_rounding(mean, keras.mean),
            beyond_rounding(square.sqrt(), keras.root),
        ];
        Deviation {
            difference: differences.into_iter().chain(whole).fold(0.0, f64::max),
            largest: keras.largest,
        }
    }
}

fn difference(ours: impl Iterator<Item = f32>, keras: &[f32]) -> impl Iterator<Item = f64> {
    ours.zip(keras).map(|(ours, &keras)| f64::from((ours - keras).abs()))
}

/// The largest of many deviations, and whose it is.
#[derive(Default)]
pub struct Worst {
    relative: f64,
    name: String,
}

impl Worst {
    pub fn add(&mut self, name: &str, relative: f64) {
        if relative >= self.relative {
            *self = Self {
                relative,
                name: name.to_owned(),
            };
        }
    }

    /// Prints it, and asserts that it is within the tolerance.
    #[track_caller]
    pub fn assert_within(&self, tolerance: f64, what: &str) {
        println!("{what}: {:.1e} ({})", self.relative, self.name);
        assert!(
            self.relative <= tolerance,
            "{what}: {} differs by {:e}",
            self.name,
            self.relative
        );
    }
}
