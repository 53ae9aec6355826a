//! `kernels::cross_entropy`.

use rand::Rng;
use wise_srnet::kernels::cross_entropy::{gradient, losses, softmax};

use crate::cases::{assert_close, generator, values, wide};
use crate::reference::{CrossEntropy, assert_is_gradient};

#[test]
fn equals_the_definition_for_random_sizes() {
    let mut rng = generator(61);
    for _ in 0..100 {
        let (batch, classes) = (rng.gen_range(1..=70), rng.gen_range(1..=70));
        let labels: Vec<usize> = (0..batch).map(|_| rng.gen_range(0..classes)).collect();
        let logits: Vec<f32> = values(batch * classes, &mut rng)
            .iter()
            .map(|value| 8.0 * value)
            .collect();
        let reference = CrossEntropy {
            classes,
            labels: &labels,
        };
        let mut probabilities = logits.clone();
        softmax(&mut probabilities, classes);
        assert_close(
            "probabilities",
            &probabilities,
            &reference.probabilities(&wide(&logits)),
        );
        // One class has probability 1 and loss 0 exactly; else the largest loss sets the scale.
        assert_close(
            "losses",
            &losses(&logits, &labels, classes),
            &reference.losses(&wide(&logits)),
        );

        let scale = rng.gen_range(0.5..2.0_f32);
        let scaled = |value: &f64| value * f64::from(scale);
        let expected: Vec<f64> = reference.gradient(&wide(&logits)).iter().map(scaled).collect();
        assert_close("gradient", &gradient(&logits, &labels, classes, scale), &expected);
    }
}

#[test]
fn very_large_logits_neither_overflow_nor_vanish() {
    let logits = [1e4, 0.0, -1e4];
    assert_eq!(losses(&logits, &[0], 3), [0.0]);
    assert_eq!(losses(&logits, &[2], 3), [2e4]);
    let mut probabilities = logits;
    softmax(&mut probabilities, 3);
    assert_eq!(probabilities, [1.0, 0.0, 0.0]);
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(62);
    let logits = wide(&values(20, &mut rng));
    let reference = CrossEntropy {
        classes: 5,
        labels: &[0, 3, 4, 3],
    };
    let gradient = reference.gradient(&logits);
    assert_is_gradient(
        "logits",
        |logits| vec![reference.mean(logits)],
        &logits,
        &[1.0],
        &gradient,
    );
}
