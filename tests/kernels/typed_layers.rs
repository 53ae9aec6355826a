//! The typed layers choose a kernel's run-time sizes from types: here they meet the same definitions as the kernels,
//! through dfdx's tape, also with inputs whose elements don't lie in order.

use dfdx::prelude::{
    Axes4, Const, Cpu, Gradients, Module, ModuleMut, OwnedTape, PermuteTo, PutTape, Rank0, Rank4, Shape, SplitTape,
    Tape, Tensor, TensorFromVec, Trace, ZerosTensor,
};
use rand_chacha::ChaCha8Rng;
use wise_srnet::layers::{
    At, AvgPool2D, BatchNorm2D, Bias, Concat, ConcatMaps, Conv2D, Dense, DepthwiseConv2D, Fork, GlobalAvgPool2D,
    Identity, KerasDefault, MaxPool2D, ReLU, Relu, Shortcut, Subsample2D, build, values_mut,
};
use wise_srnet::shapes::{CorrectPad, Pad, Padding, Same, Valid, Whole, Window};

use crate::cases::{assert_close, generator, values, wide};
use crate::reference::Window as ReferenceWindow;
use crate::reference::{
    AveragePooling, BatchNorm, Bilinear, Border, Convolution, DepthwiseConvolution, MaxPooling, Product, channel_sums,
};

type Traced<S> = Tensor<S, f32, Cpu, OwnedTape<f32, Cpu>>;

/// Maps per batch.
const BATCH: usize = 2;

/// A batch of maps with random values whose elements lie in the order width, height, channels, batch: every layer has
/// to put them in order first.
fn disordered<const H: usize, const W: usize, const C: usize>(
    rng: &mut ChaCha8Rng,
) -> Tensor<Rank4<BATCH, H, W, C>, f32, Cpu> {
    let stored: Tensor<Rank4<W, H, C, BATCH>, f32, Cpu> =
        Cpu::default().tensor_from_vec(values(W * H * C * BATCH, rng), (Const, Const, Const, Const));
    stored.permute::<_, Axes4<3, 1, 0, 2>>()
}

/// What a layer made of an input, and the gradients of `Σ dy · y` for a random `dy`.
struct Pass {
    y: Vec<f32>,
    dy: Vec<f64>,
    gradients: Gradients<f32, Cpu>,
}

/// The backward pass of an output, with a random gradient given to it.
fn backward<S: Shape>(output: Traced<S>, rng: &mut ChaCha8Rng) -> Pass {
    let (output, mut tape) = output.split_tape();
    let y = output.as_vec();
    let (given, place) = (values(y.len(), rng), output.ghost());
    let dy = wide(&given);
    tape.add_backward_op(move |gradients| {
        gradients.get_or_alloc_mut(&place)?.copy_from_slice(&given);
        Ok(())
    });
    let end: Tensor<Rank0, f32, Cpu> = Cpu::default().zeros();
    let gradients = dfdx::prelude::Backward::backward(end.put_tape(tape));
    Pass { y, dy, gradients }
}

fn run<L, I: Shape, O: Shape>(layer: &L, x: &Tensor<I, f32, Cpu>, rng: &mut ChaCha8Rng) -> Pass
where
    L: Module<Traced<I>, Output = Traced<O>>,
{
    backward(layer.forward(x.leaky_trace()), rng)
}

fn reference_window(input: [usize; 2], kernel: usize, stride: usize, border: Border) -> ReferenceWindow {
    ReferenceWindow {
        batch: BATCH,
        input,
        kernel,
        stride,
        border,
    }
}

