//! A copy of everything that a model is: its tensors and scalars by name.

use std::collections::BTreeMap;

use thiserror::Error;

use super::model::Model;
use super::optimizer::Sgd;
use crate::kernels::elementwise::copy_flushed;
use crate::layers::Visited;

/// A tensor with its name forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// A model's state, and the optimizer's if it is to be trained on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Tensors by the names that the model's visits give.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// Scalars, likewise.
    pub scalars: BTreeMap<String, f64>,
    /// Velocities by the names of their parameters.
    pub velocities: BTreeMap<String, StoredTensor>,
}

/// Why a snapshot doesn't fit a model.
#[derive(Debug, Error, PartialEq)]
pub enum Misfit {
    /// The model has a tensor or scalar that the snapshot lacks.
    #[error("it has no `{0}`")]
    Missing(String),
    /// The tensor has other sizes.
    #[error("its tensor `{name}` has the shape {found:?}, but the network's has {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// The snapshot's sizes.
        found: Vec<usize>,
        /// The model's sizes.
        expected: Vec<usize>,
    },
    /// The snapshot has a tensor that the model lacks.
    #[error("its tensor `{0}` is not part of the network")]
    Surplus(String),
}

impl Snapshot {
    /// Copies a model, and the optimizer's velocities if there are any to be kept.
    pub fn of(model: &mut dyn Model, optimizer: Option<&Sgd>) -> Self {
        let mut snapshot = Self::default();
        let mut velocities = optimizer.map(Sgd::velocities).unwrap_or_default().iter();
        model.for_each(&mut |visited| match visited {
            Visited::Tensor(parameter) => {
                let stored = |values: &[f32]| StoredTensor {
                    shape: parameter.shape.to_vec(),
                    values: values.to_vec(),
                };
                if parameter.trainable
                    && let Some(velocity) = velocities.next()
                {
                    snapshot.velocities.insert(parameter.name.to_owned(), stored(velocity));
                }
                snapshot
                    .tensors
                    .insert(parameter.name.to_owned(), stored(parameter.values));
            }
            Visited::Scalar(scalar) => {
                snapshot.scalars.insert(scalar.name.to_owned(), *scalar.value);
            }
        });
        snapshot
    }

    /// Whether every value is a finite number: not so once training has diverged.
    pub fn is_finite(&self) -> bool {
        let mut tensors = self.tensors.values().chain(self.velocities.values());
        tensors.all(|tensor| tensor.values.iter().all(|value| value.is_finite()))
    }

    /// Copies the snapshot into a model of the same type, and into its optimizer. Nothing is changed if it doesn't fit.
    ///
    /// Subnormal values become 0. A snapshot of a model that has been trained has none: the optimizer and batch
    /// normalisation write none.
    pub fn restore(&self, model: &mut dyn Model, mut optimizer: Option<&mut Sgd>) -> Result<(), Misfit> {
        self.check(model, optimizer.is_some(), <[usize]>::to_vec)?;
        let mut velocities = optimizer
            .as_mut()
            .map(|sgd| sgd.velocities_mut())
            .unwrap_or_default()
            .iter_mut();
        model.for_each(&mut |visited| match visited {
            Visited::Tensor(parameter) => {
                if let Some(stored) = self.tensors.get(parameter.name) {
                    copy_flushed(&stored.values, parameter.values);
                }
                if parameter.trainable
                    && let Some(velocity) = velocities.next()
                    && let Some(stored) = self.velocities.get(parameter.name)
                {
                    copy_flushed(&stored.values, velocity);
                }
            }
            Visited::Scalar(scalar) => {
                if let Some(stored) = self.scalars.get(scalar.name) {
                    *scalar.value = *stored;
                }
            }
        });
        Ok(())
    }

    /// Whether the snapshot's tensors are those of a network for `classes` classes. `outline` is that network for none,
    /// which takes no memory for them: a file may claim any number.
    pub fn fits(&self, outline: &mut dyn Model, classes: usize) -> Result<(), Misfit> {
        self.check(outline, false, |shape| {
            shape
                .iter()
                .map(|&size| if size == 0 { classes } else { size })
                .collect()
        })
    }

    /// `expected` is what the shape of one of the model's tensors stands for.
    fn check(
        &self,
        model: &mut dyn Model,
        with_velocities: bool,
        expected: impl Fn(&[usize]) -> Vec<usize>,
    ) -> Result<(), Misfit> {
        let mut result = Ok(());
        let mut known = 0;
        model.for_each(&mut |visited| {
            let parameter = match visited {
                Visited::Tensor(parameter) => parameter,
                Visited::Scalar(scalar) => {
                    if result.is_ok() && !self.scalars.contains_key(scalar.name) {
                        result = Err(Misfit::Missing(scalar.name.to_owned()));
                    }
                    return;
                }
            };
            known += usize::from(self.tensors.contains_key(parameter.name));
            let velocities = (with_velocities && parameter.trainable).then_some(&self.velocities);
            for tensors in std::iter::once(&self.tensors).chain(velocities) {
                if result.is_ok() {
                    result = fits(tensors, parameter.name, expected(parameter.shape));
                }
            }
        });
        result?;
        if known == self.tensors.len() {
            return Ok(());
        }
        let mut surplus = self.tensors.clone();
        model.for_each(&mut |visited| {
            if let Visited::Tensor(parameter) = visited {
                surplus.remove(parameter.name);
            }
        });
        surplus
            .into_keys()
            .next()
            .map_or(Ok(()), |name| Err(Misfit::Surplus(name)))
    }
}

fn fits(tensors: &BTreeMap<String, StoredTensor>, name: &str, expected: Vec<usize>) -> Result<(), Misfit> {
    match tensors.get(name) {
        None => Err(Misfit::Missing(name.to_owned())),
        Some(stored) if stored.shape != expected => Err(Misfit::Shape {
            name: name.to_owned(),
            found: stored.shape.clone(),
            expected,
        }),
        Some(_) => Ok(()),
    }
}
