//! `kernels::pixels`: kernels on some channels of a wider map, on pixels that are normalised while they are read, and with what
//! becomes of a sum before it is stored. All of it gives the bits of the same on whole maps, pass by pass.

use rand::Rng;
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::kernels::batch_norm::{self, Addend, Affine, Moments, Statistics, normalize, statistics};
use wise_srnet::kernels::convolution::Convolution;
use wise_srnet::kernels::elementwise;
use wise_srnet::kernels::pixels::{Pixels, PixelsMut, Place};
use wise_srnet::kernels::product::Epilogue;
use wise_srnet::kernels::window::WindowGeometry;

use crate::cases::{generator, values};

/// What the channels beside those that are written hold before and after.
const BESIDE: f32 = 7.0;

/// `channels` of a map with some more on both sides.
fn among(channels: usize) -> Place {
    Place {
        first: 3,
        channels,
        all: channels + 5,
    }
}

/// The same values among other channels.
fn widened(values: &[f32], place: Place) -> Vec<f32> {
    let pixels = values.chunks_exact(place.channels);
    pixels
        .flat_map(|pixel| {
            let mut wide = vec![BESIDE; place.all];
            wide[place.first..place.first + place.channels].copy_from_slice(pixel);
            wide
        })
        .collect()
}

fn affine(channels: usize, relu: bool, rng: &mut impl Rng) -> Affine {
    let running = Statistics {
        mean: values(channels, rng),
        variance: values(channels, rng).iter().map(|value| 1.0 + value.abs()).collect(),
    };
    Affine::new(&running, 1e-3, &values(channels, rng), &values(channels, rng), relu)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Pointwise, over patches with and without a stride, and by Winograd.
fn convolutions() -> Vec<Convolution> {
    let sizes = |kernel, stride, size: usize, in_channels, out_channels| Convolution {
        window: WindowGeometry {
            batch: 3,
            input: [size; 2],
            output: [size.div_ceil(stride); 2],
            kernel,
            stride,
            before: [kernel / 2; 2],
        },
        in_channels,
        out_channels,
    };
    vec![
        sizes(1, 1, 9, 37, 29),
        sizes(1, 1, 7, 512, 33),
        sizes(1, 2, 8, 19, 40),
        sizes(3, 1, 7, 6, 21),
        sizes(3, 2, 9, 5, 17),
        sizes(3, 1, 15, 16, 35),
    ]
}

#[test]
fn convolutions_write_some_channels_with_a_relu_and_take_their_moments() {
    let mut rng = generator(61);
    for sizes in convolutions() {
        let (inputs, outputs, window) = (sizes.in_channels, sizes.out_channels, sizes.window);
        let x = values(window.input_pixels() * inputs, &mut rng);
        let kernel = values(window.taps() * inputs * outputs, &mut rng);
        let bias = values(outputs, &mut rng);
        let mut whole = vec![0.0; window.output_pixels() * outputs];
        sizes.forward(&x, &kernel, Some(&bias), &mut whole);
        let mut rectified = vec![0.0; whole.len()];
        elementwise::relu(&whole, &mut rectified);

        let place = among(outputs);
        let mut wide = vec![BESIDE; window.output_pixels() * place.all];
        let epilogue = Epilogue {
            bias: Some(&bias),
            relu: true,
        };
        let mut moments = Moments::default();
        let target = PixelsMut::of(&mut wide, place);
        let packed = sizes.pack(&kernel);
        sizes.forward_packed(Pixels::whole(&x, inputs), &packed, epilogue, target, Some(&mut moments));
        assert_eq!(bits(&wide), bits(&widened(&rectified, place)), "{sizes:?}");
        let mut taken = Statistics::default();
        moments.merge(&mut taken);
        assert_eq!(taken, statistics(Pixels::whole(&rectified, outputs)), "{sizes:?}");
        assert_eq!(taken, statistics(Pixels::of(&wide, place)), "{sizes:?}, among others");
    }
}

#[test]
fn gradients_come_from_some_channels_of_the_outputs() {
    let mut rng = generator(62);
    for sizes in convolutions() {
        let (inputs, outputs, window) = (sizes.in_channels, sizes.out_channels, sizes.window);
        let x = values(window.input_pixels() * inputs, &mut rng);
        let dy = values(window.output_pixels() * outputs, &mut rng);
        let kernel = values(window.taps() * inputs * outputs, &mut rng);
        let place = among(outputs);
        let wide = widened(&dy, place);
        for mode in [Output::Overwrite, Output::Add] {
            let (mut expected, mut dx) = (vec![0.5; x.len()], vec![0.5; x.len()]);
            sizes.input_gradient(&dy, &kernel, mode, &mut expected);
            sizes.input_gradient_of(Pixels::of(&wide, place), &kernel, mode, &mut dx);
            assert_eq!(bits(&dx), bits(&expected), "{sizes:?}, {mode:?}");
        }
        let (mut expected, mut dkernel) = (vec![0.0; kernel.len()], vec![0.0; kernel.len()]);
        sizes.kernel_gradient(&x, &dy, Output::Overwrite, &mut expected);
        let (x, dy) = (Pixels::whole(&x, inputs), Pixels::of(&wide, place));
        sizes.kernel_gradient_of(x, dy, Output::Overwrite, &mut dkernel);
        assert_eq!(bits(&dkernel), bits(&expected), "{sizes:?}");
    }
}

#[test]
fn a_pointwise_convolution_reads_some_channels_through_a_normalisation() {
    let mut rng = generator(63);
    for sizes in convolutions().into_iter().filter(|sizes| sizes.window.is_pointwise()) {
        let (inputs, outputs, pixels) = (sizes.in_channels, sizes.out_channels, sizes.window.input_pixels());
        let (x, kernel) = (values(pixels * inputs, &mut rng), values(inputs * outputs, &mut rng));
        let (affine, place) = (affine(inputs, true, &mut rng), among(inputs));
        let wide = widened(&x, place);
        let through = Pixels::of(&wide, place).through(&affine);
        let mut normalized = vec![0.0; x.len()];
        normalize(Pixels::of(&wide, place), &affine, None, &mut normalized);

        let (mut expected, mut y) = (vec![0.0; pixels * outputs], vec![0.0; pixels * outputs]);
        sizes.forward(&normalized, &kernel, None, &mut expected);
        let target = PixelsMut::whole(&mut y, outputs);
        sizes.forward_packed(through, &sizes.pack(&kernel), None.into(), target, None);
        assert_eq!(bits(&y), bits(&expected), "{sizes:?}");

        let (mut expected, mut dkernel) = (vec![0.0; kernel.len()], vec![0.0; kernel.len()]);
        sizes.kernel_gradient(&normalized, &y, Output::Overwrite, &mut expected);
        sizes.kernel_gradient_of(through, Pixels::whole(&y, outputs), Output::Overwrite, &mut dkernel);
        assert_eq!(bits(&dkernel), bits(&expected), "{sizes:?}");
    }
}

#[test]
fn a_sum_of_normalised_maps_is_made_in_one_pass() {
    let mut rng = generator(64);
    for (pixels, channels) in [(1, 1), (70, 33), (3_000, 40)] {
        let [first, second] = [affine(channels, false, &mut rng), affine(channels, false, &mut rng)];
        let (x, more) = (values(pixels * channels, &mut rng), values(pixels * channels, &mut rng));
        let [x_map, more_map] = [&x, &more].map(|values| Pixels::whole(values, channels));
        let normalized = |map: Pixels<'_>, affine: &Affine| {
            let mut y = vec![0.0; pixels * channels];
            normalize(map, affine, None, &mut y);
            y
        };
        for relu in [false, true] {
            let addends = [
                (more_map, more.clone()),
                (more_map.through(&second), normalized(more_map, &second)),
            ];
            for (addend, values) in addends {
                let (mut y, mut expected) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                elementwise::sum(&normalized(x_map, &first), &values, relu, &mut expected);
                normalize(x_map, &first, Some(Addend { pixels: addend, relu }), &mut y);
                assert_eq!(bits(&y), bits(&expected), "{pixels} pixels of {channels}, relu {relu}");
            }
        }
    }
}

