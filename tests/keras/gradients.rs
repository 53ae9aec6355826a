//! Gradients of all parameters of the networks at 224 pixels in training mode, and the running statistics after several
//! passes, with shifts so large that each channel's ReLUs are all open or all closed: `tools/reference/gradients.py` says
//! why. [`gated`](crate::gated) compares gradients through ReLUs that are open here and closed there.

use std::collections::HashMap;

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::training::{Model, Step};

use crate::formula;
use crate::golden::{Deviation, Golden, Tensors, Worst};
use crate::networks::{NETWORKS, keras_names, labels, with_formula};

/// Of a tensor's largest gradient.
pub const TOLERANCE: f64 = 1e-3;

/// Of a network's largest gradient: a tensor whose largest is below that is compared as if it were that large. The
/// gradient of a bias before a batch normalisation is rounding alone.
const SMALLEST: f64 = 1e-3;

/// Of a gradient's own move: where Keras' gradient moves by more than half of [`TOLERANCE`] when all weights and pixels
/// change a little, because two maxima of a pooling window change places, ours may be on the other side.
const TOLERANCE_OF_MOVES: f64 = 2.0;

/// Of the loss, and of running statistics.
const TOLERANCE_OF_FORWARD: f64 = 1e-4;

pub const CLASSES: usize = 5;

#[test]
fn gradients_and_running_statistics_of_all_networks_are_keras() {
    NETWORKS.into_iter().for_each(assert_equal_step);
}

/// Trains as Keras did, and compares losses, gradients and running statistics.
fn assert_equal_step(network: &str) {
    let mut golden = Golden::open(&format!("gradients-{network}"));
    let (seed, size, batch) = (golden.seed(), golden.count("size"), golden.count("batch"));
    let model = Registry::builtin().build_named(network, size, HeadKind::WiseSrnet, 0, CLASSES);
    let beta = golden.count("beta") as f32;
    let (mut model, keys) = with_formula(model.unwrap(), keras_names(network), seed, beta);
    let labels = labels(batch, CLASSES);
    let mut deviations = Vec::new();
    for pass in 0..golden.count("passes") {
        let images = formula::images(seed, &format!("images {size} {pass}"), batch, size);
        let mut step = model.train(images, &labels).unwrap();
        if pass == 0 {
            assert_equal_loss(network, &step, &golden);
            deviations = compare_gradients(&mut *model, &mut step, &keys, &golden.tensors("gradients"));
        }
    }
    assert_equal_statistics(network, &mut *model, &keys, &golden.tensors("statistics"));
    assert_within_moves(network, &deviations, &mut golden);
}

/// Asserts that the steady gradients are Keras', and that the others are no further from Keras' than those move.
fn assert_within_moves(network: &str, deviations: &[(String, Deviation)], golden: &mut Golden) {
    let moves: Vec<f32> = golden.array("moves");
    let moves: HashMap<String, f32> = golden.names_of("gradients").into_iter().zip(moves).collect();
    let (mut steady, mut moving) = (Worst::default(), Worst::default());
    let mut count = 0;
    for (name, deviation) in deviations {
        let moves = f64::from(moves[name]);
        if TOLERANCE_OF_MOVES * moves <= TOLERANCE * deviation.largest {
            count += 1;
            steady.add(name, deviation.relative());
        } else {
            let named = format!("{name}, {:.1e} of its largest", deviation.relative());
            moving.add(&named, deviation.difference / moves);
        }
    }
    let total = deviations.len();
    steady.assert_within(
        TOLERANCE,
        &format!("gradients of {network}, {count} steady ones of {total}"),
    );
    moving.assert_within(
        TOLERANCE_OF_MOVES,
        &format!("other gradients of {network}, of Keras' moves"),
    );
}

pub fn assert_equal_loss(network: &str, step: &Step, golden: &Golden) {
    let keras = golden.fact("loss").as_f64().unwrap();
    let relative = (f64::from(step.loss) / keras - 1.0).abs();
    assert!(
        relative < TOLERANCE_OF_FORWARD,
        "{network}: loss {} for {keras}",
        step.loss
    );
}

/// How far each gradient is from Keras'; [`Deviation::largest`] is at least [`SMALLEST`] of the network's.
pub fn compare_gradients(
    model: &mut dyn Model,
    step: &mut Step,
    keys: &[String],
    keras: &Tensors,
) -> Vec<(String, Deviation)> {
    let smallest = SMALLEST * keras.largest();
    let mut deviations = Vec::new();
    let mut keys = keys.iter();
    model.for_each_with_gradients(step, &mut |visited| {
        let Visited::Tensor(parameter) = visited else { return };
        let key = keys.next().unwrap();
        if parameter.trainable {
            let mut deviation = keras.compare(key, parameter.gradient);
            deviation.largest = deviation.largest.max(smallest);
            deviations.push((key.clone(), deviation));
        }
    });
    assert_eq!(deviations.len(), keras.len());
    deviations
}

fn assert_equal_statistics(network: &str, model: &mut dyn Model, keys: &[String], keras: &Tensors) {
    let mut worst = Worst::default();
    let mut compared = 0;
    let mut keys = keys.iter();
    model.for_each(&mut |visited| {
        let Visited::Tensor(parameter) = visited else { return };
        let key = keys.next().unwrap();
        if !parameter.trainable {
            compared += 1;
            worst.add(key, keras.compare(key, parameter.values).relative());
        }
    });
    assert_eq!(compared, keras.len());
    worst.assert_within(TOLERANCE_OF_FORWARD, &format!("running statistics of {network}"));
}
