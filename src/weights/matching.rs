//! Which of a file's tensors belongs to which of a network's: by name and shape, or, where Keras numbered the names
//! itself, by the file's order and shape.

use std::collections::{HashMap, VecDeque};

use super::Described;
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
    let kind = layer(name).trim_end_matches(|c: char| c.is_ascii_digit());
    let kind = kind.strip_suffix('_').unwrap_or(kind);
    matches!(
        kind,
        "conv2d" | "convolution2d" | "batch_normalization" | "batchnormalization" | "separableconvolution2d"
    )
}

/// A file's tensors, divided.
#[derive(Debug)]
pub(super) struct Assigned<'t, T> {
    /// The one for each that is wanted, in that order.
    pub wanted: Vec<&'t T>,
    /// Those that are not wanted, in the file's order.
    pub rest: Vec<&'t T>,
}

/// Finds the tensor of the file for each of `wanted`.
///
/// # Errors
/// The first tensor that is missing or misshaped, or there twice; one that is left where nothing has a name, so that what
/// it is can't be told.
pub(super) fn assign<'t, T: Described>(tensors: &'t [T], wanted: &[Wanted]) -> Result<Assigned<'t, T>, Mismatch> {
    let mut rest = Unassigned::of(tensors)?;
    // The published Xception is from a time when none of its layers had a name. Keras lists layers by depth, and among
    // Xception's tensors of one kind and shape that is the order in which we visit them.
    let nothing_named = wanted.iter().any(|wanted| is_automatic(&wanted.name))
        && tensors.iter().all(|tensor| is_automatic(tensor.name()));
    // Names first: what they leave is what automatic names can mean.
    let named = wanted.iter().map(|wanted| {
        let by_name = !nothing_named && !is_automatic(&wanted.name);
        by_name.then(|| rest.take_named(wanted)).transpose()
    });
    let named: Vec<Option<&T>> = named.collect::<Result<_, _>>()?;
    let mut automatic = rest.in_order();
    let all = named.into_iter().zip(wanted).map(|(named, wanted)| match named {
        Some(tensor) => Ok(tensor),
        None => automatic.take(wanted),
    });
    let assigned = Assigned {
        wanted: all.collect::<Result<_, _>>()?,
        rest: automatic.0.into(),
    };
    match assigned.rest.first() {
        Some(tensor) if nothing_named => Err(Mismatch::Surplus(tensor.name().to_owned())),
        _ => Ok(assigned),
    }
}

/// Tensors by name, with their places in the file.
struct Unassigned<'t, T>(HashMap<&'t str, (usize, &'t T)>);

impl<'t, T: Described> Unassigned<'t, T> {
    fn of(tensors: &'t [T]) -> Result<Self, Mismatch> {
        let mut by_name = HashMap::new();
        for (place, tensor) in tensors.iter().enumerate() {
            if by_name.insert(tensor.name(), (place, tensor)).is_some() {
                return Err(Mismatch::Twice(tensor.name().to_owned()));
            }
        }
        Ok(Self(by_name))
    }

    fn take_named(&mut self, wanted: &Wanted) -> Result<&'t T, Mismatch> {
        match self.0.remove(wanted.name.as_str()) {
            None => Err(missing(wanted)),
            Some((_, tensor)) if tensor.shape() != wanted.shape => Err(Mismatch::Shape {
                name: wanted.name.clone(),
                found: tensor.shape().to_vec(),
                expected: wanted.shape.clone(),
            }),
            Some((_, tensor)) => Ok(tensor),
        }
    }

    fn in_order(self) -> InOrder<'t, T> {
        let mut rest: Vec<_> = self.0.into_values().collect();
        rest.sort_by_key(|&(place, _)| place);
        InOrder(rest.into_iter().map(|(_, tensor)| tensor).collect())
    }
}

/// Tensors in the file's order.
struct InOrder<'t, T>(VecDeque<&'t T>);

