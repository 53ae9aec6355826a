//! Sizes that don't fit the slices are refused, also where their product would wrap to a length that fits: kernels compute
//! addresses from them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wise_srnet::kernels::accumulate::{self, Output};
use wise_srnet::kernels::batch_norm::{Addend, Affine, Statistics, gradients_apart, normalize};
use wise_srnet::kernels::convolution::Convolution;
use wise_srnet::kernels::depthwise::Depthwise;
use wise_srnet::kernels::pixels::{Pixels, PixelsMut, Place};
use wise_srnet::kernels::product::{self, Matrix, Panels, Right, Start, SumOverPixels, multiply};
use wise_srnet::kernels::sgd::{Update, update};
use wise_srnet::kernels::subsample::Subsample;
use wise_srnet::kernels::window::{Pooling, WindowGeometry};
use wise_srnet::kernels::{average_pooling, elementwise, length, max_pooling};

/// What a length says that no `usize` can tell.
const TOO_LONG: &str = "more than a slice can have";

/// Half of all addresses: twice this wraps to 0.
const HALF: usize = 1 << (usize::BITS - 1);

/// Asserts that a call panics with a message that has `part` in it.
#[track_caller]
fn assert_refused(part: &str, call: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("a panic");
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(message.contains(part), "{message}");
}

#[test]
fn lengths_are_products_that_never_wrap() {
    assert_eq!(length::of(&[2, 3, 4]), 24);
    assert_eq!(length::of(&[HALF, 0, HALF]), 0);
    assert_eq!(length::of_rows(3, 2, 10), 22);
    assert_eq!(length::of_rows(0, 2, HALF) + length::of_rows(2, 0, HALF), 0);
    assert_refused("are more than", || {
        length::of(&[HALF, 2]);
    });
    assert_refused("are more than", || {
        length::of_rows(3, 1, HALF);
    });
    assert_refused("are more than", || {
        length::of_rows(2, 1, usize::MAX);
    });
}

#[test]
fn a_matrix_lies_inside_of_its_slice_however_far_apart_its_rows_are_said_to_be() {
    let neighbours = [1.0, 2.0, 42.0, 3.0, 4.0];
    for stride in [usize::MAX, HALF, HALF / 2] {
        let values = &neighbours[3..4];
        let rows = if stride == HALF / 2 { 5 } else { 3 };
        assert_refused(TOO_LONG, || {
            Matrix::with_stride(values, rows, 1, stride);
        });
    }
    assert_refused(TOO_LONG, || {
        Matrix::with_stride(&neighbours[3..4], 2, 1, usize::MAX);
    });
    assert_refused("needs 4 values, not 3", || {
        Matrix::new(&neighbours[..3], 2, 2);
    });
}

#[test]
fn a_product_has_the_sizes_of_its_factors() {
    let empty = |rows, columns| Matrix::new(&[], rows, columns);
    let many = 1 << (usize::BITS / 2);
    assert_refused(TOO_LONG, || {
        multiply(empty(many, 0), Right::Rows(empty(0, many)), Start::Zero, &mut [], many);
    });
    assert_refused(TOO_LONG, || {
        Panels::stacked(&[empty(HALF, 0), empty(HALF, 0)]);
    });
    let values = [1.0; 6];
    assert_refused("stacked matrices have equal sizes", || {
        Panels::stacked(&[Matrix::new(&values, 3, 2), Matrix::new(&values, 2, 3)]);
    });
    assert_refused(TOO_LONG, || {
        product::forward(&values[..4], &[], None, 2, HALF, &mut [1.0]);
    });
    assert_refused("values of the input", || {
        product::forward(&values[..3], &values[..4], None, 2, 2, &mut [0.0; 2]);
    });
    assert_refused("values of the output", || {
        product::input_gradient(&values[..3], &values[..4], 2, 2, Output::Add, &mut [0.0; 2]);
    });
    assert_refused("values of the weights", || {
        product::weight_gradient(&values[..4], &values[..4], 2, 2, Output::Add, &mut [0.0; 3]);
    });
    let sums = SumOverPixels {
        rows: 1,
        pixels: 1,
        lines: 2,
        width: HALF,
        least_lines: 1,
    };
    assert_refused(TOO_LONG, || {
        sums.compute::<f32>(Output::Overwrite, &mut [], |_, _, _, _, _| {});
    });
}

/// A window whose input is said to have more pixels than there can be, and an output of one pixel or more.
fn wrapping(output: usize, kernel: usize) -> WindowGeometry {
    WindowGeometry {
        batch: 1,
        input: [HALF, 16],
        output: [output, output],
        kernel,
        stride: 1,
        before: [0, 0],
    }
}

