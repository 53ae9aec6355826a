//! Gradients of short and narrow relatives of the four networks, made of the same blocks, with ReLUs that are open here and
//! closed there. Keras computed them in double precision.

use dfdx::prelude::Repeated;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::{Fork, Identity, NoActivation, ReLU, Relu, Shortcut};
use wise_srnet::networks::{densenet169, nasnet_large, resnet50, xception};

use crate::formula;
use crate::golden::{Golden, Worst};
use crate::gradients::{CLASSES, TOLERANCE, assert_equal_loss, compare_gradients};
use crate::networks::{keras_names, labels, with_formula};

/// Two stages of two blocks; 12×12×128 at 96 px.
type SmallResNet = (
    resnet50::Stem,
    resnet50::Stage<64, 16, 64, 1, 1>,
    resnet50::Stage<64, 32, 128, 2, 1>,
);

/// Blocks of 2, 1, 1 and 1 layers; 3×3×72.
type SmallDenseNet = (
    densenet169::Stem,
    (
        densenet169::DenseLayer<64>,
        densenet169::DenseLayer<96>,
        densenet169::Transition<128, 64>,
    ),
    (densenet169::DenseLayer<64>, densenet169::Transition<96, 48>),
    (densenet169::DenseLayer<48>, densenet169::Transition<80, 40>),
    densenet169::DenseLayer<40>,
    densenet169::Norm<72>,
);

/// Blocks 1 to 3, a block of the middle flow, and a last convolution; 12×12×56.
type SmallXception = (
    xception::Block1,
    xception::Halve<64, 32, xception::Pair<64, 32, 32>>,
    xception::Halve<32, 48, (ReLU, xception::Pair<32, 48, 48>)>,
    Shortcut<
        (
            ReLU,
            Repeated<xception::Separable<48, 48, Relu>, 2>,
            xception::Separable<48, 48, NoActivation>,
        ),
        Identity,
    >,
    xception::Separable<48, 56, Relu>,
);

/// The stem, two normal cells and a reduction cell with a tenth of the filters; 6×6×128.
type SmallNasNet = (
    (
        (nasnet_large::Convolution<3, 8, 3, 2>, nasnet_large::Norm<8>),
        Fork<(Identity, Identity)>,
        nasnet_large::Cell<8, 4, Identity, nasnet_large::ReductionBlocks<8, 4>>,
        nasnet_large::Cell<16, 8, nasnet_large::Halve<8, 8, 4>, nasnet_large::ReductionBlocks<8, 8>>,
    ),
    (
        nasnet_large::NormalCell<32, 16, nasnet_large::Halve<16, 16, 8>>,
        nasnet_large::NormalCell<96, 16, nasnet_large::Project<32, 16>>,
        nasnet_large::ReductionCell<96, 32>,
    ),
    nasnet_large::Current,
    ReLU,
);

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
