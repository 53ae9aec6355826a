//! The cells of a feature map and what they add to the logits.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::training::{Explanation, Model};

const CLASSES: usize = 5;

/// A network whose head has random weights and biases of a trained head's size, and a map as ReLU leaves it.
fn model_and_map(head: HeadKind, size: usize) -> (Box<dyn Model>, Vec<f32>) {
    let mut model = Registry::builtin()
        .build_named("mini_resnet", size, head, 0, CLASSES)
        .unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    model.for_each(&mut |visited| {
        if let Visited::Tensor(parameter) = visited
            && parameter.name.starts_with("head")
        {
            let least = if parameter.non_negative { 0.0 } else { -0.3 };
            let values = parameter.values.iter_mut();
            values.for_each(|value| *value = random.gen_range(least..0.3));
        }
    });
    let values = model.feature_map().iter().product();
    let map = (0..values).map(|_| random.gen_range(-1.0_f32..2.0).max(0.0)).collect();
    (model, map)
}

#[test]
fn cells_and_bias_add_up_to_the_logits_under_every_head() {
    for head in HeadKind::ALL {
        for size in [64, 96] {
            let (mut model, map) = model_and_map(head, size);
            let explanation = Explanation::of(&mut *model, &map).unwrap();
            let logits = model.logits_of_features(map, 1).unwrap();
            for (class, logit) in logits.iter().enumerate() {
                let cells: f32 = explanation.of_class(class).iter().sum();
                let sum = explanation.bias[class] + cells;
                let error = (sum - logit).abs() / logit.abs().max(1.0);
                assert!(error < 1e-4, "{head} {size}: {sum} is not {logit}");
            }
        }
    }
}

#[test]
fn under_global_average_pooling_it_is_the_class_activation_map() {
    let (mut model, map) = model_and_map(HeadKind::Gap, 64);
    let mut kernel = Vec::new();
    model.for_each(&mut |visited| match visited {
        Visited::Tensor(parameter) if parameter.name == "head.1.kernel" => kernel = parameter.values.to_vec(),
        _ => {}
    });
    let explanation = Explanation::of(&mut *model, &map).unwrap();
    assert_eq!(explanation.cells, [8, 8]);
    for class in 0..CLASSES {
        let weights = kernel.iter().skip(class).step_by(CLASSES);
        for (cell, contribution) in map.chunks_exact(128).zip(explanation.of_class(class)) {
            let activation: f32 = cell
                .iter()
                .zip(weights.clone())
                .map(|(value, weight)| value * weight)
                .sum();
            assert!((activation / 64.0 - contribution).abs() < 1e-5);
        }
    }
}

#[test]
fn cells_that_pooling_leaves_out_add_nothing() {
    // 8 × 8 cells, pooled by threes to 2 × 2: the last two rows and columns are left out.
    let (mut model, map) = model_and_map(HeadKind::FlattenFc, 64);
    let values = Explanation::of(&mut *model, &map).unwrap().of_class(2);
    for (cell, value) in values.iter().enumerate() {
        let is_read = cell / 8 < 6 && cell % 8 < 6;
        assert_eq!(*value != 0.0, is_read, "cell {cell}: {value}");
    }
}