fn check_convolution<const H: usize, const W: usize, const K: usize, const S: usize, P: Padding>(border: Border)
where
    Const<H>: Window<K, S, P>,
    Const<W>: Window<K, S, P>,
{
    let mut rng = generator(101);
    let mut layer: Conv2D<3, 5, K, S, P, Bias<5>> = build(1, "layer", 0).unwrap();
    let bias = values(5, &mut rng);
    values_mut(&mut layer.bias.value).copy_from_slice(&bias);
    let reference = Convolution {
        window: reference_window([H, W], K, S, border),
        inputs: 3,
        outputs: 5,
    };
    let x = disordered::<H, W, 3>(&mut rng);
    let (x64, w) = (wide(&x.as_vec()), wide(&layer.kernel.as_vec()));
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    assert_close(reference, &y, &reference.forward_with_bias(&x64, &w, &wide(&bias)));
    assert_close(
        reference,
        &gradients.get(&x).as_vec(),
        &reference.input_gradient(&dy, &w),
    );
    let kernel = gradients.get(&layer.kernel).as_vec();
    assert_close(reference, &kernel, &reference.weight_gradient(&x64, &dy));
    assert_close(
        reference,
        &gradients.get(&layer.bias.value).as_vec(),
        &channel_sums(&dy, 5),
    );
}

#[test]
fn convolutions_pad_as_their_types_say() {
    check_convolution::<9, 6, 3, 2, Same>(Border::Same);
    check_convolution::<8, 11, 3, 1, Same>(Border::Same);
    check_convolution::<10, 7, 7, 2, Same>(Border::Same);
    check_convolution::<8, 5, 1, 2, Same>(Border::Same);
    check_convolution::<11, 14, 7, 2, Pad<3>>(Border::Zeros(3));
    check_convolution::<6, 7, 3, 1, Pad<1>>(Border::Zeros(1));
    check_convolution::<6, 7, 1, 1, Valid>(Border::Valid);
    check_convolution::<7, 8, 1, 2, Valid>(Border::Valid);
    check_convolution::<9, 8, 3, 2, Valid>(Border::Valid);
}

fn check_depthwise<const H: usize, const W: usize, const K: usize, const S: usize, P: Padding>(border: Border)
where
    Const<H>: Window<K, S, P>,
    Const<W>: Window<K, S, P>,
{
    let mut rng = generator(102);
    let mut layer: DepthwiseConv2D<6, K, S, P, Bias<6>> = build(1, "layer", 0).unwrap();
    let bias = values(6, &mut rng);
    values_mut(&mut layer.bias.value).copy_from_slice(&bias);
    let reference = DepthwiseConvolution {
        window: reference_window([H, W], K, S, border),
        channels: 6,
    };
    let x = disordered::<H, W, 6>(&mut rng);
    let (x64, w) = (wide(&x.as_vec()), wide(&layer.kernel.as_vec()));
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    assert_close(reference, &y, &reference.forward_with_bias(&x64, &w, &wide(&bias)));
    assert_close(
        reference,
        &gradients.get(&x).as_vec(),
        &reference.input_gradient(&dy, &w),
    );
    let kernel = gradients.get(&layer.kernel).as_vec();
    assert_close(reference, &kernel, &reference.weight_gradient(&x64, &dy));
    assert_close(
        reference,
        &gradients.get(&layer.bias.value).as_vec(),
        &channel_sums(&dy, 6),
    );
}

#[test]
fn depthwise_convolutions_pad_as_their_types_say() {
    check_depthwise::<9, 6, 3, 2, Same>(Border::Same);
    check_depthwise::<8, 11, 5, 1, Same>(Border::Same);
    check_depthwise::<7, 7, 7, 2, Pad<3>>(Border::Zeros(3));
    check_depthwise::<8, 9, 7, 2, CorrectPad>(Border::CorrectPad);
    check_depthwise::<7, 10, 5, 2, CorrectPad>(Border::CorrectPad);
    check_depthwise::<5, 5, 5, 1, Whole>(Border::Valid);
}