#[test]
fn a_normalisations_gradient_is_added_among_other_channels() {
    let mut rng = generator(65);
    let (pixels, channels) = (2_000, 21);
    let (affine, place) = (affine(channels, true, &mut rng), among(channels));
    let (x, dy) = (values(pixels * channels, &mut rng), values(pixels * channels, &mut rng));
    let mut expected = dy.clone();
    let parameters = batch_norm::gradients(&mut expected, Pixels::whole(&x, channels), &affine);
    // What is added to the quarters that are there.
    expected.iter_mut().for_each(|value| *value += 0.25);
    let wide_x = widened(&x, place);
    let mut wide = widened(&vec![0.25; x.len()], place);
    let dx = PixelsMut::of(&mut wide, place);
    let apart = batch_norm::gradients_apart(&dy, Pixels::of(&wide_x, place), &affine, Output::Add, dx);
    let expected: Vec<f32> = expected.iter().map(|value| 0.25 + (value - 0.25)).collect();
    let close = wide
        .iter()
        .zip(widened(&expected, place))
        .all(|(a, b)| (a - b).abs() <= 1e-6);
    assert!(close, "the gradient, or what is beside it");
    assert_eq!(bits(&apart.gamma), bits(&parameters.gamma));
    assert_eq!(bits(&apart.beta), bits(&parameters.beta));
}
