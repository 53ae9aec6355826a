//! `kernels::convolution`.

use rand::Rng;
use wise_srnet::kernels::{convolution, reduction};

use crate::cases::{assert_close, assert_gradient, channels, generator, large_windows, values, wide, window};
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
    for (kernel, border) in [(1, Border::Valid), (3, Border::Same)] {
        let window = Window {
            batch: 2,
            input: [4, 3],
            kernel,
            stride: 1,
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
    for kernel in [1, 3] {
        let window = Window {
            batch: 0,
            input: [6, 6],
            kernel,
            stride: 1,
            border: Border::Same,
        };
        check(
            &Convolution {
                window,
                inputs: 2,
                outputs: 3,
            },
            &mut rng,
        );
    }
}
