//! `kernels::convolution`.

use rand::Rng;
use wise_srnet::kernels::{convolution, reduction};

use crate::cases::{CHANNELS, assert_close, assert_gradient, channels, generator, large_windows, values, wide, window};
use crate::reference::{Bilinear, Border, Convolution, Window, assert_is_gradient, channel_sums};

fn random(rng: &mut impl Rng) -> Convolution {
    let window = window(rng);
    let mut convolution = Convolution {
        window,
        inputs: channels(rng),
        outputs: channels(rng),
    };
    // The f64 loops take their time.
    let pixels = window.output_pixels() * window.kernel * window.kernel;
    while pixels * convolution.inputs * convolution.outputs > 500_000 {
        convolution.inputs = convolution.inputs.div_ceil(2);
        convolution.outputs = convolution.outputs.div_ceil(2);
    }
    convolution
}

fn kernel_of(reference: &Convolution) -> convolution::Convolution {
    convolution::Convolution {
        window: reference.window.geometry(),
        in_channels: reference.inputs,
        out_channels: reference.outputs,
    }
}

fn check(reference: &Convolution, rng: &mut impl Rng) {
    let kernel = kernel_of(reference);
    let [outputs, inputs, weights] = reference.sizes();
    let (x, w, bias) = (
        values(inputs, rng),
        values(weights, rng),
        values(reference.outputs, rng),
    );
    let (x64, w64) = (wide(&x), wide(&w));

    let mut y = values(outputs, rng);
    kernel.forward(&x, &w, None, &mut y);
    assert_close((reference, "output"), &y, &reference.forward(&x64, &w64));
    kernel.forward(&x, &w, Some(&bias), &mut y);
    let expected = reference.forward_with_bias(&x64, &w64, &wide(&bias));
    assert_close((reference, "output with bias"), &y, &expected);

    let dy = values(outputs, rng);
    let dy64 = wide(&dy);
    let expected = reference.input_gradient(&dy64, &w64);
    assert_gradient((reference, "input gradient"), &expected, rng, |mode, dx| {
        kernel.input_gradient(&dy, &w, mode, dx)
    });
    let expected = reference.weight_gradient(&x64, &dy64);
    assert_gradient((reference, "kernel gradient"), &expected, rng, |mode, dw| {
        kernel.kernel_gradient(&x, &dy, mode, dw)
    });
    let expected = channel_sums(&dy64, reference.outputs);
    assert_gradient((reference, "bias gradient"), &expected, rng, |mode, db| {
        reduction::channel_sums(&dy, mode, db)
    });
}

#[test]
fn equals_the_definition_for_random_sizes() {
    let mut rng = generator(1);
    for _ in 0..150 {
        check(&random(&mut rng), &mut rng);
    }
}

#[test]
fn equals_the_definition_where_it_is_divided_into_tasks() {
    let mut rng = generator(2);
    for window in large_windows() {
        for (inputs, outputs) in [(3, 5), (17, 2), (1, 1)] {
            check(
                &Convolution {
                    window,
                    inputs,
                    outputs,
                },
                &mut rng,
            );
        }
    }
}

#[test]
fn divides_wide_kernels_into_tasks_without_losing_a_part() {
    let mut rng = generator(3);
    for (kernel, stride, border) in [
        (1, 1, Border::Valid),
        (1, 2, Border::Same),
        (3, 1, Border::Same),
        (3, 2, Border::Zeros(1)),
    ] {
        let window = Window {
            batch: 2,
            input: [4, 3],
            kernel,
            stride,
            border,
        };
        check(
            &Convolution {
                window,
                inputs: 130,
                outputs: 70,
            },
            &mut rng,
        );
    }
}

#[test]
fn equals_the_definition_around_the_sizes_of_tiles() {
    let mut rng = generator(6);
    let mut inputs = CHANNELS.into_iter().rev().cycle();
    for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (7, 2)] {
        for (outputs, inputs) in CHANNELS.into_iter().zip(&mut inputs) {
            let window = Window {
                batch: 1,
                input: [7, 7],
                kernel,
                stride,
                border: Border::Same,
            };
            check(
                &Convolution {
                    window,
                    inputs,
                    outputs,
                },
                &mut rng,
            );
        }
    }
}

/// What Winograd's convolution computes: maps of at least 14×14 outputs, squares across their borders, and more squares
/// than are transformed at once.
#[test]
fn equals_the_definition_in_squares_of_3_by_3_kernels_over_large_maps() {
    let mut rng = generator(7);
    for (batch, input, [inputs, outputs], border) in [
        (1, [14, 14], [16, 16], Border::Same),
        (2, [17, 15], [33, 31], Border::Same),
        (2, [16, 19], [64, 65], Border::Valid),
        (1, [15, 14], [17, 32], Border::Zeros(1)),
        (1, [12, 13], [16, 17], Border::Zeros(2)),
        (1, [12, 11], [16, 17], Border::Zeros(3)),
        (1, [14, 14], [256, 32], Border::Same),
        (2, [28, 28], [32, 256], Border::Same),
        (1, [14, 14], [512, 32], Border::Same),
        (1, [14, 14], [32, 512], Border::Same),
        (3, [53, 47], [16, 18], Border::Same),
    ] {
        let window = Window {
            batch,
            input,
            kernel: 3,
            stride: 1,
            border,
        };
        check(
            &Convolution {
                window,
                inputs,
                outputs,
            },
            &mut rng,
        );
    }
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(4);
    for border in [Border::Valid, Border::Same, Border::Zeros(1)] {
        let window = Window {
            batch: 2,
            input: [5, 4],
            kernel: 3,
            stride: 2,
            border,
        };
        let convolution = Convolution {
            window,
            inputs: 2,
            outputs: 3,
        };
        let [outputs, inputs, weights] = convolution.sizes();
        let [x, w, dy] = [inputs, weights, outputs].map(|count| wide(&values(count, &mut rng)));
        let gradient = convolution.input_gradient(&dy, &w);
        assert_is_gradient("input", |x| convolution.forward(x, &w), &x, &dy, &gradient);
        let gradient = convolution.weight_gradient(&x, &dy);
        assert_is_gradient("kernel", |w| convolution.forward(&x, w), &w, &dy, &gradient);
        let bias = wide(&values(3, &mut rng));
        let forward = |bias: &[f64]| convolution.forward_with_bias(&x, &w, bias);
        assert_is_gradient("bias", forward, &bias, &dy, &channel_sums(&dy, 3));
    }
}

#[test]
fn a_batch_of_no_images_has_no_output_and_changes_no_gradient() {
    let mut rng = generator(5);
    for (kernel, stride) in [(1, 1), (3, 1), (3, 2)] {
        for (size, channels) in [(6, 3), (14, 16)] {
            let window = Window {
                batch: 0,
                input: [size, size],
                kernel,
                stride,
                border: Border::Same,
            };
            check(
                &Convolution {
                    window,
                    inputs: channels,
                    outputs: channels + 1,
                },
                &mut rng,
            );
        }
    }
}

/// With and without a stride, and the smallest squares: most addresses lie at an edge.
#[test]
fn equals_the_definition_for_the_smallest_sizes() {
    let mut rng = generator(8);
    for (input, stride, inputs, outputs) in [(3, 1, 2, 3), (3, 2, 2, 3), (14, 1, 16, 16)] {
        let window = Window {
            batch: 1,
            input: [input, input],
            kernel: 3,
            stride,
            border: Border::Same,
        };
        check(
            &Convolution {
                window,
                inputs,
                outputs,
            },
            &mut rng,
        );
    }
}
