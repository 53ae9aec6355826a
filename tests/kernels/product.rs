//! `kernels::product`.

use rand::Rng;
use wise_srnet::kernels::product::{Matrix, Right, Start, forward, input_gradient, multiply, weight_gradient};

use crate::cases::{CHANNELS, ROWS, assert_close, assert_gradient, channels, generator, values, wide};
use crate::reference::{Bilinear, Product, assert_is_gradient};

fn check(reference: &Product, rng: &mut impl Rng) {
    let Product { inputs, outputs, .. } = *reference;
    let [y_count, x_count, w_count] = reference.sizes();
    let (x, w, bias) = (values(x_count, rng), values(w_count, rng), values(outputs, rng));
    let (x64, w64) = (wide(&x), wide(&w));

    let mut y = values(y_count, rng);
    forward(&x, &w, None, inputs, outputs, &mut y);
    assert_close((reference, "output"), &y, &reference.forward(&x64, &w64));
    forward(&x, &w, Some(&bias), inputs, outputs, &mut y);
    let expected = reference.forward_with_bias(&x64, &w64, &wide(&bias));
    assert_close((reference, "output with bias"), &y, &expected);

    let dy = values(y_count, rng);
    let dy64 = wide(&dy);
    assert_gradient(
        (reference, "input gradient"),
        &reference.input_gradient(&dy64, &w64),
        rng,
        |mode, dx| {
            input_gradient(&dy, &w, inputs, outputs, mode, dx);
        },
    );
    assert_gradient(
        (reference, "weight gradient"),
        &reference.weight_gradient(&x64, &dy64),
        rng,
        |mode, dw| {
            weight_gradient(&x, &dy, inputs, outputs, mode, dw);
        },
    );
}

#[test]
fn equals_the_definition_for_random_sizes() {
    let mut rng = generator(41);
    for _ in 0..100 {
        let rows = rng.gen_range(1..=200);
        let (inputs, outputs) = (channels(&mut rng), channels(&mut rng));
        check(&Product { rows, inputs, outputs }, &mut rng);
    }
}

#[test]
fn equals_the_definition_where_it_is_divided_into_tasks() {
    let mut rng = generator(42);
    for [rows, inputs, outputs] in [
        [13_000, 5, 3],
        [5_000, 17, 2],
        [2_049, 1, 40],
        [20, 300, 90],
        [49, 1_100, 168],
        [197, 2_060, 65],
        [1_030, 64, 31],
    ] {
        check(&Product { rows, inputs, outputs }, &mut rng);
    }
}

#[test]
fn equals_the_definition_around_the_sizes_of_tiles_and_of_blocks_of_the_depth() {
    let mut rng = generator(45);
    let mut depths = [1, 15, 64, 513, 1_030].into_iter().cycle();
    for rows in ROWS {
        for (outputs, inputs) in CHANNELS.into_iter().zip(&mut depths) {
            check(&Product { rows, inputs, outputs }, &mut rng);
        }
    }
}

#[test]
fn no_rows_have_no_output_and_change_no_gradient() {
    let mut rng = generator(43);
    check(
        &Product {
            rows: 0,
            inputs: 5,
            outputs: 3,
        },
        &mut rng,
    );
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(44);
    let product = Product {
        rows: 3,
        inputs: 4,
        outputs: 5,
    };
    let [outputs, inputs, weights] = product.sizes();
    let [x, w, dy] = [inputs, weights, outputs].map(|count| wide(&values(count, &mut rng)));
    let gradient = product.input_gradient(&dy, &w);
    assert_is_gradient("input", |x| product.forward(x, &w), &x, &dy, &gradient);
    let gradient = product.weight_gradient(&x, &dy);
    assert_is_gradient("weight", |w| product.forward(&x, w), &w, &dy, &gradient);
}

/// Rows and columns that fill no tile: most addresses lie at an edge.
#[test]
fn equals_the_definition_for_the_smallest_sizes() {
    let mut rng = generator(46);
    for (rows, inputs, outputs) in [(1, 1, 1), (5, 3, 3), (3, 4, 9)] {
        check(&Product { rows, inputs, outputs }, &mut rng);
    }
}

/// A product over no terms fills its rows, and what lies between and behind them stays.
#[test]
fn a_product_over_nothing_is_as_large_as_any_other() {
    let mut output = [7.0; 10];
    let (left, right) = (Matrix::new(&[], 2, 0), Right::Rows(Matrix::new(&[], 0, 3)));
    multiply(left, right, Start::Zero, &mut output, 4);
    assert_eq!(output, [0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 7.0, 7.0, 7.0]);
}
