//! A network's layers among those of a model that was built around it.

use std::collections::HashSet;
use std::path::PathBuf;

use super::error::Mismatch;
use super::keras_file::{KerasFile, Listed, Part};
use super::matching::{Assigned, Wanted, assign, is_of_the_family, layer};
use crate::text::{count, listed, printable};

/// The layers of a file of weights that are not the network's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Their names; a model that is a layer is one.
    pub layers: Vec<String>,
}

impl LeftOut {
    /// A sentence for people, if there are any.
    pub fn note(&self) -> Option<String> {
        let (file, number) = (printable(&self.path), self.layers.len());
        let (layers, names) = (count(number, "layer"), listed(&self.layers, "`"));
        (number > 0).then(|| format!("left out of '{file}', being no part of the network: {layers}, {names}"))
    }
}

/// A network's tensors in a file, and what else the file holds.
#[derive(Debug)]
pub(super) struct Backbone<'f> {
    /// In the order in which they were wanted.
    pub tensors: Vec<&'f Listed>,
    /// The layers that are not the network's; a model that is a layer is one.
    pub left_out: Vec<String>,
}

/// Finds the one part of a file that has all of a network's tensors.
///
/// # Errors
/// The first tensor that is missing where most are there; two such parts; a larger network of the same family.
pub(super) fn find<'f>(file: &'f KerasFile, wanted: &[Wanted]) -> Result<Backbone<'f>, Mismatch> {
    let parts = || file.parts.iter().filter(|part| !part.tensors.is_empty());
    let mut found = parts().filter_map(|part| Some((part, assign(&part.tensors, wanted).ok()?)));
    let Some((part, Assigned { wanted: tensors, rest })) = found.next() else {
        let nearest = parts().max_by_key(|part| named(part, wanted));
        let mismatch = nearest.map(|part| assign(&part.tensors, wanted).map(|_| ()));
        return Err(match mismatch {
            Some(Err(mismatch)) => mismatch,
            _ => Mismatch::Empty,
        });
    };
    if let Some((other, _)) = found.next() {
        return Err(Mismatch::Several(part.name.clone(), other.name.clone()));
    }
    if let Some(larger) = rest.iter().find(|tensor| is_of_the_family(&tensor.name, wanted)) {
        return Err(Mismatch::Surplus(larger.name.clone()));
    }
    let around = parts().filter(|other| !std::ptr::eq(*other, part)).flat_map(|part| {
        // The outermost model has no name: its layers have.
        let layers = part.tensors.iter().map(|tensor| layer(&tensor.name));
        layers.map(|layer| if part.name.is_empty() { layer } else { &part.name })
    });
    let mut seen = HashSet::new();
    let layers = rest.iter().map(|tensor| layer(&tensor.name)).chain(around);
    let left_out = layers.filter(|layer| seen.insert(*layer)).map(str::to_owned).collect();
    Ok(Backbone { tensors, left_out })
}

