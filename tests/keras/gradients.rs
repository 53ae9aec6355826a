//! Gradients of all parameters of the networks at 224 pixels in training mode, and the running statistics after several
//! passes, with shifts so large that each channel's ReLUs are all open or all closed: `tools/reference/gradients.py` says
//! why. [`gated`](crate::gated) compares gradients through ReLUs that are open here and closed there.

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::training::{Model, Step};

use crate::formula;
use crate::golden::{Golden, Tensors, Worst};
use crate::networks::{NETWORKS, keras_names, labels, with_formula};

/// Of a tensor's largest gradient.
pub const TOLERANCE: f64 = 1e-3;

/// Of a network's largest gradient: a tensor whose largest is below that is compared as if it were that large. The
/// gradient of a bias before a batch normalisation is rounding alone.
const SMALLEST: f64 = 1e-3;

/// Of a tensor's largest gradient, where a network pools maxima of deep maps: rounding decides between two nearly equal
/// ones, and the gradient of a pixel goes another way.
const TOLERANCE_BEHIND_MAXIMA: f64 = 0.05;

/// Of the loss, and of running statistics.
const TOLERANCE_OF_FORWARD: f64 = 1e-4;

pub const CLASSES: usize = 5;

#[test]
fn gradients_and_running_statistics_of_all_networks_are_keras() {
    for network in NETWORKS {
        let deviations = assert_equal_forward_and_compare(network);
        let tolerance = match network {
            "resnet50" | "densenet169" => TOLERANCE,
            _ => TOLERANCE_BEHIND_MAXIMA,
        };
        deviations.assert_within(tolerance, &format!("gradients of {network}"));
    }
}

/// Trains as Keras did; asserts that loss and running statistics are equal, and compares the gradients.
fn assert_equal_forward_and_compare(network: &str) -> Worst {
    let mut golden = Golden::open(&format!("gradients-{network}"));
    let (seed, size, batch) = (golden.seed(), golden.count("size"), golden.count("batch"));
    let model = Registry::builtin().build_named(network, size, HeadKind::WiseSrnet, 0, CLASSES);
    let beta = golden.count("beta") as f32;
    let (mut model, keys) = with_formula(model.unwrap(), keras_names(network), seed, beta);
    let labels = labels(batch, CLASSES);
    let mut deviations = Worst::default();
    for pass in 0..golden.count("passes") {
        let images = formula::images(seed, &format!("images {size} {pass}"), batch, size);
        let mut step = model.train(images, &labels).unwrap();
        if pass == 0 {
            assert_equal_loss(network, &step, &golden);
            deviations = compare_gradients(&mut *model, &mut step, &keys, &golden.tensors("gradients"));
        }
    }
    assert_equal_statistics(network, &mut *model, &keys, &golden.tensors("statistics"));
    deviations
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

/// How far each gradient is from Keras', in proportion to the largest of its tensor.
pub fn compare_gradients(model: &mut dyn Model, step: &mut Step, keys: &[String], keras: &Tensors) -> Worst {
    let smallest = SMALLEST * keras.largest();
    let mut worst = Worst::default();
    let mut compared = 0;
    let mut keys = keys.iter();
    model.for_each_with_gradients(step, &mut |visited| {
        let Visited::Tensor(parameter) = visited else { return };
        let key = keys.next().unwrap();
        if parameter.trainable {
            compared += 1;
            let deviation = keras.compare(key, parameter.gradient);
            worst.add(key, deviation.difference / deviation.largest.max(smallest));
        }
    });
    assert_eq!(compared, keras.len());
    worst
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
