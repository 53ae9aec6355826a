//! Training steps from equal weights: the losses of a network, and the weights of one without kinks (the reason is in
//! `tools/reference/training.py`).

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::{BatchNorm2D, Conv2D, Visited};
use wise_srnet::networks::mini_resnet::ShortRun;
use wise_srnet::shapes::Same;
use wise_srnet::training::{Model, Schedule, Sgd};

use crate::formula;
use crate::golden::{Golden, Tensors, Worst};
use crate::networks::with_formula;

/// Relative, at every step.
const TOLERANCE_OF_LOSS: f64 = 0.01;

/// Of a tensor's largest weight.
const TOLERANCE_OF_WEIGHTS: f64 = 1e-4;

const CLASSES: usize = 5;

/// A network without kinks; its map is that of the paper's networks at 512 pixels.
type Smooth = (Conv2D<3, 16, 3, 2, Same>, BatchNorm2D<16, ShortRun>);

#[test]
fn losses_of_thirty_steps_follow_keras() {
    follow("mini_resnet", &Registry::builtin(), &mut Golden::open("losses"));
}

#[test]
fn weights_follow_keras_through_falls_of_the_learning_rate_and_the_constraint() {
    let mut registry = Registry::empty();
    registry.register::<Smooth, 32, 16, 16>("smooth");
    let mut golden = Golden::open("trajectory");
    let (mut model, keys) = follow("smooth", &registry, &mut golden);
    assert_equal_weights(&mut *model, &keys, &golden.tensors("weights"));
}

/// Trains as Keras did, and compares the losses.
fn follow(network: &str, registry: &Registry, golden: &mut Golden) -> (Box<dyn Model>, Vec<String>) {
    let losses: Vec<f32> = golden.array("losses");
    let size = golden.count("size");
    let model = registry.build_named(network, size, HeadKind::WiseSrnet, 0, CLASSES);
    let (mut model, keys) = with_formula(model.unwrap(), Vec::new(), golden.seed(), 0.0);
    let number = |name: &str| golden.fact(name).as_f64().unwrap();
    let (initial, momentum) = (number("learning_rate"), number("momentum"));
    let schedule = Schedule::Staircase {
        decay: number("decay"),
        every_epochs: golden.count("every_epochs"),
    };
    let mut optimizer = Sgd::new(&mut *model, momentum);
    let mut worst = Worst::default();
    assert_eq!(losses.len(), golden.count("steps"));
    for (step, keras) in losses.into_iter().enumerate() {
        let (images, labels) = batch(golden, step);
        let mut gradients = model.train(images, &labels).unwrap();
        worst.add(&format!("step {step}"), f64::from((gradients.loss / keras - 1.0).abs()));
        let rate = schedule.rate(initial, step as u64, golden.count("images"), golden.count("batch"));
        optimizer.update(&mut *model, &mut gradients, rate);
    }
    worst.assert_within(TOLERANCE_OF_LOSS, &format!("losses of {network}"));
    (model, keys)
}

/// A step's images and labels: the images' brightness tells the class.
fn batch(golden: &Golden, step: usize) -> (Vec<f32>, Vec<usize>) {
    let (batch, size) = (golden.count("batch"), golden.count("size"));
    let numbers = (step * batch..(step + 1) * batch).map(|place| place % golden.count("images"));
    let mut images = Vec::new();
    let labels = numbers.map(|number| {
        let label = number % CLASSES;
        let noise = formula::noise(golden.seed(), &format!("image {number}"), size * size * 3);
        images.extend(noise.map(|value| value + label as f32 * 0.25));
        label
    });
    let labels = labels.collect();
    (images, labels)
}

fn assert_equal_weights(model: &mut dyn Model, keys: &[String], keras: &Tensors) {
    let mut worst = Worst::default();
    let mut keys = keys.iter();
    let mut zeroed = 0;
    model.for_each(&mut |visited| {
        let Visited::Tensor(parameter) = visited else { return };
        let key = keys.next().unwrap();
        worst.add(key, keras.compare(key, parameter.values).relative());
        if parameter.non_negative {
            zeroed += parameter.values.iter().filter(|&&value| value == 0.0).count();
        }
    });
    assert_eq!(keys.next(), None);
    assert!(zeroed > 0, "the constraint has been at work");
    worst.assert_within(TOLERANCE_OF_WEIGHTS, "weights after twenty steps");
}
