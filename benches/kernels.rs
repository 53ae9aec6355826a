//! The kernels over shapes of the real networks: `cargo bench --bench kernels`, or `-- --threads 2`.
//!
//! Every figure is the median of several runs, beside its share of the peak: what this machine reached, in the same run and
//! with as many threads, in matrix products that stay in its caches.

use std::time::Instant;

use rayon::ThreadPoolBuilder;
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::kernels::batch_norm::{Affine, gradients, normalize, statistics};
use wise_srnet::kernels::convolution::{Convolution, Convolved};
use wise_srnet::kernels::depthwise::Depthwise;
use wise_srnet::kernels::element::{Bf16, Element};
use wise_srnet::kernels::max_pooling::{self, Cell};
use wise_srnet::kernels::pixels::{Pixels, PixelsMut};
use wise_srnet::kernels::product::{self, Matrix, Unit};
use wise_srnet::kernels::sgd::{Update, update};
use wise_srnet::kernels::simd::InstructionSet;
use wise_srnet::kernels::window::{Pooling, WindowGeometry};
use wise_srnet::memory::KeepLarge;

#[global_allocator]
static MEMORY: KeepLarge = KeepLarge::new();

const RUNS: usize = 7;

/// Network, batch, map, input channels, output channels, kernel, stride.
const CONVOLUTIONS: [(&str, usize, usize, usize, usize, usize, usize); 15] = [
    ("ResNet50", 8, 224, 3, 64, 7, 2),
    ("ResNet50", 8, 56, 64, 64, 3, 1),
    ("ResNet50", 8, 56, 64, 256, 1, 1),
    ("ResNet50", 8, 56, 256, 64, 1, 1),
    ("ResNet50", 8, 56, 256, 128, 1, 2),
    ("ResNet50", 8, 28, 128, 128, 3, 1),
    ("ResNet50", 8, 28, 512, 128, 1, 1),
    ("ResNet50", 8, 14, 256, 256, 3, 1),
    ("ResNet50", 8, 14, 1024, 256, 1, 1),
    ("ResNet50", 8, 7, 512, 512, 3, 1),
    ("ResNet50", 8, 7, 512, 2048, 1, 1),
    ("DenseNet169", 8, 28, 256, 128, 1, 1),
    ("DenseNet169", 8, 28, 128, 32, 3, 1),
    ("Xception", 8, 14, 728, 728, 1, 1),
    ("NASNetLarge", 2, 28, 168, 168, 1, 1),
];

/// Network, batch, map, channels, kernel, stride.
const DEPTHWISE: [(&str, usize, usize, usize, usize, usize); 6] = [
    ("Xception", 8, 109, 128, 3, 1),
    ("Xception", 8, 14, 728, 3, 1),
    ("NASNetLarge", 2, 28, 168, 5, 1),
    ("NASNetLarge", 2, 14, 336, 5, 1),
    ("NASNetLarge", 2, 28, 336, 7, 2),
    ("NASNetLarge", 2, 7, 672, 5, 1),
];

/// Network, pixels of the batch, channels.
const MAPS: [(&str, usize, usize); 3] = [
    ("ResNet50", 8 * 56 * 56, 256),
    ("DenseNet169", 8 * 14 * 14, 1024),
    ("Xception", 8 * 14 * 14, 728),
];

fn main() {
    let threads = std::env::args().skip_while(|argument| argument != "--threads").nth(1);
    let threads = threads.and_then(|number| number.parse().ok()).unwrap_or(0);
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("a pool of threads");
    let (set, threads) = (InstructionSet::current(), rayon::current_num_threads());
    println!("f32 by {set}, {threads} threads");
    all::<f32>();
    println!("\nbf16 by {}, {threads} threads", Unit::current().name());
    all::<Bf16>();
    let numbers = Update {
        learning_rate: 0.01,
        momentum: 0.9,
        non_negative: false,
    };
    let (mut weights, mut velocity, gradient) = (vec![0.0; 1 << 22], vec![0.0; 1 << 22], vec![0.5; 1 << 22]);
    let step = seconds(|| update(numbers, &mut weights, &mut velocity, &gradient));
    println!();
    print_rate("SGD, 4 M weights", 20 * weights.len(), step);
}

/// Every kernel over maps of an element.
fn all<T: Convolved>() {
    let peak = peak::<T>();
    println!("{peak:.0} GFLOP/s in matrix products\n");
    println!(
        "{:52} {:>22} {:>22} {:>22}",
        "", "forward", "input gradient", "kernel gradient"
    );
    for (network, batch, size, inputs, outputs, kernel, stride) in CONVOLUTIONS {
        let convolution = Convolution {
            window: window(batch, size, kernel, stride),
            in_channels: inputs,
            out_channels: outputs,
        };
        let name = format!("{network} {size}×{size}×{inputs} → {outputs}, {kernel}×{kernel}/{stride}");
        let work = 2.0 * batch as f64 * convolution.multiply_adds() as f64;
        let sizes = sizes(&convolution.window, inputs, outputs, kernel * kernel * inputs * outputs);
        let passes = three_passes::<T>(
            sizes,
            |x, w, y| {
                let (x, y) = (Pixels::whole(x, inputs), PixelsMut::whole(y, outputs));
                convolution.forward_packed(x, &convolution.pack(w), None.into(), y, None);
            },
            |dy, w, dx| convolution.input_gradient_of(Pixels::whole(dy, outputs), w, Output::Overwrite, dx),
            |x, dy, dw| {
                let (x, dy) = (Pixels::whole(x, inputs), Pixels::whole(dy, outputs));
                convolution.kernel_gradient_of(x, dy, Output::Overwrite, dw);
            },
        );
        row(&name, work, peak, passes);
    }
    println!();
    for (network, batch, size, channels, kernel, stride) in DEPTHWISE {
        let depthwise = Depthwise {
            window: window(batch, size, kernel, stride),
            channels,
        };
        let name = format!("{network} depthwise {size}×{size}×{channels}, {kernel}×{kernel}/{stride}");
        let work = 2.0 * batch as f64 * depthwise.multiply_adds() as f64;
        let sizes = sizes(&depthwise.window, channels, channels, kernel * kernel * channels);
        let passes = three_passes::<T>(
            sizes,
            |x, w, y| depthwise.forward(x, w, None, y),
            |dy, w, dx| depthwise.input_gradient(dy, w, Output::Overwrite, dx),
            |x, dy, dw| depthwise.kernel_gradient(x, dy, Output::Overwrite, dw),
        );
        row(&name, work, peak, passes);
    }
    println!("\n{:52} {:>10}", "", "GB/s");
    memory_bound::<T>();
}