fn check_poolings<const H: usize, const W: usize, const K: usize, const S: usize, P: Padding>(border: Border)
where
    Const<H>: Window<K, S, P>,
    Const<W>: Window<K, S, P>,
{
    let mut rng = generator(103);
    let window = reference_window([H, W], K, S, border);
    let x = disordered::<H, W, 4>(&mut rng);
    let x64 = wide(&x.as_vec());

    let reference = AveragePooling { window, channels: 4 };
    let Pass { y, dy, gradients } = run(&AvgPool2D::<K, S, P>::default(), &x, &mut rng);
    assert_close(reference, &y, &reference.forward(&x64));
    assert_close(reference, &gradients.get(&x).as_vec(), &reference.input_gradient(&dy));

    let reference = MaxPooling { window, channels: 4 };
    let Pass { y, dy, gradients } = run(&MaxPool2D::<K, S, P>::default(), &x, &mut rng);
    assert_close(reference, &y, &reference.forward(&x64));
    assert_close(
        reference,
        &gradients.get(&x).as_vec(),
        &reference.input_gradient(&x64, &dy),
    );
}

#[test]
fn poolings_count_zeros_only_where_their_types_say_so() {
    check_poolings::<9, 6, 3, 2, Same>(Border::Same);
    check_poolings::<8, 7, 3, 1, Same>(Border::Same);
    check_poolings::<9, 6, 3, 2, Pad<1>>(Border::Zeros(1));
    check_poolings::<9, 6, 3, 2, CorrectPad>(Border::CorrectPad);
    check_poolings::<7, 6, 2, 2, Valid>(Border::Valid);
    check_poolings::<16, 11, 3, 3, Valid>(Border::Valid);
    check_poolings::<7, 6, 3, 2, Valid>(Border::Valid);
}

#[test]
fn global_average_pooling_is_the_mean_of_the_map() {
    let mut rng = generator(104);
    let reference = AveragePooling {
        window: reference_window([7, 7], 7, 1, Border::Valid),
        channels: 9,
    };
    let x = disordered::<7, 7, 9>(&mut rng);
    let Pass { y, dy, gradients } = run(&GlobalAvgPool2D, &x, &mut rng);
    assert_close(reference, &y, &reference.forward(&wide(&x.as_vec())));
    assert_close(reference, &gradients.get(&x).as_vec(), &reference.input_gradient(&dy));
}

#[test]
fn a_dense_layer_reads_the_map_in_the_order_height_width_channels() {
    let mut rng = generator(105);
    let mut layer: Dense<4, 3, Const<5>> = build(1, "layer", 0).unwrap();
    let bias = values(5, &mut rng);
    values_mut(&mut layer.bias).copy_from_slice(&bias);
    let reference = Product {
        rows: BATCH,
        inputs: 36,
        outputs: 5,
    };
    let x = disordered::<3, 3, 4>(&mut rng);
    let (x64, w) = (wide(&x.as_vec()), wide(&layer.kernel.as_vec()));
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    assert_close(reference, &y, &reference.forward_with_bias(&x64, &w, &wide(&bias)));
    assert_close(
        reference,
        &gradients.get(&x).as_vec(),
        &reference.input_gradient(&dy, &w),
    );
    let kernel = gradients.get(&layer.kernel).as_vec();
    assert_close(reference, &kernel, &reference.weight_gradient(&x64, &dy));
    assert_close(reference, &gradients.get(&layer.bias).as_vec(), &channel_sums(&dy, 5));
}

