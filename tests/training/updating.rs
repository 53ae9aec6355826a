//! The optimizer with its schedule and constraint against a direct computation in f64.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::training::{Model, Schedule, Sgd, Snapshot};

const MOMENTUM: f64 = 0.9;
const BATCH: usize = 4;

/// A trainable tensor in f64.
struct Reference {
    weights: Vec<f64>,
    velocity: Vec<f64>,
    non_negative: bool,
}

fn references(model: &mut dyn Model) -> BTreeMap<String, Reference> {
    let mut references = BTreeMap::new();
    model.for_each(&mut |visited| {
        let Visited::Tensor(tensor) = visited else { return };
        if tensor.trainable {
            let reference = Reference {
                weights: tensor.values.iter().map(|&value| f64::from(value)).collect(),
                velocity: vec![0.0; tensor.values.len()],
                non_negative: tensor.non_negative,
            };
            references.insert(tensor.name.to_owned(), reference);
        }
    });
    references
}

fn negative_weights(references: &BTreeMap<String, Reference>) -> usize {
    let constrained = references.values().filter(|reference| reference.non_negative);
    constrained
        .flat_map(|reference| &reference.weights)
        .filter(|&&weight| weight < 0.0)
        .count()
}

#[test]
fn updates_equal_keras_rule_the_schedule_and_the_constraint_in_f64() {
    let registry = Registry::builtin();
    let build = || {
        registry
            .build_named("mini_resnet", 64, HeadKind::WiseSrnet, 0, 6)
            .unwrap()
    };
    // Equal models: one is updated, the other gives the gradients, which an update uses up.
    let (mut model, mut twin) = (build(), build());
    let mut optimizer = Sgd::new(&mut *model, MOMENTUM);
    let mut expected = references(&mut *twin);
    assert!(
        negative_weights(&expected) > 100,
        "half of a constrained kernel starts negative"
    );
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for update in 0..4_u32 {
        let images: Vec<f32> = (0..BATCH * 64 * 64 * 3)
            .map(|_| random.gen_range(-100.0..100.0))
            .collect();
        let labels = [0, 1, 2, 5];
        // Eight images: the rate falls after every second of two whole batches an epoch.
        let schedule = Schedule::Staircase {
            decay: 0.5,
            every_epochs: 1,
        };
        let rate = schedule.rate(0.02, u64::from(update), 8, BATCH);
        assert_eq!(rate, 0.02 * 0.5_f64.powi(update as i32 / 2));

        let mut step = twin.train(images.clone(), &labels).unwrap();
        twin.for_each_with_gradients(&mut step, &mut |visited| {
            let Visited::Tensor(tensor) = visited else { return };
            let Some(reference) = expected.get_mut(tensor.name) else {
                return;
            };
            let state = reference.weights.iter_mut().zip(&mut reference.velocity);
            for ((weight, velocity), &gradient) in state.zip(tensor.gradient) {
                *velocity = MOMENTUM * *velocity - rate * f64::from(gradient);
                *weight += *velocity;
                if reference.non_negative {
                    *weight = weight.max(0.0);
                }
            }
        });
        let mut step = model.train(images, &labels).unwrap();
        optimizer.update(&mut *model, &mut step, rate);

        model.for_each(&mut |visited| {
            let Visited::Tensor(tensor) = visited else { return };
            let Some(reference) = expected.get(tensor.name) else {
                return;
            };
            for (&found, &expected) in tensor.values.iter().zip(&reference.weights) {
                let difference = (f64::from(found) - expected).abs();
                assert!(
                    difference <= 1e-6 * (1.0 + expected.abs()),
                    "{}: {found}, {expected}",
                    tensor.name
                );
            }
        });
        assert_eq!(
            negative_weights(&references(&mut *model)),
            0,
            "after update {}",
            update + 1
        );
        // The twin goes on from the same weights.
        let mut updated = BTreeMap::new();
        model.for_each(&mut |visited| {
            let Visited::Tensor(tensor) = visited else { return };
            updated.insert(tensor.name.to_owned(), tensor.values.to_vec());
        });
        twin.for_each(&mut |visited| {
            let Visited::Tensor(tensor) = visited else { return };
            tensor.values.copy_from_slice(&updated[tensor.name]);
        });
    }
}

#[test]
fn weights_that_start_negative_stay_so_until_the_first_update() {
    let registry = Registry::builtin();
    let mut model = registry
        .build_named("mini_resnet", 64, HeadKind::DepthwiseNonneg, 0, 6)
        .unwrap();
    let negative = negative_weights(&references(&mut *model));
    assert!(negative > 100);
    model.train(vec![1.0; 64 * 64 * 3], &[0]).unwrap();
    model.logits(vec![1.0; 64 * 64 * 3], 1).unwrap();
    assert_eq!(negative_weights(&references(&mut *model)), negative);
}

#[test]
fn subnormal_values_of_a_checkpoint_are_restored_as_zeros_and_all_others_to_the_bit() {
    let registry = Registry::builtin();
    let mut model = registry.build_named("mini_resnet", 64, HeadKind::Gap, 0, 6).unwrap();
    let mut optimizer = Sgd::new(&mut *model, 0.9);
    let mut snapshot = Snapshot::of(&mut *model, Some(&optimizer));
    let changed = [1e-40, -1e-40, f32::MIN_POSITIVE, -0.0];
    let restored = [0.0, -0.0, f32::MIN_POSITIVE, -0.0].map(f32::to_bits);
    let Snapshot {
        tensors, velocities, ..
    } = &mut snapshot;
    for tensor in [tensors.get_mut("head.1.kernel"), velocities.get_mut("head.1.kernel")] {
        tensor.unwrap().values[..4].copy_from_slice(&changed);
    }
    snapshot.restore(&mut *model, Some(&mut optimizer)).unwrap();
    let found = Snapshot::of(&mut *model, Some(&optimizer));
    for tensors in [&found.tensors, &found.velocities] {
        let first: Vec<u32> = tensors["head.1.kernel"].values[..4]
            .iter()
            .map(|value| value.to_bits())
            .collect();
        assert_eq!(first, restored);
    }
}