fn window(batch: usize, size: usize, kernel: usize, stride: usize) -> WindowGeometry {
    let before = kernel / 2;
    let output = (size + 2 * before - kernel) / stride + 1;
    WindowGeometry {
        batch,
        input: [size, size],
        output: [output, output],
        kernel,
        stride,
        before: [before, before],
    }
}

fn sizes(window: &WindowGeometry, inputs: usize, outputs: usize, weights: usize) -> [usize; 3] {
    [
        window.input_pixels() * inputs,
        window.output_pixels() * outputs,
        weights,
    ]
}

/// Seconds of a kernel's forward pass and of both gradients, for `x`, `y` and weights of these sizes.
fn three_passes<T: Element>(
    [x, y, w]: [usize; 3],
    forward: impl Fn(&[T], &[f32], &mut [T]),
    input_gradient: impl Fn(&[T], &[f32], &mut [T]),
    kernel_gradient: impl Fn(&[T], &[T], &mut [f32]),
) -> [f64; 3] {
    let half = T::narrow(0.5);
    let ([x, y], w) = ([x, y].map(|length| vec![half; length]), vec![0.5; w]);
    let (mut dx, mut dy, mut dw) = (x.clone(), y.clone(), w.clone());
    [
        seconds(|| forward(&x, &w, &mut dy)),
        seconds(|| input_gradient(&y, &w, &mut dx)),
        seconds(|| kernel_gradient(&x, &y, &mut dw)),
    ]
}

/// The median of several runs after one that warms up.
fn seconds(mut run: impl FnMut()) -> f64 {
    run();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// GFLOP/s of products whose factors stay in the caches.
fn peak<T: Convolved>() -> f64 {
    let (rows, size) = (8 * 196, 512);
    let (x, mut y) = (vec![T::narrow(0.5); rows * size], vec![T::default(); rows * size]);
    let w = T::pack(&[Matrix::new(&vec![0.5; size * size], size, size)]);
    let best = (0..5).map(|_| {
        seconds(|| {
            let (x, y) = (Pixels::whole(&x, size), PixelsMut::whole(&mut y, size));
            product::forward_packed(&x, &w, None.into(), y, None);
        })
    });
    (2 * rows * size * size) as f64 / best.fold(f64::INFINITY, f64::min) / 1e9
}

fn row(name: &str, work: f64, peak: f64, seconds: [f64; 3]) {
    let figures = seconds.map(|seconds| {
        let speed = work / seconds / 1e9;
        format!("{speed:8.1} ({:3.0} %)", 100.0 * speed / peak)
    });
    println!("{name:52} {:>22} {:>22} {:>22}", figures[0], figures[1], figures[2]);
}

/// What reads and writes more than it computes, in bytes that must be moved.
fn memory_bound<T: Element>() {
    let (half, bytes) = (T::narrow(0.5), size_of::<T>());
    for (network, pixels, channels) in MAPS {
        let size = pixels * channels;
        let (x, mut y) = (vec![half; size], vec![T::default(); size]);
        let name = |pass: &str| format!("{network} batch norm, {pixels}×{channels}, {pass}");
        print_rate(
            &name("statistics"),
            bytes * size,
            seconds(|| drop(statistics(Pixels::whole(&x, channels)))),
        );
        let affine = Affine::new(
            &statistics(Pixels::whole(&x, channels)),
            1e-3,
            &vec![1.0; channels],
            &vec![0.0; channels],
            true,
        );
        print_rate(
            &name("normalize + ReLU"),
            2 * bytes * size,
            seconds(|| normalize(Pixels::whole(&x, channels), &affine, None, &mut y)),
        );
        print_rate(
            &name("gradients"),
            5 * bytes * size,
            seconds(|| drop(gradients(&mut y, Pixels::whole(&x, channels), &affine))),
        );
    }
    let pooled = window(8, 112, 3, 2);
    let (x, mut y) = (
        vec![half; pooled.input_pixels() * 64],
        vec![T::default(); pooled.output_pixels() * 64],
    );
    let moved = bytes * (x.len() + y.len()) + size_of::<Cell>() * y.len();
    let sizes = Pooling {
        window: pooled,
        channels: 64,
        zeros_count: false,
    };
    let forward = seconds(|| drop(max_pooling::forward(&sizes, &x, &mut y)));
    print_rate("ResNet50 max pooling 112×112×64, 3×3/2", moved, forward);
}

fn print_rate(name: &str, bytes: usize, seconds: f64) {
    println!("{name:52} {:10.1}", bytes as f64 / seconds / 1e9);
}
