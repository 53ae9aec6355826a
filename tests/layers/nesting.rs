//! Layers inside dfdx's own modules.

use dfdx::prelude::{
    Backward, Const, Cpu, DeviceBuildExt, Gradients, MeanTo, Module, ModuleMut, NumParams, OwnedTape, Repeated,
    ResetParams, Residual, Trace,
};
use wise_srnet::heads::WiseSrNetDropout;
use wise_srnet::layers::{
    BatchNorm2D, Conv2D, Dense, FeatureMap, GlobalAvgPool2D, KerasDefault, Relu, Shortcut, build,
    softmax_cross_entropy, values_mut,
};
use wise_srnet::networks::MiniResNet;
use wise_srnet::shapes::Same;

use crate::step::{assert_gradients_arrive, maps, step, tensors};

type Convolution = Conv2D<8, 8, 3, 1, Same>;

/// Tuples, `Residual`, `Repeated` and `ReLU` are dfdx's.
type Network = (
    (Conv2D<3, 8, 3, 2, Same>, BatchNorm2D<8, KerasDefault, Relu>),
    Residual<(Convolution, dfdx::nn::modules::ReLU)>,
    Repeated<(Convolution, dfdx::nn::modules::ReLU), 2>,
    GlobalAvgPool2D,
    Dense<8, 1, Const<4>>,
);

#[test]
fn layers_nest_in_dfdxs_modules_and_all_parameters_get_gradients() {
    let mut network = Cpu::default().build_module::<Network, f32>();
    let (logits, gradients) = step(&mut network, maps::<16, 3>(5, 1));
    assert_eq!(logits.len(), 5 * 4);
    assert_gradients_arrive(&gradients);
    let names: Vec<&str> = gradients.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "net.0.0.kernel",
            "net.0.1.beta",
            "net.0.1.gamma",
            "net.1.0.0.kernel",
            "net.2.0.0.kernel",
            "net.2.1.0.kernel",
            "net.4.bias",
            "net.4.kernel",
        ]
    );
}

#[test]
fn dfdx_counts_resets_and_rebuilds_the_layers_parameters() {
    let mut network = Cpu::default().build_module::<Network, f32>();
    assert_eq!(network.num_trainable_params(), 3 * 9 * 8 + 16 + 3 * 9 * 64 + 8 * 4 + 4);
    values_mut(&mut network.0.1.moving_variance).fill(7.0);
    values_mut(&mut network.4.bias).fill(7.0);
    network.reset_params();
    let tensors = tensors(&mut network);
    assert_eq!(tensors["net.0.1.moving_variance"], [1.0; 8]);
    assert_eq!(tensors["net.4.bias"], [0.0; 4]);
}

#[test]
fn inference_leaves_running_statistics_and_training_moves_them() {
    let mut network: BatchNorm2D<3> = build(1, "net", 0).unwrap();
    let before = tensors(&mut network);
    network.forward(maps::<4, 3>(2, 1));
    assert_eq!(tensors(&mut network), before);
    network.forward_mut(maps::<4, 3>(2, 1).leaky_trace());
    let after = tensors(&mut network);
    for moved in ["net.moving_mean", "net.moving_variance"] {
        assert!(
            after[moved]
                .iter()
                .zip(&before[moved])
                .all(|(after, before)| after != before)
        );
    }
    assert_eq!(
        (&after["net.gamma"], &after["net.beta"]),
        (&before["net.gamma"], &before["net.beta"])
    );
}

#[test]
fn a_layer_used_twice_collects_both_gradients() {
    /// The same convolution at two places, or two that start alike.
    fn through(first: &Convolution, second: &Convolution) -> Gradients<f32, Cpu> {
        let head: (GlobalAvgPool2D, Dense<8, 1, Const<4>>) = build(1, "head", 0).unwrap();
        let map = second.forward(first.forward(maps::<6, 8>(4, 2).leaky_trace()));
        softmax_cross_entropy(head.forward(map), &[0, 1, 2, 3])
            .unwrap()
            .backward()
    }
    let built = || build::<Convolution>(3, "convolution", 0).unwrap();
    let (shared, first, second) = (built(), built(), built());
    let both = through(&shared, &shared).get(&shared.kernel).as_vec();
    let gradients = through(&first, &second);
    let apart = gradients
        .get(&first.kernel)
        .as_vec()
        .into_iter()
        .zip(gradients.get(&second.kernel).as_vec());
    for (both, (first, second)) in both.into_iter().zip(apart) {
        assert!(
            (both - (first + second)).abs() < 1e-6,
            "{both} is not {first} + {second}"
        );
    }
}

#[test]
fn a_shortcut_around_the_identity_is_dfdxs_residual() {
    let convolution = || build::<Convolution>(5, "convolution", 0).unwrap();
    let mut shortcut: Shortcut<Convolution> = build(1, "net", 0).unwrap();
    shortcut.branch = convolution();
    let residual = Residual(convolution());
    let run = |map: FeatureMap<6, 8, OwnedTape<f32, Cpu>>| map.square().mean().backward();
    let (x, theirs_x) = (maps::<6, 8>(3, 4), maps::<6, 8>(3, 4));
    assert_eq!(
        shortcut.forward(x.clone()).as_vec(),
        residual.forward(x.clone()).as_vec()
    );
    let ours = run(shortcut.forward(x.leaky_trace()));
    let theirs = run(residual.forward(theirs_x.leaky_trace()));
    assert_eq!(ours.get(&x).as_vec(), theirs.get(&theirs_x).as_vec());
    assert_eq!(
        ours.get(&shortcut.branch.kernel).as_vec(),
        theirs.get(&residual.0.kernel).as_vec()
    );
}

#[test]
fn a_batch_of_no_images_runs_forward_and_backward_and_changes_nothing() {
    let mut network: (MiniResNet, WiseSrNetDropout<128, 2, 4>) = build(1, "net", 6).unwrap();
    let before = tensors(&mut network);
    let (logits, gradients) = step(&mut network, maps::<64, 3>(0, 1));
    assert!(logits.is_empty());
    assert!(gradients.values().flatten().all(|&value| value == 0.0));
    assert_eq!(tensors(&mut network), before);
}
