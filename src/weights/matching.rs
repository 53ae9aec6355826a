//! Which of a file's tensors belongs to which of a network's: by name and shape, or, where Keras numbered the names
//! itself, by the file's order and shape.

use std::collections::{HashMap, VecDeque};

use super::Tensor;
use super::error::Mismatch;

/// What a network needs from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The tensor's name in the file.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
}

impl Wanted {
    /// A Keras tensor for a parameter of ours. Keras gives depthwise kernels a last axis of size 1, the channels that are
    /// made of each; ours have none.
    pub fn in_keras(name: String, shape: &[usize]) -> Self {
        let mut shape = shape.to_vec();
        if variable(&name) == "depthwise_kernel" {
            shape.push(1);
        }
        Self { name, shape }
    }

    /// Whether the layer got its name from Keras (`conv2d_7`, `batch_normalization_3`): the number then depends on what
    /// else was built in the process that wrote the file.
    fn is_automatic(&self) -> bool {
        let layer = self.name.rsplit_once('/').map_or("", |(layer, _)| layer);
        let kind = layer.trim_end_matches(|c: char| c.is_ascii_digit());
        let kind = kind.strip_suffix('_').unwrap_or(kind);
        matches!(kind, "conv2d" | "batch_normalization")
    }
}

/// The tensor of the file for each of `wanted`, in its order.
///
/// # Errors
/// The first tensor that is missing, misshaped, not finite, or not asked for.
pub(super) fn assign<'t>(tensors: &'t [Tensor], wanted: &[Wanted]) -> Result<Vec<&'t Tensor>, Mismatch> {
    let mut rest = Unassigned::of(tensors)?;
    // Names first: what they leave is what automatic names can mean.
    let named = wanted
        .iter()
        .map(|wanted| (!wanted.is_automatic()).then(|| rest.take_named(wanted)).transpose());
    let named: Vec<Option<&Tensor>> = named.collect::<Result<_, _>>()?;
    let mut automatic = rest.in_order();
    let all = named.into_iter().zip(wanted).map(|(named, wanted)| match named {
        Some(tensor) => Ok(tensor),
        None => automatic.take(wanted),
    });
    let assigned: Vec<&Tensor> = all.collect::<Result<_, _>>()?;
    if let Some(tensor) = automatic.0.front() {
        return Err(Mismatch::Surplus(tensor.name.clone()));
    }
    match assigned.iter().find(|tensor| !is_finite(&tensor.values)) {
        Some(tensor) => Err(Mismatch::NotFinite(tensor.name.clone())),
        None => Ok(assigned),
    }
}

/// Tensors by name, with their places in the file.
struct Unassigned<'t>(HashMap<&'t str, (usize, &'t Tensor)>);

impl<'t> Unassigned<'t> {
    fn of(tensors: &'t [Tensor]) -> Result<Self, Mismatch> {
        let mut by_name = HashMap::new();
        for (place, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name.as_str(), (place, tensor)).is_some() {
                return Err(Mismatch::Twice(tensor.name.clone()));
            }
        }
        Ok(Self(by_name))
    }

    fn take_named(&mut self, wanted: &Wanted) -> Result<&'t Tensor, Mismatch> {
        match self.0.remove(wanted.name.as_str()) {
            None => Err(missing(wanted)),
            Some((_, tensor)) if tensor.shape != wanted.shape => Err(Mismatch::Shape {
                name: wanted.name.clone(),
                found: tensor.shape.clone(),
                expected: wanted.shape.clone(),
            }),
            Some((_, tensor)) => Ok(tensor),
        }
    }

    fn in_order(self) -> InOrder<'t> {
        let mut rest: Vec<_> = self.0.into_values().collect();
        rest.sort_by_key(|&(place, _)| place);
        InOrder(rest.into_iter().map(|(_, tensor)| tensor).collect())
    }
}

/// Tensors in the file's order.
struct InOrder<'t>(VecDeque<&'t Tensor>);

impl<'t> InOrder<'t> {
    /// The first that is the same variable of a layer and has the same shape.
    fn take(&mut self, wanted: &Wanted) -> Result<&'t Tensor, Mismatch> {
        let fits = |tensor: &&Tensor| variable(&tensor.name) == variable(&wanted.name) && tensor.shape == wanted.shape;
        let place = self.0.iter().position(fits);
        place
            .and_then(|place| self.0.remove(place))
            .ok_or_else(|| missing(wanted))
    }
}

fn missing(wanted: &Wanted) -> Mismatch {
    Mismatch::Missing {
        name: wanted.name.clone(),
        shape: wanted.shape.clone(),
    }
}

fn variable(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn is_finite(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite())
}