#[test]
fn batch_norm_trains_by_the_batch_moves_its_statistics_and_infers_by_them() {
    let mut rng = generator(106);
    let mut layer: BatchNorm2D<4, KerasDefault, Relu> = build(1, "layer", 0).unwrap();
    let (gamma, beta) = (values(4, &mut rng), values(4, &mut rng));
    values_mut(&mut layer.gamma).copy_from_slice(&gamma);
    values_mut(&mut layer.beta).copy_from_slice(&beta);
    let (gamma, beta) = (wide(&gamma), wide(&beta));
    let reference = BatchNorm {
        channels: 4,
        epsilon: 1e-3,
        gamma: &gamma,
        beta: &beta,
    };
    let rectified = |map: Vec<f64>| map.into_iter().map(|value| value.max(0.0)).collect::<Vec<_>>();
    let x = disordered::<5, 6, 4>(&mut rng);
    let x64 = wide(&x.as_vec());

    let Pass { y, dy, gradients } = backward(layer.forward_mut(x.leaky_trace()), &mut rng);
    assert_close("training", &y, &rectified(reference.forward(&x64)));
    let gated: Vec<f64> = dy
        .iter()
        .zip(&y)
        .map(|(&dy, &y)| if y > 0.0 { dy } else { 0.0 })
        .collect();
    let [dx, dgamma, dbeta] = reference.gradients(&x64, &gated);
    assert_close("input gradient", &gradients.get(&x).as_vec(), &dx);
    assert_close("γ gradient", &gradients.get(&layer.gamma).as_vec(), &dgamma);
    assert_close("β gradient", &gradients.get(&layer.beta).as_vec(), &dbeta);

    let moved = |start: f64, batch: f64| 0.99 * start + 0.01 * batch;
    let running: Vec<(f64, f64)> = reference
        .statistics(&x64)
        .into_iter()
        .map(|(mean, variance)| (moved(0.0, mean), moved(1.0, variance)))
        .collect();
    let (means, variances): (Vec<f64>, Vec<f64>) = running.iter().copied().unzip();
    assert_close("running mean", &layer.moving_mean.as_vec(), &means);
    assert_close("running variance", &layer.moving_variance.as_vec(), &variances);
    let y = layer.forward(x).as_vec();
    assert_close("inference", &y, &rectified(reference.normalize(&x64, &running)));
}

#[test]
fn running_statistics_of_a_channel_that_is_always_zero_come_to_zero() {
    let mut layer: BatchNorm2D<1, KerasDefault> = build(1, "layer", 0).unwrap();
    // Both start at 1, and 0.99⁹⁰⁰⁰ is below the least normal number.
    values_mut(&mut layer.moving_mean).fill(1.0);
    let x: Tensor<Rank4<1, 1, 1, 1>, f32, Cpu> =
        Cpu::default().tensor_from_vec(vec![0.0], (Const, Const, Const, Const));
    for _ in 0..9_000 {
        layer.forward_mut(x.leaky_trace());
    }
    assert_eq!(
        (layer.moving_mean.as_vec(), layer.moving_variance.as_vec()),
        (vec![0.0], vec![0.0])
    );
}

#[test]
fn a_shortcut_adds_and_rectifies_and_both_ways_get_the_gradient() {
    let mut rng = generator(107);
    let layer: Shortcut<Identity, ReLU, Relu> = build(1, "layer", 0).unwrap();
    let x = disordered::<3, 5, 4>(&mut rng);
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    let x64 = wide(&x.as_vec());
    let expected: Vec<f64> = x64.iter().map(|&x| (x + x.max(0.0)).max(0.0)).collect();
    assert_close("output", &y, &expected);
    let slopes = x64.iter().map(|&x| if x > 0.0 { 2.0 } else { 0.0 });
    let expected: Vec<f64> = slopes.zip(&dy).map(|(slope, dy)| slope * dy).collect();
    assert_close("input gradient", &gradients.get(&x).as_vec(), &expected);
}

#[test]
fn a_concatenation_puts_the_first_branch_first_and_sends_each_its_gradient() {
    let mut rng = generator(108);
    let layer: Concat<Identity, ReLU> = build(1, "layer", 0).unwrap();
    let x = disordered::<3, 5, 8>(&mut rng);
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    let (mut expected, mut dx) = (Vec::new(), Vec::new());
    for (x, dy) in wide(&x.as_vec()).chunks_exact(8).zip(dy.chunks_exact(16)) {
        expected.extend(x.iter().copied().chain(x.iter().map(|x| x.max(0.0))));
        dx.extend((0..8).map(|channel| dy[channel] + if x[channel] > 0.0 { dy[channel + 8] } else { 0.0 }));
    }
    assert_close("output", &y, &expected);
    assert_close("input gradient", &gradients.get(&x).as_vec(), &dx);
}

