//! How modules start: from a seed and their names alone.

use dfdx::prelude::Const;
use wise_srnet::heads::{Depthwise, Gap, WiseSrNet};
use wise_srnet::layers::{
    BatchNorm2D, Bias, Conv2D, Dense, DepthwiseConv2D, Dropout, NonNeg, SmallNormal, Visited, build, for_each,
};
use wise_srnet::networks::MiniResNet;
use wise_srnet::shapes::{Same, Whole};

use crate::step::{Named, tensors};

#[test]
fn a_backbone_starts_with_the_same_weights_under_every_head() {
    let backbone = |tensors: Named| -> Named {
        tensors
            .into_iter()
            .filter(|(name, _)| name.starts_with("net.0."))
            .collect()
    };
    let under_gap = backbone(tensors(&mut build::<(MiniResNet, Gap<128>)>(7, "net", 6).unwrap()));
    let under_wise = backbone(tensors(
        &mut build::<(MiniResNet, WiseSrNet<128, 2, 4>)>(7, "net", 20).unwrap(),
    ));
    assert!(under_gap.len() > 30);
    assert_eq!(under_gap, under_wise);
    let other_seed = backbone(tensors(&mut build::<(MiniResNet, Gap<128>)>(8, "net", 6).unwrap()));
    assert_ne!(under_gap["net.0.0.0.kernel"], other_seed["net.0.0.0.kernel"]);
}

#[test]
fn initial_values_are_keyed_by_the_tensors_name() {
    type Layer = Conv2D<3, 4, 3>;
    let kernel = |prefix: &str| build::<Layer>(1, prefix, 0).unwrap().kernel.as_vec();
    let (first, second) = build::<(Layer, Layer)>(1, "net", 0).unwrap();
    assert_eq!(first.kernel.as_vec(), kernel("net.0"));
    assert_eq!(second.kernel.as_vec(), kernel("net.1"));
    assert_ne!(kernel("net.0"), kernel("net.1"));
}

/// Asserts that `values` are spread evenly over ±`limit`.
#[track_caller]
fn assert_uniform(values: &[f32], limit: f64) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(
        f64::from(largest) <= limit && f64::from(largest) > 0.99 * limit,
        "{largest} within ±{limit}"
    );
    assert_mean_and_deviation(values, limit / 3.0_f64.sqrt());
}

#[track_caller]
fn assert_mean_and_deviation(values: &[f32], deviation: f64) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|&value| (f64::from(value) - mean).powi(2))
        .sum::<f64>()
        / count;
    // Five standard errors of the mean; 5 % for the deviation.
    assert!(mean.abs() < 5.0 * deviation / count.sqrt(), "mean {mean}");
    assert!(
        (variance.sqrt() / deviation - 1.0).abs() < 0.05,
        "deviation {} for {deviation}",
        variance.sqrt()
    );
}

#[test]
fn glorot_uniform_has_keras_limits() {
    let convolution: Conv2D<32, 64, 3> = build(1, "net", 0).unwrap();
    assert_uniform(
        &convolution.kernel.as_vec(),
        (6.0_f64 / (9.0 * 32.0 + 9.0 * 64.0)).sqrt(),
    );
    let depthwise: DepthwiseConv2D<128, 3, 1, Same> = build(1, "net", 0).unwrap();
    assert_uniform(&depthwise.kernel.as_vec(), (6.0_f64 / (9.0 * 128.0 + 9.0)).sqrt());
    let dense: Dense<64, 2, Const<10>> = build(1, "net", 0).unwrap();
    assert_uniform(&dense.kernel.as_vec(), (6.0_f64 / (256.0 + 10.0)).sqrt());
    // The fans count the units that there are, not those that the type names.
    let dense: Dense<64, 2> = build(1, "net", 40).unwrap();
    assert_uniform(&dense.kernel.as_vec(), (6.0_f64 / (256.0 + 40.0)).sqrt());
}

#[test]
fn heads_start_small_normal_and_all_else_at_zero_or_one() {
    let (depthwise, dense): Depthwise<64, 7> = build(1, "net", 20).unwrap();
    for kernel in [depthwise.kernel.as_vec(), dense.kernel.as_vec()] {
        assert_mean_and_deviation(&kernel, 0.01);
        assert!(
            kernel.iter().any(|value| value.abs() > 0.025),
            "a normal distribution has tails"
        );
    }
    assert_eq!(depthwise.bias.value.as_vec(), [0.0; 64]);
    assert_eq!(dense.bias.as_vec(), [0.0; 20]);
    let norm: BatchNorm2D<5> = build(1, "net", 0).unwrap();
    assert_eq!((norm.gamma.as_vec(), norm.beta.as_vec()), (vec![1.0; 5], vec![0.0; 5]));
    assert_eq!(
        (norm.moving_mean.as_vec(), norm.moving_variance.as_vec()),
        (vec![0.0; 5], vec![1.0; 5])
    );
}

#[test]
fn a_visit_names_every_tensor_and_scalar_and_says_what_the_optimizer_does_with_it() {
    type Network = (
        Conv2D<3, 4, 3, 1, Same, Bias<4>>,
        BatchNorm2D<4>,
        DepthwiseConv2D<4, 8, 1, Whole, Bias<4>, SmallNormal, NonNeg>,
        Dropout<50>,
        Dense<4>,
    );
    let mut network: Network = build(1, "model", 6).unwrap();
    let mut seen = Vec::new();
    for_each(&mut network, "model", &mut |visited| match visited {
        Visited::Tensor(tensor) => {
            assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
            let update = match (tensor.trainable, tensor.non_negative) {
                (true, true) => "trained, non-negative",
                (true, false) => "trained",
                (false, _) => "kept",
            };
            seen.push(format!("{} {:?} {update}", tensor.name, tensor.shape));
        }
        Visited::Scalar(scalar) => seen.push(scalar.name.to_owned()),
    });
    assert_eq!(
        seen,
        [
            "model.0.kernel [3, 3, 3, 4] trained",
            "model.0.bias.value [4] trained",
            "model.1.gamma [4] trained",
            "model.1.beta [4] trained",
            "model.1.moving_mean [4] kept",
            "model.1.moving_variance [4] kept",
            "model.2.non_negative_kernel [8, 8, 4] trained, non-negative",
            "model.2.bias.value [4] trained",
            "model.3.seed",
            "model.3.masks",
            "model.4.kernel [1, 1, 4, 6] trained",
            "model.4.bias [6] trained",
        ]
    );
}

#[test]
fn a_visit_can_change_tensors_and_scalars() {
    let mut network: (Dense<2, 1, Const<2>>, Dropout<50>) = build(1, "net", 0).unwrap();
    for_each(&mut network, "net", &mut |visited| match visited {
        Visited::Tensor(tensor) => tensor.values.fill(3.0),
        Visited::Scalar(scalar) => *scalar.value = 5.0,
    });
    assert_eq!(network.0.kernel.as_vec(), [3.0; 4]);
    assert_eq!((network.1.seed, network.1.masks), (5, 5));
}
