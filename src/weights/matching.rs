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
}

/// Whether the layer got its name from Keras (`conv2d_7`, `batch_normalization_3`; `convolution2d_7` in Keras 1): the
/// number then depends on what else was built in the process that wrote the file.
fn is_automatic(name: &str) -> bool {
    let layer = name.rsplit_once('/').map_or("", |(layer, _)| layer);
    let kind = layer.trim_end_matches(|c: char| c.is_ascii_digit());
    let kind = kind.strip_suffix('_').unwrap_or(kind);
    matches!(
        kind,
        "conv2d" | "convolution2d" | "batch_normalization" | "batchnormalization" | "separableconvolution2d"
    )
}

/// The tensor of the file for each of `wanted`, in its order.
///
/// # Errors
/// The first tensor that is missing, misshaped, not finite, or not asked for.
pub(super) fn assign<'t>(tensors: &'t [Tensor], wanted: &[Wanted]) -> Result<Vec<&'t Tensor>, Mismatch> {
    let mut rest = Unassigned::of(tensors)?;
    // The published Xception is from a time when none of its layers had a name. Keras lists layers by depth, and among
    // Xception's tensors of one kind and shape that is the order in which we visit them.
    let nothing_named = wanted.iter().any(|wanted| is_automatic(&wanted.name))
        && tensors.iter().all(|tensor| is_automatic(&tensor.name));
    // Names first: what they leave is what automatic names can mean.
    let named = wanted.iter().map(|wanted| {
        let by_name = !nothing_named && !is_automatic(&wanted.name);
        by_name.then(|| rest.take_named(wanted)).transpose()
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Visited, build, for_each};
    use crate::networks::{
        DenseNet169, NasNetLarge, ResNet50, Xception, densenet169, nasnet_large, resnet50, xception,
    };
    use dfdx::prelude::{Cpu, TensorCollection};
    use std::collections::BTreeMap;

    fn wanted<N: TensorCollection<f32, Cpu, To<f32, Cpu> = N>>(names: Vec<String>) -> Vec<Wanted> {
        let mut network: N = build(1, "backbone", 0).unwrap();
        let mut names = names.into_iter();
        let mut wanted = Vec::new();
        for_each(&mut network, "backbone", &mut |visited| {
            if let Visited::Tensor(parameter) = visited {
                wanted.push(Wanted::in_keras(names.next().unwrap(), parameter.shape));
            }
        });
        assert_eq!(names.next(), None);
        wanted
    }

    /// What a file for `wanted` holds, sorted by name as no network visits it. A tensor's place in `wanted` is its value.
    fn file(wanted: &[Wanted]) -> Vec<Tensor> {
        let tensors = wanted.iter().enumerate().map(|(place, wanted)| Tensor {
            name: wanted.name.clone(),
            shape: wanted.shape.clone(),
            values: vec![place as f32],
        });
        let mut tensors: Vec<Tensor> = tensors.collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        tensors
    }

    fn assert_in_place(tensors: &[Tensor], wanted: &[Wanted]) {
        let assigned = assign(tensors, wanted).unwrap();
        let places: Vec<f32> = assigned.iter().map(|tensor| tensor.values[0]).collect();
        let expected: Vec<f32> = (0..wanted.len()).map(|place| place as f32).collect();
        assert_eq!(places, expected);
    }

    fn message(tensors: &[Tensor], wanted: &[Wanted]) -> String {
        assign(tensors, wanted).unwrap_err().to_string()
    }

    #[test]
    fn every_networks_tensors_find_their_places_and_any_that_is_lost_is_named() {
        let networks = [
            wanted::<ResNet50>(resnet50::keras_names()),
            wanted::<DenseNet169>(densenet169::keras_names()),
            wanted::<Xception>(xception::keras_names()),
            wanted::<NasNetLarge>(nasnet_large::keras_names()),
        ];
        for wanted in networks {
            let tensors = file(&wanted);
            assert_in_place(&tensors, &wanted);
            for lost in [0, wanted.len() / 2, wanted.len() - 1] {
                let rest: Vec<Tensor> = (tensors.iter().filter(|tensor| tensor.values != [lost as f32]))
                    .cloned()
                    .collect();
                let message = message(&rest, &wanted);
                assert!(
                    message.starts_with(&format!("it has no tensor `{}`", wanted[lost].name)),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn another_networks_file_is_refused() {
        let resnet = wanted::<ResNet50>(resnet50::keras_names());
        let densenet = wanted::<DenseNet169>(densenet169::keras_names());
        assert!(assign(&file(&resnet), &densenet).is_err());
        assert!(assign(&file(&densenet), &resnet).is_err());
    }

    /// Layers as a process calls them that has built other networks before, or as Keras 1 did.
    fn renumbered(mut tensors: Vec<Tensor>, conv2d: &str, batch_normalization: &str, offset: usize) -> Vec<Tensor> {
        for tensor in &mut tensors {
            let (layer, variable) = tensor.name.split_once('/').unwrap();
            for (kind, new_kind) in [("conv2d", conv2d), ("batch_normalization", batch_normalization)] {
                if let Some(number) = layer.strip_prefix(kind) {
                    let number = number.strip_prefix('_').map_or(0, |number| number.parse().unwrap());
                    tensor.name = format!("{new_kind}_{}/{variable}", number + offset);
                    break;
                }
            }
        }
        tensors
    }

    #[test]
    fn xceptions_automatic_names_may_have_any_number() {
        let wanted = wanted::<Xception>(xception::keras_names());
        for offset in [1, 2, 4, 97] {
            assert_in_place(
                &renumbered(file(&wanted), "conv2d", "batch_normalization", offset),
                &wanted,
            );
            assert_in_place(
                &renumbered(file(&wanted), "convolution2d", "batchnormalization", offset),
                &wanted,
            );
        }
    }

    /// The file that Keras publishes: no layer has a name of its own.
    #[test]
    fn an_xception_without_any_names_is_matched_by_order_and_shape() {
        let wanted = wanted::<Xception>(xception::keras_names());
        let mut layers = BTreeMap::new();
        let tensors = wanted.iter().enumerate().map(|(place, wanted)| {
            let (layer, variable) = wanted.name.split_once('/').unwrap();
            let number = layers.len() + 1;
            let number = *layers.entry(layer).or_insert(number);
            let kind = match variable {
                "kernel" => "convolution2d",
                "depthwise_kernel" | "pointwise_kernel" => "separableconvolution2d",
                _ => "batchnormalization",
            };
            Tensor {
                name: format!("{kind}_{number}/{variable}"),
                shape: wanted.shape.clone(),
                values: vec![place as f32],
            }
        });
        let mut tensors: Vec<Tensor> = tensors.collect();
        assert_in_place(&tensors, &wanted);
        tensors[40].name = "named/kernel".into();
        assert!(message(&tensors, &wanted).contains("no tensor `block1_conv1/kernel`"));
    }

    #[test]
    fn automatic_layers_of_equal_shapes_are_told_apart_by_the_files_order() {
        let name = |name: &str| Wanted::in_keras(name.into(), &[2]);
        let wanted = [name("conv2d/kernel"), name("a/kernel"), name("conv2d_1/kernel")];
        let tensor = |name: &str, place: f32| Tensor {
            name: name.into(),
            shape: vec![2],
            values: vec![place],
        };
        let tensors = [
            tensor("conv2d_9/kernel", 0.0),
            tensor("conv2d_10/kernel", 2.0),
            tensor("a/kernel", 1.0),
        ];
        assert_in_place(&tensors, &wanted);
    }

    #[test]
    fn a_misshaped_surplus_repeated_or_infinite_tensor_is_named() {
        let wanted = [
            Wanted::in_keras("a/depthwise_kernel".into(), &[3, 3, 8]),
            Wanted::in_keras("conv2d/kernel".into(), &[1, 1, 8, 4]),
        ];
        let correct = file(&wanted);
        let changed = |change: &dyn Fn(&mut Vec<Tensor>)| {
            let mut tensors = correct.clone();
            change(&mut tensors);
            message(&tensors, &wanted)
        };
        assert_eq!(
            changed(&|tensors| tensors[0].shape = vec![3, 3, 8]),
            "its tensor `a/depthwise_kernel` has the shape [3, 3, 8], but the network's has [3, 3, 8, 1]"
        );
        assert_eq!(
            changed(&|tensors| tensors[1].shape = vec![1, 1, 4, 8]),
            "it has no tensor `conv2d/kernel` of the shape [1, 1, 8, 4]"
        );
        let surplus = changed(&|tensors| tensors[1].name = "b/bias".into());
        assert!(surplus.contains("no tensor `conv2d/kernel`"), "{surplus}");
        let surplus = changed(&|tensors| {
            tensors.push(Tensor {
                name: "predictions/kernel".into(),
                ..tensors[1].clone()
            })
        });
        assert!(surplus.contains("`predictions/kernel` is not part"), "{surplus}");
        assert_eq!(
            changed(&|tensors| tensors.push(tensors[0].clone())),
            "it has two tensors `a/depthwise_kernel`"
        );
        for value in [f32::NAN, f32::INFINITY] {
            let message = changed(&|tensors| tensors[1].values = vec![0.0, value]);
            assert!(
                message.starts_with("its tensor `conv2d/kernel` holds values that are not finite"),
                "{message}"
            );
        }
    }
}
