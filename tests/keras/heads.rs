//! The heads over maps of the paper's sizes: logits, loss and all gradients.

use dfdx::prelude::{Const, Cpu, PutTape, TensorFromVec};
use wise_srnet::heads::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadsOver};
use wise_srnet::layers::{
    FeatureMap, TrainingTape, Visited, build, for_each, for_each_with_gradients, gradient_of, softmax_cross_entropy,
    values,
};

use crate::formula;
use crate::golden::{Golden, Worst};
use crate::networks::{key, labels};

const TOLERANCE: f64 = 1e-5;
const CHANNELS: usize = 4;
const CLASSES: usize = 5;

fn head<H: Head<M, CHANNELS>, const M: usize>(seed: u64) -> H {
    let mut head: H = build(1, "head", CLASSES).unwrap();
    for_each(&mut head, "head", &mut |visited| {
        if let Visited::Tensor(parameter) = visited {
            formula::fill(seed, &key(parameter.name), parameter.shape, parameter.values, 0.0);
        }
    });
    head
}

fn assert_equal_logits<H: Head<M, CHANNELS>, const M: usize>(name: &str) {
    let mut golden = Golden::open("heads");
    let (seed, batch) = (golden.seed(), golden.count("batch"));
    let keras = golden.tensors(&format!("{name} {M}"));
    let logits = head::<H, M>(seed).infer(maps(seed, batch)).unwrap();
    let relative = keras.compare("logits", values(&logits)).relative();
    assert!(relative < TOLERANCE, "{name} over {M}×{M}: {relative}");
}

fn maps<const M: usize>(seed: u64, batch: usize) -> FeatureMap<M, CHANNELS> {
    let values = formula::noise(seed, &format!("map {M}"), batch * M * M * CHANNELS).collect();
    Cpu::default().tensor_from_vec(values, (batch, Const, Const, Const))
}

fn assert_equal<H: Head<M, CHANNELS>, const M: usize>(name: &str) {
    assert_equal_logits::<H, M>(name);
    let mut golden = Golden::open("heads");
    let (seed, batch) = (golden.seed(), golden.count("batch"));
    let keras = golden.tensors(&format!("{name} {M}"));
    let mut head: H = head(seed);
    let maps = maps(seed, batch);
    let logits = head
        .train(maps.clone().put_tape(TrainingTape::watching(&maps)))
        .unwrap();
    let loss = softmax_cross_entropy(logits, &labels(batch, CLASSES)).unwrap();
    let mut worst = Worst::default();
    worst.add("loss", keras.compare("loss", values(&loss)).relative());
    let mut gradients = TrainingTape::backward(loss).unwrap();
    let of_map = gradient_of(&maps, &mut *gradients).unwrap();
    worst.add("map", keras.compare("map", &of_map).relative());
    let mut parameters = 0;
    for_each_with_gradients(&mut head, "head", &mut *gradients, &mut |visited| {
        if let Visited::Tensor(parameter) = visited {
            let key = key(parameter.name);
            worst.add(&key, keras.compare(&key, parameter.gradient).relative());
            parameters += 1;
        }
    });
    assert_eq!(parameters + 3, keras.len());
    worst.assert_within(TOLERANCE, &format!("gradients of {name} over {M}×{M}"));
}

fn assert_all_equal<const M: usize>()
where
    Const<M>: HeadsOver,
    Gap<CHANNELS>: Head<M, CHANNELS>,
    GapDropout<CHANNELS>: Head<M, CHANNELS>,
    Depthwise<CHANNELS, M>: Head<M, CHANNELS>,
    DepthwiseNonNeg<CHANNELS, M>: Head<M, CHANNELS>,
    <Const<M> as HeadsOver>::WiseSrNet<CHANNELS>: Head<M, CHANNELS>,
    <Const<M> as HeadsOver>::WiseSrNetDropout<CHANNELS>: Head<M, CHANNELS>,
    <Const<M> as HeadsOver>::FlattenFc<CHANNELS>: Head<M, CHANNELS>,
{
    assert_equal::<Gap<CHANNELS>, M>("gap");
    assert_equal::<Depthwise<CHANNELS, M>, M>("depthwise");
    assert_equal::<DepthwiseNonNeg<CHANNELS, M>, M>("depthwise_nonneg");
    assert_equal::<<Const<M> as HeadsOver>::WiseSrNet<CHANNELS>, M>("wise_srnet");
    assert_equal::<<Const<M> as HeadsOver>::FlattenFc<CHANNELS>, M>("flatten_fc");
    // In training their masks are drawn otherwise than Keras'.
    assert_equal_logits::<GapDropout<CHANNELS>, M>("gap_dropout");
    assert_equal_logits::<<Const<M> as HeadsOver>::WiseSrNetDropout<CHANNELS>, M>("wise_srnet_dropout");
}

#[test]
fn heads_over_the_maps_of_224_pixels_are_keras() {
    assert_all_equal::<7>();
}

#[test]
fn heads_over_the_maps_of_512_pixels_are_keras() {
    assert_all_equal::<16>();
}