impl<'t, T: Described> InOrder<'t, T> {
    /// The first that is the same variable of a layer with an automatic name and has the same shape.
    fn take(&mut self, wanted: &Wanted) -> Result<&'t T, Mismatch> {
        let fits = |tensor: &&T| {
            is_automatic(tensor.name())
                && variable(tensor.name()) == variable(&wanted.name)
                && tensor.shape() == wanted.shape
        };
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

/// Whether a tensor is named as if it were of a larger network of the same family: like one of `wanted` but for its numbers
/// (`conv4_block7_1_conv/kernel` in ResNet101).
pub(super) fn is_of_the_family(name: &str, wanted: &[Wanted]) -> bool {
    let without_numbers = |name: &str| layer(name).replace(|c: char| c.is_ascii_digit(), "");
    let kind = without_numbers(name);
    let numbered =
        |wanted: &&Wanted| !is_automatic(&wanted.name) && layer(&wanted.name).contains(|c: char| c.is_ascii_digit());
    wanted
        .iter()
        .filter(numbered)
        .any(|wanted| without_numbers(&wanted.name) == kind)
}

/// The layer that a tensor is of.
pub(super) fn layer(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(layer, _)| layer)
}

fn variable(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Visited, build, for_each};
    use crate::networks::{
        DenseNet169, NasNetLarge, ResNet50, Xception, densenet169, nasnet_large, resnet50, xception,
    };
    use crate::weights::Tensor;
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
        let places: Vec<f32> = (assigned.wanted.iter()).map(|tensor| tensor.values[0]).collect();
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
        let surplus = Tensor {
            name: "convolution2d_99/kernel".into(),
            ..tensors[0].clone()
        };
        let one_more = [&tensors[..], &[surplus]].concat();
        assert!(message(&one_more, &wanted).contains("`convolution2d_99/kernel`"));
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
    fn a_misshaped_repeated_or_lost_tensor_is_named() {
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
        assert_eq!(
            changed(&|tensors| tensors.push(tensors[0].clone())),
            "it has two tensors `a/depthwise_kernel`"
        );
    }

    #[test]
    fn tensors_that_are_not_the_networks_are_left_in_the_files_order() {
        let name = |name: &str| Wanted::in_keras(name.into(), &[2]);
        let wanted = [name("conv2d/kernel"), name("a/kernel")];
        let tensor = |name: &str| Tensor {
            name: name.into(),
            shape: vec![2],
            values: vec![0.0; 2],
        };
        // The layer `own` has the shape that the automatic layer is looked for with, and a name of its own.
        let tensors = [
            "own/kernel",
            "conv2d_7/kernel",
            "a/kernel",
            "conv2d_9/kernel",
            "dense/kernel",
        ]
        .map(tensor);
        let assigned = assign(&tensors, &wanted).unwrap();
        let names = |tensors: &[&Tensor]| tensors.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&assigned.wanted), ["conv2d_7/kernel", "a/kernel"]);
        assert_eq!(names(&assigned.rest), ["own/kernel", "conv2d_9/kernel", "dense/kernel"]);
    }

    #[test]
    fn layers_of_a_larger_network_are_told_from_those_around_this_one() {
        let resnet = wanted::<ResNet50>(resnet50::keras_names());
        for (name, of_the_family) in [
            ("conv4_block7_1_conv/kernel", true),
            ("conv3_block12_0_bn/gamma", true),
            ("dense/kernel", false),
            ("predictions/kernel", false),
            ("conv2d_3/kernel", false),
        ] {
            assert_eq!(is_of_the_family(name, &resnet), of_the_family, "{name}");
        }
        let xception = wanted::<Xception>(xception::keras_names());
        assert!(is_of_the_family("block15_sepconv1/pointwise_kernel", &xception));
        assert!(!is_of_the_family("conv2d_4/kernel", &xception));
        let densenet = wanted::<DenseNet169>(densenet169::keras_names());
        assert!(is_of_the_family("conv4_block33_0_bn/gamma", &densenet));
        // The network has a layer `bn`, which is one of a kind.
        assert!(!is_of_the_family("bn1/gamma", &densenet));
    }
}
