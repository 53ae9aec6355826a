//! The networks' parameters and maps.

use std::collections::BTreeSet;

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::heads::{Head, WiseSrNet};
use wise_srnet::layers::Visited;
use wise_srnet::networks::{
    Backbone, DenseNet169, MiniResNet, NasNetLarge, ResNet50, Xception, densenet169, nasnet_large, resnet50, xception,
};
use wise_srnet::training::Model;

fn build(network: &str, image_size: usize) -> Box<dyn Model> {
    Registry::builtin()
        .build_named(network, image_size, HeadKind::Gap, 0, 1)
        .unwrap()
}

/// A tensor of a backbone: name, number of values, and whether it is trained.
type Tensor = (String, usize, bool);

fn tensors(network: &str, image_size: usize) -> Vec<Tensor> {
    let mut tensors = Vec::new();
    build(network, image_size).for_each(&mut |visited| {
        if let Visited::Tensor(tensor) = visited
            && tensor.name.starts_with("backbone.")
        {
            tensors.push((tensor.name.to_owned(), tensor.values.len(), tensor.trainable));
        }
    });
    tensors
}

/// All parameters, and the trainable ones.
fn parameters(tensors: &[Tensor]) -> [usize; 2] {
    let all = tensors.iter().map(|(_, values, _)| values).sum();
    let trainable = tensors.iter().filter(|(.., trainable)| *trainable);
    [all, trainable.map(|(_, values, _)| values).sum()]
}

/// The number of parameters, how many of them are trained, and a checksum of their names and sizes: CRC-32 of the sorted
/// lines `name values`. The checksums in the tests below are those of the lists that Keras itself makes of
/// `model.weights`.
fn in_keras_terms(network: &str, keras_names: Vec<String>) -> ([usize; 2], u32) {
    let tensors = tensors(network, 224);
    assert_eq!(tensors.len(), keras_names.len());
    let named = tensors.iter().zip(&keras_names);
    let lines: BTreeSet<String> = named
        .map(|((_, values, _), name)| format!("{name} {values}\n"))
        .collect();
    assert_eq!(lines.len(), tensors.len(), "no name is given twice");
    let lines: String = lines.into_iter().collect();
    (parameters(&tensors), crc32fast::hash(lines.as_bytes()))
}

#[test]
fn resnet50_has_keras_parameters() {
    let keras = ([23_587_712, 23_534_592], 0x4065_76d7);
    assert_eq!(in_keras_terms("resnet50", resnet50::keras_names()), keras);
}

#[test]
fn densenet169_has_keras_parameters() {
    let keras = ([12_642_880, 12_484_480], 0x0ff2_fe16);
    assert_eq!(in_keras_terms("densenet169", densenet169::keras_names()), keras);
}

#[test]
fn xception_has_keras_parameters() {
    let keras = ([20_861_480, 20_806_952], 0xfdb1_b329);
    assert_eq!(in_keras_terms("xception", xception::keras_names()), keras);
}

#[test]
fn nasnet_large_has_keras_parameters() {
    let keras = ([84_916_818, 84_720_150], 0xc23f_6434);
    assert_eq!(in_keras_terms("nasnet_large", nasnet_large::keras_names()), keras);
}

/// Checksums of the lists that Keras makes of the names of `model.layers`, those with weights: CRC-32 of the lines.
#[test]
fn layers_are_listed_in_the_order_of_keras_models() {
    let lists = [
        (resnet50::keras_layers(), 0x71b4_79c2),
        (densenet169::keras_layers(), 0xd068_81c8),
        (xception::keras_layers(), 0x18d0_232c),
        (nasnet_large::keras_layers(), 0xbf93_1262),
    ];
    for (layers, keras) in lists {
        let lines: String = layers.iter().map(|layer| format!("{layer}\n")).collect();
        assert_eq!(crc32fast::hash(lines.as_bytes()), keras, "{lines}");
    }
}

#[test]
fn mini_resnet_is_small() {
    let [all, trainable] = parameters(&tensors("mini_resnet", 64));
    assert!((200_000..500_000).contains(&all) && trainable < all);
}

/// Compiles only if the network's map at this image size is `M × M × C`.
#[allow(clippy::extra_unused_type_parameters, reason = "the bound is the check")]
fn map<N: Backbone<IMAGE, M, C>, const IMAGE: usize, const M: usize, const C: usize>() -> [usize; 3] {
    [M, M, C]
}

#[test]
fn maps_have_the_sizes_of_the_papers_table() {
    assert_eq!(map::<ResNet50, 224, _, _>(), [7, 7, 2048]);
    assert_eq!(map::<ResNet50, 512, _, _>(), [16, 16, 2048]);
    assert_eq!(map::<DenseNet169, 224, _, _>(), [7, 7, 1664]);
    assert_eq!(map::<DenseNet169, 512, _, _>(), [16, 16, 1664]);
    assert_eq!(map::<Xception, 224, _, _>(), [7, 7, 2048]);
    assert_eq!(map::<Xception, 512, _, _>(), [16, 16, 2048]);
    assert_eq!(map::<NasNetLarge, 224, _, _>(), [7, 7, 4032]);
    assert_eq!(map::<NasNetLarge, 512, _, _>(), [16, 16, 4032]);
    assert_eq!(map::<MiniResNet, 64, _, _>(), [8, 8, 128]);
    assert_eq!(map::<MiniResNet, 96, _, _>(), [12, 12, 128]);
}

#[test]
fn every_registered_network_runs_with_a_batch_of_no_images() {
    let registry = Registry::builtin();
    for network in registry.networks() {
        for size in registry.image_sizes(network) {
            let mut model = build(network, size);
            assert!(model.train(Vec::new(), &[]).unwrap().logits.is_empty());
        }
    }
}

/// Compiles only if the head fits the map.
#[allow(clippy::extra_unused_type_parameters, reason = "the bound is the check")]
fn fits<H: Head<M, C>, const M: usize, const C: usize>() -> usize {
    M * M * C
}

#[test]
fn wise_srnet_covers_the_maps_of_both_image_sizes_with_the_papers_kernels() {
    assert_eq!(fits::<WiseSrNet<1664, 2, 3>, 7, 1664>(), 7 * 7 * 1664);
    assert_eq!(fits::<WiseSrNet<1664, 3, 5>, 16, 1664>(), 16 * 16 * 1664);
    assert_eq!(fits::<WiseSrNet<4032, 2, 3>, 7, 4032>(), 7 * 7 * 4032);
    assert_eq!(fits::<WiseSrNet<4032, 3, 5>, 16, 4032>(), 16 * 16 * 4032);
}
