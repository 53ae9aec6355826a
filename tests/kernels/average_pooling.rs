//! `kernels::average_pooling`.

use rand::Rng;
use wise_srnet::kernels::average_pooling::{forward, input_gradient};
use wise_srnet::kernels::window::Pooling;

use crate::cases::{assert_close, assert_gradient, channels, generator, large_windows, values, wide, window};
use crate::reference::{AveragePooling, Border, Window, assert_is_gradient};

fn check(reference: &AveragePooling, rng: &mut impl Rng) {
    let AveragePooling { window, channels } = *reference;
    let pooling = window.pooling(channels);
    let x = values(window.input_pixels() * channels, rng);
    let mut y = values(window.output_pixels() * channels, rng);
    forward(&pooling, &x, &mut y);
    assert_close((reference, "output"), &y, &reference.forward(&wide(&x)));

    let dy = values(y.len(), rng);
    assert_gradient(
        (reference, "input gradient"),
        &reference.input_gradient(&wide(&dy)),
        rng,
        |mode, dx| {
            input_gradient(&pooling, &dy, mode, dx);
        },
    );
}

#[test]
fn equals_the_definition_for_random_sizes() {
    let mut rng = generator(21);
    for _ in 0..150 {
        let (window, channels) = (window(&mut rng), channels(&mut rng));
        check(&AveragePooling { window, channels }, &mut rng);
    }
}

#[test]
fn equals_the_definition_over_whole_maps_and_many_tasks() {
    let mut rng = generator(22);
    let whole = Window {
        batch: 3,
        input: [16, 16],
        kernel: 16,
        stride: 1,
        border: Border::Valid,
    };
    for window in large_windows().chain([whole, Window { batch: 0, ..whole }]) {
        check(&AveragePooling { window, channels: 17 }, &mut rng);
    }
}

#[test]
fn padding_zeros_count_and_same_padding_does_not() {
    let pool = |border, before, zeros_count| {
        let window = Window {
            batch: 1,
            input: [2, 2],
            kernel: 3,
            stride: 2,
            border,
        };
        let geometry = window.geometry();
        assert_eq!((geometry.output, geometry.before), ([1, 1], [before, before]));
        let mut y = [f32::NAN];
        let pooling = Pooling {
            window: geometry,
            channels: 1,
            zeros_count,
        };
        forward(&pooling, &[9.0; 4], &mut y);
        y[0]
    };
    assert_eq!(pool(Border::Same, 0, false), 9.0);
    assert_eq!(pool(Border::Zeros(1), 1, true), 4.0);
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(23);
    for border in [Border::Valid, Border::Same, Border::Zeros(1)] {
        let window = Window {
            batch: 2,
            input: [5, 6],
            kernel: 3,
            stride: 2,
            border,
        };
        let pooling = AveragePooling { window, channels: 2 };
        let x = wide(&values(window.input_pixels() * 2, &mut rng));
        let dy = wide(&values(window.output_pixels() * 2, &mut rng));
        assert_is_gradient("input", |x| pooling.forward(x), &x, &dy, &pooling.input_gradient(&dy));
    }
}
