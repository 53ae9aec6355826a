//! `kernels::sgd`.

use wise_srnet::kernels::sgd::{Update, update};

use crate::cases::{assert_close, generator, values, wide};

#[test]
fn several_steps_follow_keras_momentum_and_constraint() {
    let mut rng = generator(81);
    for (count, non_negative) in [(1, false), (70_001, false), (70_001, true)] {
        let mut weights = values(count, &mut rng);
        let mut velocity = vec![0.0; count];
        let (mut expected, mut expected_velocity) = (wide(&weights), wide(&velocity));
        for learning_rate in [0.045, 0.0423, 0.5] {
            let gradient = values(count, &mut rng);
            let step = Update {
                learning_rate,
                momentum: 0.9,
                non_negative,
            };
            update(step, &mut weights, &mut velocity, &gradient);
            for ((w, v), g) in expected.iter_mut().zip(&mut expected_velocity).zip(wide(&gradient)) {
                *v = f64::from(0.9_f32) * *v - f64::from(learning_rate) * g;
                *w += *v;
                if non_negative && *w < 0.0 {
                    *w = 0.0;
                }
            }
            assert_close("weights", &weights, &expected);
            assert_close("velocity", &velocity, &expected_velocity);
        }
    }
}

#[test]
fn the_learning_rate_is_inside_the_velocity() {
    let (mut weight, mut velocity) = ([0.0], [0.0]);
    for learning_rate in [1.0, 0.0] {
        let step = Update {
            learning_rate,
            momentum: 0.5,
            non_negative: false,
        };
        update(step, &mut weight, &mut velocity, &[1.0]);
    }
    assert_eq!((weight, velocity), ([-1.5], [-0.5]));
}

#[test]
fn the_constraint_cuts_weights_but_not_their_velocity_and_keeps_a_nan_visible() {
    let (mut weights, mut velocity) = ([0.5, f32::NAN], [0.0, 0.0]);
    let step = Update {
        learning_rate: 1.0,
        momentum: 0.0,
        non_negative: true,
    };
    update(step, &mut weights, &mut velocity, &[2.0, 0.0]);
    assert_eq!((weights[0], velocity[0]), (0.0, -2.0));
    assert!(weights[1].is_nan());
}

#[test]
fn what_becomes_subnormal_becomes_zero_and_nothing_else_does() {
    let step = |weight: f32, velocity: f32| {
        let (mut weights, mut velocities) = ([weight; 40], [velocity; 40]);
        let numbers = Update {
            learning_rate: 1.0,
            momentum: 0.5,
            non_negative: false,
        };
        update(numbers, &mut weights, &mut velocities, &[0.0; 40]);
        assert!(weights.iter().all(|value| value.to_bits() == weights[0].to_bits()));
        assert!(
            velocities
                .iter()
                .all(|value| value.to_bits() == velocities[0].to_bits())
        );
        [weights[0], velocities[0]].map(f32::to_bits)
    };
    let least = f32::MIN_POSITIVE;
    let bits = |values: [f32; 2]| values.map(f32::to_bits);
    assert_eq!(step(1.0, least), bits([1.0, 0.0]));
    assert_eq!(step(1.0, -least), bits([1.0, -0.0]));
    assert_eq!(step(1.0, 2.0 * least), bits([1.0, least]));
    assert_eq!(step(1e-40, 0.0), bits([0.0, 0.0]));
    assert_eq!(step(-1e-40, 0.0), bits([-0.0, 0.0]));
    assert_eq!(step(-least, 0.0), bits([-least, 0.0]));
}

#[test]
fn a_velocity_without_a_gradient_comes_to_rest() {
    let (mut weight, mut velocity) = ([0.5], [1.0]);
    let step = Update {
        learning_rate: 0.1,
        momentum: 0.9,
        non_negative: false,
    };
    for _ in 0..1_000 {
        update(step, &mut weight, &mut velocity, &[0.0]);
    }
    assert_eq!(velocity, [0.0]);
}