/// How many of a network's tensors a part has by their names.
fn named(part: &Part, wanted: &[Wanted]) -> usize {
    let names: HashSet<&str> = part.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    wanted
        .iter()
        .filter(|wanted| names.contains(wanted.name.as_str()))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::resnet50;
    use crate::weights::keras_config::LayerNames;
    use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder};

    /// ResNet50's tensors, small: each is its place, twice.
    fn wanted() -> Vec<Wanted> {
        let names = resnet50::keras_names().into_iter();
        names.map(|name| Wanted { name, shape: vec![2] }).collect()
    }

    fn add(group: &mut GroupBuilder, variable: &str, value: usize) {
        let dataset = group.create_dataset(variable);
        dataset.with_f32_data(&[value as f32; 2]).with_shape(&[2]);
    }

    fn list(names: Vec<String>) -> AttrValue {
        AttrValue::StringArray(names)
    }

    /// A group of the legacy layout for a layer of these tensors.
    fn legacy(file: &mut FileBuilder, layer: &str, tensors: &[(String, usize)]) {
        let mut group = file.create_group(layer);
        group.set_attr(
            "weight_names",
            list(tensors.iter().map(|(name, _)| name.clone()).collect()),
        );
        let mut owners: Vec<&str> = tensors.iter().map(|(name, _)| super::layer(name)).collect();
        owners.dedup();
        for owner in owners {
            let mut inner = group.create_group(owner);
            for (name, value) in tensors.iter().filter(|(name, _)| super::layer(name) == owner) {
                add(&mut inner, name.rsplit('/').next().unwrap(), *value);
            }
            group.add_group(inner.finish());
        }
        file.add_group(group.finish());
    }

    fn tensors() -> Vec<(String, usize)> {
        wanted().into_iter().map(|wanted| wanted.name).zip(0..).collect()
    }

    fn dense(name: &str) -> Vec<(String, usize)> {
        vec![(format!("{name}/kernel"), 1000), (format!("{name}/bias"), 1000)]
    }

    /// A file of the legacy layout: layers by name, each with its tensors.
    fn file(layers: &[(&str, Vec<(String, usize)>)]) -> KerasFile {
        let mut file = FileBuilder::new();
        file.set_attr(
            "layer_names",
            list(layers.iter().map(|(name, _)| (*name).to_owned()).collect()),
        );
        for (name, tensors) in layers {
            legacy(&mut file, name, tensors);
        }
        KerasFile::open(file.finish().unwrap(), &LayerNames::default()).unwrap()
    }

    /// Asserts that every tensor is found where it belongs; gives the layers that are left out.
    #[track_caller]
    fn assert_found(file: &KerasFile) -> Vec<String> {
        let found = find(file, &wanted()).unwrap();
        let values = file.values(&found.tensors).unwrap();
        let expected: Vec<Vec<f32>> = (0..wanted().len()).map(|place| vec![place as f32; 2]).collect();
        assert!(values == expected);
        found.left_out
    }

    #[test]
    fn a_model_around_a_network_gives_it_and_tells_its_other_layers() {
        let nested = file(&[("resnet50", tensors()), ("dense", dense("dense"))]);
        assert_eq!(assert_found(&nested), ["dense"]);

        let mut deeper = tensors();
        deeper.extend(dense("reduce"));
        let deeper = file(&[
            ("adapter", dense("adapter")),
            ("encoder", deeper),
            ("top", dense("top")),
        ]);
        assert_eq!(assert_found(&deeper), ["reduce", "adapter", "top"]);

        let layers = resnet50::keras_layers();
        let flat = layers.iter().map(|layer| {
            let of_layer = tensors().into_iter().filter(|(name, _)| super::layer(name) == layer);
            (layer.as_str(), of_layer.collect())
        });
        let mut flat: Vec<_> = flat.collect();
        assert_eq!(assert_found(&file(&flat)), [""; 0]);
        flat.push(("dense", dense("dense")));
        flat.push(("predictions", dense("predictions")));
        assert_eq!(assert_found(&file(&flat)), ["dense", "predictions"]);
    }

    #[test]
    fn a_network_that_is_there_twice_or_is_a_larger_one_is_refused() {
        let twice = file(&[("left", tensors()), ("right", tensors())]);
        let refused = find(&twice, &wanted()).unwrap_err();
        assert_eq!(refused, Mismatch::Several("left".into(), "right".into()));

        let mut larger = tensors();
        larger.extend(dense("conv4_block7_1_conv"));
        let larger = file(&[("resnet101", larger)]);
        let refused = find(&larger, &wanted()).unwrap_err();
        assert_eq!(refused, Mismatch::Surplus("conv4_block7_1_conv/kernel".into()));
    }

    #[test]
    fn the_tensor_that_is_missing_is_that_of_the_part_with_the_most() {
        let mut all = tensors();
        let (lost, _) = all.remove(100);
        let file = file(&[("resnet50", all), ("dense", dense("dense"))]);
        match find(&file, &wanted()).unwrap_err() {
            Mismatch::Missing { name, .. } => assert_eq!(name, lost),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn layers_are_told_by_name_and_many_by_their_number() {
        let note = |layers: usize| {
            let layers = (0..layers).map(|number| format!("l{number}")).collect();
            let path = "a.h5".into();
            LeftOut { path, layers }.note()
        };
        assert_eq!(note(0), None);
        let one = "left out of 'a.h5', being no part of the network: 1 layer, `l0`";
        assert_eq!(note(1).unwrap(), one);
        let many = note(1000).unwrap();
        assert!(
            many.contains("1,000 layers, `l0`, `l1`, ") && many.ends_with(" more"),
            "{many}"
        );
    }
}
