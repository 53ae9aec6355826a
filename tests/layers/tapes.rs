//! This crate's own tape against dfdx's: the same gradients, with dfdx's operations on the tape and without.

use dfdx::prelude::{
    Backward, Const, Cpu, DeviceBuildExt, HasShape, ModuleMut, OwnedTape, PutTape, Residual, Tensor, TensorCollection,
    Trace,
};
use wise_srnet::heads::WiseSrNet;
use wise_srnet::layers::{
    Conv2D, Dense, FeatureMap, GlobalAvgPool2D, GradientStore, TrainingTape, build, gradient_of, softmax_cross_entropy,
};
use wise_srnet::networks::MiniResNet;
use wise_srnet::shapes::Same;

use crate::samples::{Forked, Mixed};
use crate::step::{Named, assert_gradients_arrive, maps, named_gradients};

type Owned = OwnedTape<f32, Cpu>;

/// dfdx's own `Residual`, `ReLU` and `Square` among our layers.
type AmongForeign = (
    Conv2D<3, 8, 3, 2, Same>,
    Residual<(Conv2D<8, 8, 3, 1, Same>, dfdx::nn::modules::ReLU)>,
    dfdx::nn::modules::Square,
    GlobalAvgPool2D,
    Dense<8, 1, Const<4>>,
);

fn labels(batch: usize) -> Vec<usize> {
    (0..batch).map(|image| image % 4).collect()
}

/// The gradients of the same step by both tapes: dfdx's, ours.
fn both<N, O: dfdx::prelude::Dim, const M: usize>(network: &N) -> [Named; 2]
where
    N: Clone + TensorCollection<f32, Cpu>,
    N: ModuleMut<FeatureMap<M, 3, Owned>, Output = Tensor<(usize, O), f32, Cpu, Owned>>,
    N: ModuleMut<FeatureMap<M, 3, TrainingTape>, Output = Tensor<(usize, O), f32, Cpu, TrainingTape>>,
{
    let images = maps::<M, 3>(5, 1);
    let mut theirs = network.clone();
    let logits = theirs.forward_mut(images.clone().leaky_traced());
    let mut gradients = softmax_cross_entropy(logits, &labels(5)).unwrap().backward();
    let theirs = named_gradients(&mut theirs, &mut gradients);
    let mut ours = network.clone();
    let logits = ours.forward_mut(images.put_tape(TrainingTape::default()));
    let loss = softmax_cross_entropy(logits, &labels(5)).unwrap();
    let mut gradients = TrainingTape::backward(loss).unwrap();
    [theirs, named_gradients(&mut ours, &mut *gradients)]
}

/// `==`, because a gradient that is added to zeros loses the sign of its zeros.
#[track_caller]
fn assert_equal([theirs, ours]: [Named; 2]) {
    assert_gradients_arrive(&ours);
    assert!(theirs == ours);
}

#[test]
fn both_tapes_lead_to_the_same_gradients() {
    let network: (MiniResNet, WiseSrNet<128, 2, 4>) = build(1, "net", 4).unwrap();
    assert_equal(both::<_, _, 64>(&network));
    assert_equal(both::<_, _, 24>(&Cpu::default().build_module::<Mixed, f32>()));
    assert_equal(both::<_, _, 16>(&Cpu::default().build_module::<Forked, f32>()));
}

/// Over maps that are summed in several runs, a concatenation's statistics are those of its parts, whose runs are others than
/// the whole map's: the mean and the deviation differ in their last digits. The tolerance is that of the comparison with
/// Keras, of a tensor's largest gradient or a thousandth of the network's.
#[test]
fn shared_statistics_change_gradients_by_rounding_alone() {
    let [theirs, ours] = both::<_, _, 96>(&Cpu::default().build_module::<Mixed, f32>());
    let largest_of = |values: &[f32]| values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let of_all = theirs.values().map(|values| largest_of(values)).fold(0.0, f32::max);
    for (name, gradient) in &ours {
        let largest = largest_of(&theirs[name]).max(1e-3 * of_all);
        for (ours, theirs) in gradient.iter().zip(&theirs[name]) {
            assert!(
                (ours - theirs).abs() <= 1e-3 * largest,
                "{name}: {ours}, not {theirs} (largest {largest})"
            );
        }
    }
}

#[test]
fn operations_of_dfdx_run_back_among_ours() {
    assert_equal(both::<_, _, 16>(&Cpu::default().build_module::<AmongForeign, f32>()));
}

#[test]
fn an_input_has_a_gradient_only_if_it_is_watched() {
    let images = maps::<24, 3>(2, 1);
    let gradient = |tape: TrainingTape| {
        let mut network = build::<Mixed>(1, "net", 4).unwrap();
        let logits = network.forward_mut(images.clone().put_tape(tape));
        let loss = softmax_cross_entropy(logits, &labels(2)).unwrap();
        let mut gradients: Box<dyn GradientStore> = TrainingTape::backward(loss).unwrap();
        gradient_of(&images, &mut *gradients).unwrap()
    };
    let watched = gradient(TrainingTape::watching(&images));
    assert_eq!(watched.len(), images.shape().0 * 24 * 24 * 3);
    assert!(watched.iter().any(|&value| value != 0.0));
    assert!(gradient(TrainingTape::default()).iter().all(|&value| value == 0.0));
}