#[test]
fn a_window_moves_over_maps_of_the_sizes_it_is_told() {
    let one = [1.0];
    let depthwise = Depthwise {
        window: wrapping(1, 1),
        channels: 1,
    };
    assert_refused(TOO_LONG, || depthwise.forward(&[], &one, None, &mut [0.0]));
    assert_refused(TOO_LONG, || depthwise.input_gradient(&one, &one, Output::Add, &mut []));
    assert_refused(TOO_LONG, || {
        depthwise.kernel_gradient(&[], &one, Output::Add, &mut [0.0]);
    });
    let pooling = Pooling {
        window: wrapping(1, 1),
        channels: 1,
        zeros_count: false,
    };
    assert_refused(TOO_LONG, || average_pooling::forward(&pooling, &[], &mut [0.0]));
    assert_refused(TOO_LONG, || {
        average_pooling::input_gradient(&pooling, &one, Output::Add, &mut []);
    });
    assert_refused(TOO_LONG, || {
        max_pooling::forward(&pooling, &[], &mut [0.0]);
    });
    assert_refused(TOO_LONG, || {
        max_pooling::input_gradient(&pooling, &[0], &one, Output::Add, &mut []);
    });
    // Direct products, and squares.
    for (output, channels) in [(2, 2), (14, 16)] {
        let convolution = Convolution {
            window: wrapping(output, 3),
            in_channels: channels,
            out_channels: channels,
        };
        let kernel = vec![1.0; 9 * channels * channels];
        let mut y = vec![0.0; output * output * channels];
        assert_refused(TOO_LONG, || convolution.forward(&[], &kernel, None, &mut y));
        assert_refused(TOO_LONG, || {
            convolution.input_gradient(&y, &kernel, Output::Add, &mut []);
        });
        let mut dkernel = kernel.clone();
        assert_refused(TOO_LONG, || {
            convolution.kernel_gradient(&[], &y, Output::Add, &mut dkernel);
        });
    }
}

#[test]
fn a_window_stays_where_a_number_can_tell_its_place() {
    let window = WindowGeometry {
        input: [2, 1],
        ..wrapping(2, 1)
    };
    let (x, kernel) = ([1.0; 2], [1.0]);
    let moved = |stride, before| WindowGeometry {
        stride,
        before: [before, 0],
        ..window
    };
    for (window, said) in [
        (moved(HALF, 0), "positions of a window"),
        (moved(1, usize::MAX), "positions of a window"),
        (moved(0, 0), "a window that moves"),
    ] {
        let depthwise = Depthwise { window, channels: 1 };
        assert_refused(said, || depthwise.forward(&x, &kernel, None, &mut [0.0; 4]));
    }
}

#[test]
fn no_output_is_left_half_written_because_an_input_is_too_short() {
    let (short, long) = ([1.0; 3], [1.0; 4]);
    assert_refused("values of input", || elementwise::relu(&short, &mut [0.0; 4]));
    assert_refused("values of a gradient", || {
        elementwise::relu_gradient(&mut [0.0; 4], &short);
    });
    assert_refused("values of two maps", || {
        elementwise::sum(&long, &short, false, &mut [0.0; 4]);
    });
    assert_refused("values of a map", || {
        accumulate::put(Output::Add, &short, &mut [0.0; 4]);
    });
    assert_refused("a factor for each", || elementwise::scale(&mut [0.0; 4], &short));
    assert_refused("the same pixels", || {
        elementwise::insert_channels(&short, 1, &mut [0.0; 8], 2, 0);
    });
    assert_refused("the same pixels", || {
        elementwise::take_channels(&long, 2, 0, Output::Overwrite, &mut [0.0; 3], 1);
    });
    let numbers = Update {
        learning_rate: 0.1,
        momentum: 0.9,
        non_negative: false,
    };
    assert_refused("for each weight", || {
        update(numbers, &mut [0.0; 4], &mut [0.0; 4], &short);
    });
    let statistics = |channels: usize| Statistics {
        mean: vec![0.0; channels],
        variance: vec![1.0; channels],
    };
    assert_refused("numbers of each channel", || {
        Affine::new(&statistics(2), 1e-3, &[1.0; 2], &[0.0], false);
    });
    let affine = Affine::new(&statistics(1), 1e-3, &[1.0], &[0.0], false);
    let [short_map, long_map] = [&short[..], &long[..]].map(|values| Pixels::whole(values, 1));
    assert_refused("values of input", || normalize(short_map, &affine, None, &mut [0.0; 4]));
    assert_refused("values of input", || {
        let pixels = short_map;
        normalize(long_map, &affine, Some(Addend { pixels, relu: false }), &mut [0.0; 4]);
    });
    let apart = |dy: &[f32], dx: &mut [f32]| {
        gradients_apart(dy, long_map, &affine, Output::Overwrite, PixelsMut::whole(dx, 1));
    };
    assert_refused("the output's gradient", || apart(&short, &mut [0.0; 4]));
    assert_refused("the input's gradient", || apart(&long, &mut [0.0; 3]));
    assert_refused("whole pixels", || _ = Pixels::whole(&short, 2));
    let beyond = Place {
        first: 1,
        channels: 2,
        all: 2,
    };
    assert_refused("channels of a map", || _ = Pixels::of(&long, beyond));
    assert_refused("channels of a map", || _ = PixelsMut::of(&mut [0.0; 4], beyond));
    assert_refused("channels of a normalisation", || {
        _ = Pixels::whole(&long, 2).through(&affine);
    });
    let subsample = Subsample {
        input: [2, 2],
        output: [1, 1],
        channels: 1,
        offset: 0,
    };
    assert_refused("values of input", || subsample.forward(&short, &mut [0.0]));
    assert_refused("values of input", || {
        subsample.input_gradient(&[1.0], Output::Add, &mut [0.0; 3]);
    });
}
