//! Kernels over maps in bf16: what they compute of rounded values is right, and rounded once.

use rand::Rng;
use rand::seq::SliceRandom;
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::kernels::element::{Bf16, Element};
use wise_srnet::kernels::pixels::{Pixels, PixelsMut};
use wise_srnet::kernels::{convolution, depthwise};

use crate::cases::{assert_close, assert_close_within, channels, generator, values, wide, window};
use crate::reference::{Bilinear, Convolution, DepthwiseConvolution, Window};

/// Half of the last bit's worth of a value that begins with one.
const ROUNDED: f64 = 1.0 / 256.0;

fn stored(count: usize, rng: &mut impl Rng) -> Vec<Bf16> {
    values(count, rng).into_iter().map(Bf16::narrow).collect()
}

fn read(stored: &[Bf16]) -> Vec<f32> {
    stored.iter().map(|value| value.widen()).collect()
}

#[test]
fn convolutions_are_those_of_rounded_maps_and_kernels() {
    let mut rng = generator(201);
    for case in 0..200 {
        let mut window = window(&mut rng);
        if case % 4 == 0 {
            window.input = [rng.gen_range(12..=30), rng.gen_range(12..=30)];
        }
        let mut reference = Convolution {
            window,
            inputs: channels(&mut rng),
            outputs: channels(&mut rng),
        };
        if case % 4 == 1 {
            // Windows that matrix instructions read where they lie, in one of the passes or in all of them.
            while reference.window.kernel == 1 {
                reference.window = self::window(&mut rng);
            }
            window = Window {
                input: reference.window.input.map(|side| side.min(9)),
                stride: 1,
                ..reference.window
            };
            reference.window = window;
            (reference.inputs, reference.outputs) = *[(32, 64), (64, 32), (96, 7), (31, 32)].choose(&mut rng).unwrap();
        }
        let pixels = window.output_pixels() * window.kernel * window.kernel;
        while case % 4 != 1 && pixels * reference.inputs * reference.outputs > 1_000_000 {
            reference.inputs = reference.inputs.div_ceil(2);
            reference.outputs = reference.outputs.div_ceil(2);
        }
        let sizes = convolution::Convolution {
            window: window.geometry(),
            in_channels: reference.inputs,
            out_channels: reference.outputs,
        };
        let [outputs, inputs, weights] = reference.sizes();
        let (x, dy) = (stored(inputs, &mut rng), stored(outputs, &mut rng));
        let (w, bias) = (values(weights, &mut rng), values(reference.outputs, &mut rng));
        let rounded: Vec<f32> = w.iter().map(|&weight| Bf16::narrow(weight).widen()).collect();
        let (x64, dy64, w64) = (wide(&read(&x)), wide(&read(&dy)), wide(&rounded));

        let mut y = stored(outputs, &mut rng);
        let packed = sizes.pack(&w);
        let (source, target) = (
            Pixels::whole(&x, reference.inputs),
            PixelsMut::whole(&mut y, reference.outputs),
        );
        sizes.forward_packed(source, &packed, Some(&bias[..]).into(), target, None);
        let expected = reference.forward_with_bias(&x64, &w64, &wide(&bias));
        assert_close_within(ROUNDED, (&reference, "output"), &read(&y), &expected);

        let mut dx = stored(inputs, &mut rng);
        let before = wide(&read(&dx));
        sizes.input_gradient_of(Pixels::whole(&dy, reference.outputs), &w, Output::Overwrite, &mut dx);
        let expected = reference.input_gradient(&dy64, &w64);
        assert_close_within(ROUNDED, (&reference, "input gradient"), &read(&dx), &expected);
        let mut added: Vec<Bf16> = before.iter().map(|&value| Bf16::narrow(value as f32)).collect();
        sizes.input_gradient_of(Pixels::whole(&dy, reference.outputs), &w, Output::Add, &mut added);
        let expected: Vec<f64> = before.iter().zip(&expected).map(|(a, b)| a + b).collect();
        // With a stride, a sum is rounded before it is added.
        assert_close_within(
            2.0 * ROUNDED,
            (&reference, "added input gradient"),
            &read(&added),
            &expected,
        );

        let mut dw = values(weights, &mut rng);
        let (x, dy) = (
            Pixels::whole(&x, reference.inputs),
            Pixels::whole(&dy, reference.outputs),
        );
        sizes.kernel_gradient_of(x, dy, Output::Overwrite, &mut dw);
        assert_close(
            (&reference, "kernel gradient"),
            &dw,
            &reference.weight_gradient(&x64, &dy64),
        );
    }
}

#[test]
fn depthwise_convolutions_are_those_of_rounded_maps() {
    let mut rng = generator(202);
    for _ in 0..150 {
        let mut window = window(&mut rng);
        window.input[0] = window.input[0].max(rng.gen_range(1..=40));
        let reference = DepthwiseConvolution {
            window,
            channels: channels(&mut rng),
        };
        let sizes = depthwise::Depthwise {
            window: window.geometry(),
            channels: reference.channels,
        };
        let [outputs, inputs, weights] = reference.sizes();
        let (x, dy) = (stored(inputs, &mut rng), stored(outputs, &mut rng));
        let (w, bias) = (values(weights, &mut rng), values(reference.channels, &mut rng));
        let (x64, dy64, w64) = (wide(&read(&x)), wide(&read(&dy)), wide(&w));
        let mut y = stored(outputs, &mut rng);
        sizes.forward(&x, &w, Some(&bias), &mut y);
        let expected = reference.forward_with_bias(&x64, &w64, &wide(&bias));
        assert_close_within(ROUNDED, (&reference, "output"), &read(&y), &expected);
        let mut dx = stored(inputs, &mut rng);
        sizes.input_gradient(&dy, &w, Output::Overwrite, &mut dx);
        let expected = reference.input_gradient(&dy64, &w64);
        assert_close_within(ROUNDED, (&reference, "input gradient"), &read(&dx), &expected);
        let mut dw = values(weights, &mut rng);
        sizes.kernel_gradient(&x, &dy, Output::Overwrite, &mut dw);
        assert_close(
            (&reference, "kernel gradient"),
            &dw,
            &reference.weight_gradient(&x64, &dy64),
        );
    }
}
