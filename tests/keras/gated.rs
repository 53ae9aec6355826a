//! Gradients of short and narrow relatives of the four networks, made of the same blocks, with ReLUs that are open here and
//! closed there. Keras computed them in double precision.

use wise_srnet::experiment::{HeadKind, Registry};

use crate::formula;
use crate::golden::{Golden, Worst};
use crate::gradients::{CLASSES, TOLERANCE, assert_equal_loss, compare_gradients};
use crate::networks::{keras_names, labels, with_formula};
use crate::relatives::{SmallDenseNet, SmallNasNet, SmallResNet, SmallXception};

fn registry() -> Registry {
    let mut registry = Registry::empty();
    registry.register::<SmallResNet, 96, 12, 128>("resnet50");
    registry.register::<SmallDenseNet, 96, 3, 72>("densenet169");
    registry.register::<SmallXception, 96, 12, 56>("xception");
    registry.register::<SmallNasNet, 96, 6, 128>("nasnet_large");
    registry
}

fn assert_equal_gradients(network: &str, names: Vec<String>) {
    let mut golden = Golden::open(&format!("gated-{network}"));
    let (seed, size, batch) = (golden.seed(), golden.count("size"), golden.count("batch"));
    let model = registry().build_named(network, size, HeadKind::WiseSrnet, 0, CLASSES);
    let (mut model, keys) = with_formula(model.unwrap(), names, seed, 0.0);
    let key = format!("small {network} {}", golden.count("attempt"));
    let images = formula::images(seed, &key, batch, size);
    let mut step = model.train(images, &labels(batch, CLASSES)).unwrap();
    assert_equal_loss(network, &step, &golden);
    let mut worst = Worst::default();
    for (name, deviation) in compare_gradients(&mut *model, &mut step, &keys, &golden.tensors("gradients")) {
        worst.add(&name, deviation.relative());
    }
    worst.assert_within(TOLERANCE, &format!("gated gradients of a small {network}"));
}

/// The full network's names of the layers whose names start with one of `beginnings`.
fn names_of(network: &str, beginnings: &[&str]) -> Vec<String> {
    let mut names = keras_names(network);
    names.retain(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)));
    names
}

#[test]
fn a_small_resnets_gradients_are_keras() {
    let blocks = ["conv1_", "conv2_block1", "conv2_block2", "conv3_block1", "conv3_block2"];
    assert_equal_gradients("resnet50", names_of("resnet50", &blocks));
}

#[test]
fn a_small_densenets_gradients_are_keras() {
    let layers = [
        "conv1",
        "conv2_block1_",
        "conv2_block2_",
        "pool2",
        "conv3_block1_",
        "pool3",
        "conv4_block1_",
        "pool4",
        "conv5_block1_",
        "bn",
    ];
    assert_equal_gradients("densenet169", names_of("densenet169", &layers));
}

#[test]
fn a_small_xceptions_gradients_are_keras() {
    let layers = [
        "block1_",
        "block2_",
        "conv2d/",
        "batch_normalization/",
        "block3_",
        "conv2d_1/",
        "batch_normalization_1/",
        "block5_",
        "block14_sepconv1",
    ];
    assert_equal_gradients("xception", names_of("xception", &layers));
}

#[test]
fn a_small_nasnets_gradients_are_keras() {
    let mut names = names_of("nasnet_large", &["stem_"]);
    for cell in ["stem_1", "stem_2", "0", "1", "reduce_6"] {
        let in_cell = format!("_{cell}/");
        let mut layers = keras_names("nasnet_large");
        layers.retain(|name| name.contains(&in_cell) && name.contains("_stem_") == cell.starts_with("stem"));
        names.extend(layers);
    }
    assert_equal_gradients("nasnet_large", names);
}
