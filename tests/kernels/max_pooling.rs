//! `kernels::max_pooling`.

use rand::Rng;
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::kernels::max_pooling::{forward, input_gradient};

use crate::cases::{
    assert_close, assert_gradient, channels, generator, large_windows, tied_values, values, wide, window,
};
use crate::reference::{Border, MaxPooling, Window, assert_is_gradient};

fn check(reference: &MaxPooling, x: &[f32], rng: &mut impl Rng) {
    let MaxPooling { window, channels } = *reference;
    let pooling = window.pooling(channels);
    let mut y = values(window.output_pixels() * channels, rng);
    let cells = forward(&pooling, x, &mut y);
    assert_close((reference, "output"), &y, &reference.forward(&wide(x)));

    let dy = values(y.len(), rng);
    let expected = reference.input_gradient(&wide(x), &wide(&dy));
    assert_gradient((reference, "input gradient"), &expected, rng, |mode, dx| {
        input_gradient(&pooling, &cells, &dy, mode, dx);
    });
}

#[test]
fn equals_the_definition_for_random_sizes_also_where_values_are_tied() {
    let mut rng = generator(31);
    for _ in 0..150 {
        let (window, channels) = (window(&mut rng), channels(&mut rng));
        let count = window.input_pixels() * channels;
        let (distinct, tied) = (values(count, &mut rng), tied_values(count, &mut rng));
        check(&MaxPooling { window, channels }, &distinct, &mut rng);
        check(&MaxPooling { window, channels }, &tied, &mut rng);
    }
}

#[test]
fn equals_the_definition_where_it_is_divided_into_tasks() {
    let mut rng = generator(32);
    for window in large_windows() {
        let x = tied_values(window.input_pixels() * 17, &mut rng);
        check(&MaxPooling { window, channels: 17 }, &x, &mut rng);
    }
}

#[test]
fn a_batch_of_no_images_has_no_output_and_changes_no_gradient() {
    let window = Window {
        batch: 0,
        input: [6, 6],
        kernel: 3,
        stride: 2,
        border: Border::Same,
    };
    check(&MaxPooling { window, channels: 3 }, &[], &mut generator(35));
}

#[test]
fn remembers_each_cell_of_windows_with_more_than_256_cells() {
    let mut rng = generator(33);
    let window = Window {
        batch: 2,
        input: [19, 18],
        kernel: 17,
        stride: 1,
        border: Border::Same,
    };
    let x = values(window.input_pixels() * 3, &mut rng);
    check(&MaxPooling { window, channels: 3 }, &x, &mut rng);
}

#[test]
fn padding_zeros_win_over_negative_values_and_same_padding_never_does() {
    let pool = |border| {
        let window = Window {
            batch: 1,
            input: [2, 2],
            kernel: 3,
            stride: 2,
            border,
        };
        let pooling = window.pooling(1);
        let (mut y, mut dx) = ([f32::NAN], [0.0; 4]);
        let cells = forward(&pooling, &[-4.0, -1.0, -1.0, -3.0], &mut y);
        input_gradient(&pooling, &cells, &[1.0], Output::Overwrite, &mut dx);
        (y, dx)
    };
    assert_eq!(pool(Border::Zeros(1)), ([0.0], [0.0; 4]));
    assert_eq!(pool(Border::Same), ([-1.0], [0.0, 1.0, 0.0, 0.0]));
}

#[test]
fn a_nan_stays_visible() {
    let window = Window {
        batch: 1,
        input: [2, 2],
        kernel: 2,
        stride: 2,
        border: Border::Valid,
    };
    for place in 0..4 {
        let (mut x, mut y) = ([1.0; 4], [0.0]);
        x[place] = f32::NAN;
        forward(&window.pooling(1), &x, &mut y);
        assert!(y[0].is_nan());
    }
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(34);
    for border in [Border::Valid, Border::Same, Border::Zeros(1)] {
        let window = Window {
            batch: 2,
            input: [5, 6],
            kernel: 3,
            stride: 2,
            border,
        };
        let pooling = MaxPooling { window, channels: 2 };
        let x = wide(&values(window.input_pixels() * 2, &mut rng));
        let dy = wide(&values(window.output_pixels() * 2, &mut rng));
        let gradient = pooling.input_gradient(&x, &dy);
        assert_is_gradient("input", |x| pooling.forward(x), &x, &dy, &gradient);
    }
}