/// `Subsample2D<OFFSET>` on 5×6 maps takes just these pixels; a row of `None` lies beyond the border.
fn check_subsample<const OFFSET: usize>(rows: [Option<usize>; 3], columns: [Option<usize>; 3]) {
    let mut rng = generator(109);
    let x = disordered::<5, 6, 3>(&mut rng);
    let x64 = wide(&x.as_vec());
    let Pass { y, dy, gradients } = run(&Subsample2D::<OFFSET>, &x, &mut rng);
    let (mut expected, mut dx) = (vec![0.0; y.len()], vec![0.0; x64.len()]);
    for output in 0..y.len() {
        let (image, row, column, channel) = (output / 27, output / 9 % 3, output / 3 % 3, output % 3);
        if let (Some(row), Some(column)) = (rows[row], columns[column]) {
            let input = ((image * 5 + row) * 6 + column) * 3 + channel;
            expected[output] = x64[input];
            dx[input] = dy[output];
        }
    }
    assert_close("output", &y, &expected);
    assert_close("input gradient", &gradients.get(&x).as_vec(), &dx);
}

#[test]
fn subsampling_takes_every_second_pixel_and_zeros_beyond_the_border() {
    check_subsample::<0>([Some(0), Some(2), Some(4)], [Some(0), Some(2), Some(4)]);
    check_subsample::<1>([Some(1), Some(3), None], [Some(1), Some(3), Some(5)]);
}

#[test]
fn maps_of_a_fork_are_read_in_any_order_and_all_ways_get_the_gradient() {
    type Layer = (
        Fork<(ReLU, Identity)>,
        Fork<(At<1>, At<0>, Shortcut<At<1>, At<0>>, At<1, ReLU>)>,
        ConcatMaps<4>,
    );
    let mut rng = generator(110);
    let layer: Layer = build(1, "layer", 0).unwrap();
    let x = disordered::<3, 5, 2>(&mut rng);
    let Pass { y, dy, gradients } = run(&layer, &x, &mut rng);
    let reads: [fn(f64) -> f64; 4] = [|x| x, |x| x.max(0.0), |x| x + x.max(0.0), |x| x.max(0.0)];
    let (mut expected, mut dx) = (Vec::new(), Vec::new());
    for (x, dy) in wide(&x.as_vec()).chunks_exact(2).zip(dy.chunks_exact(8)) {
        for read in reads {
            expected.extend(x.iter().map(|&x| read(x)));
        }
        dx.extend((0..2).map(|channel| {
            let positive = if x[channel] > 0.0 { 1.0 } else { 0.0 };
            let slopes = [1.0, positive, 1.0 + positive, positive];
            (0..4).map(|map| slopes[map] * dy[2 * map + channel]).sum::<f64>()
        }));
    }
    assert_close("output", &y, &expected);
    assert_close("input gradient", &gradients.get(&x).as_vec(), &dx);
}

#[test]
fn what_happened_before_a_fork_gets_its_gradient_whichever_map_is_read() {
    let mut rng = generator(111);
    let before: Conv2D<2, 2, 1> = build(1, "before", 0).unwrap();
    let x = disordered::<3, 4, 2>(&mut rng);
    let alone = run(&before, &x, &mut generator(112))
        .gradients
        .get(&before.kernel)
        .as_vec();
    let through = |index: usize| {
        let map = before.forward(x.leaky_trace());
        let maps = build::<Fork<(Identity, Identity)>>(1, "fork", 0).unwrap().forward(map);
        let map = match index {
            0 => At::<0>::default().forward(maps),
            _ => At::<1>::default().forward(maps),
        };
        backward(map, &mut generator(112))
            .gradients
            .get(&before.kernel)
            .as_vec()
    };
    assert_eq!(through(0), alone);
    assert_eq!(through(1), alone);
}
