//! `kernels::depthwise`.

use rand::Rng;
use wise_srnet::kernels::convolution::Convolution;
use wise_srnet::kernels::depthwise::{self, Depthwise};
use wise_srnet::kernels::pixels::{Pixels, PixelsMut};
use wise_srnet::kernels::window::WindowGeometry;

use crate::cases::{CHANNELS, assert_close, assert_gradient, channels, generator, large_windows, values, wide, window};
use crate::reference::{Bilinear, Border, DepthwiseConvolution, Window, assert_is_gradient};

fn check(reference: &DepthwiseConvolution, rng: &mut impl Rng) {
    let kernel = Depthwise {
        window: reference.window.geometry(),
        channels: reference.channels,
    };
    let [outputs, inputs, weights] = reference.sizes();
    let (x, w, bias) = (
        values(inputs, rng),
        values(weights, rng),
        values(reference.channels, rng),
    );
    let (x64, w64) = (wide(&x), wide(&w));

    let mut y = values(outputs, rng);
    kernel.forward(&x, &w, None, &mut y);
    assert_close((reference, "output"), &y, &reference.forward(&x64, &w64));
    kernel.forward(&x, &w, Some(&bias), &mut y);
    let expected = reference.forward_with_bias(&x64, &w64, &wide(&bias));
    assert_close((reference, "output with bias"), &y, &expected);

    assert_equals_written_down(&kernel, [&x, &w, &bias], &y, rng);

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
}

/// A pointwise convolution over outputs that are made as it reads them gives the bits of one over outputs that were written.
fn assert_equals_written_down(sizes: &Depthwise, [x, kernel, bias]: [&[f32]; 3], written: &[f32], rng: &mut impl Rng) {
    let (channels, map) = (sizes.channels, sizes.window.output);
    let pointwise = Convolution {
        window: WindowGeometry {
            input: map,
            kernel: 1,
            stride: 1,
            before: [0, 0],
            ..sizes.window
        },
        in_channels: channels,
        out_channels: 19,
    };
    let packed = pointwise.pack(&values(channels * 19, rng));
    let [mut made, mut expected] = [0, 1].map(|_| values(sizes.window.output_pixels() * 19, rng));
    let rows = depthwise::Outputs::new(*sizes, x, kernel, Some(bias));
    pointwise.forward_rows(&rows, &packed, None.into(), PixelsMut::whole(&mut made, 19), None);
    let written = Pixels::whole(written, channels);
    let y = PixelsMut::whole(&mut expected, 19);
    pointwise.forward_packed(written, &packed, None.into(), y, None);
    assert!(made == expected, "{sizes:?}");
}

#[test]
fn equals_the_definition_for_random_sizes() {
    let mut rng = generator(11);
    for _ in 0..150 {
        let (window, channels) = (window(&mut rng), channels(&mut rng));
        check(&DepthwiseConvolution { window, channels }, &mut rng);
    }
}

#[test]
fn equals_the_definition_where_it_is_divided_into_tasks() {
    let mut rng = generator(12);
    for window in large_windows() {
        check(&DepthwiseConvolution { window, channels: 17 }, &mut rng);
    }
}

#[test]
fn equals_the_definition_around_the_sizes_of_vector_registers() {
    let mut rng = generator(16);
    for channels in CHANNELS {
        for (kernel, stride, border) in [
            (3, 1, Border::Same),
            (3, 2, Border::Same),
            (5, 2, Border::CorrectPad),
            (7, 1, Border::Same),
            (2, 3, Border::Valid),
            (3, 2, Border::Zeros(4)),
        ] {
            let window = Window {
                batch: 2,
                input: [15, 14],
                kernel,
                stride,
                border,
            };
            check(&DepthwiseConvolution { window, channels }, &mut rng);
        }
    }
}

#[test]
fn covers_whole_maps_of_the_papers_heads() {
    let mut rng = generator(13);
    for size in [3, 5, 7, 16] {
        let window = Window {
            batch: 3,
            input: [size, size],
            kernel: size,
            stride: 1,
            border: Border::Valid,
        };
        check(&DepthwiseConvolution { window, channels: 40 }, &mut rng);
    }
}

#[test]
fn the_definition_agrees_with_central_differences() {
    let mut rng = generator(14);
    let window = Window {
        batch: 2,
        input: [6, 5],
        kernel: 3,
        stride: 2,
        border: Border::Same,
    };
    let depthwise = DepthwiseConvolution { window, channels: 3 };
    let [outputs, inputs, weights] = depthwise.sizes();
    let [x, w, dy] = [inputs, weights, outputs].map(|count| wide(&values(count, &mut rng)));
    let gradient = depthwise.input_gradient(&dy, &w);
    assert_is_gradient("input", |x| depthwise.forward(x, &w), &x, &dy, &gradient);
    let gradient = depthwise.weight_gradient(&x, &dy);
    assert_is_gradient("kernel", |w| depthwise.forward(&x, w), &w, &dy, &gradient);
}

#[test]
fn a_batch_of_no_images_has_no_output_and_changes_no_gradient() {
    let mut rng = generator(15);
    let window = Window {
        batch: 0,
        input: [6, 6],
        kernel: 3,
        stride: 1,
        border: Border::Valid,
    };
    check(&DepthwiseConvolution { window, channels: 3 }, &mut rng);
}

/// Most addresses lie at an edge: pixels that no cell of the window reaches, cells that reach no pixel,
/// and fewer channels than a vector register holds.
#[test]
fn equals_the_definition_for_the_smallest_sizes() {
    let mut rng = generator(17);
    for (input, kernel, stride, border) in [
        ([3, 2], 3, 2, Border::Zeros(4)),
        ([2, 3], 3, 1, Border::Same),
        ([5, 4], 2, 3, Border::Valid),
    ] {
        let window = Window {
            batch: 2,
            input,
            kernel,
            stride,
            border,
        };
        check(&DepthwiseConvolution { window, channels: 5 }, &mut rng);
    }
}
