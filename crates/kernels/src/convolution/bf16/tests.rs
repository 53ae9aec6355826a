use rayon::ThreadPoolBuilder;

use super::*;
use crate::element::Element;
use crate::pixels::Place;
use crate::product::Factor;

/// The same values each time: a linear congruential generator, the upper bits of which are good enough.
struct Values(u64);

impl Values {
    fn next(&mut self) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.next() % choice.len()]
    }

    fn value(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 30) as f32 - 1.0
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    fn stored(&mut self, count: usize) -> Vec<Bf16> {
        (0..count).map(|_| Bf16::narrow(self.value())).collect()
    }

    /// A window that moves by a pixel: with no border, one that keeps the map's size, or any number of zeros on both
    /// sides.
    fn convolution(&mut self, most: usize) -> Convolution {
        let kernel = self.one_of(&[2, 3, 5]);
        let border = self.next() % 3;
        let (mut before, mut input, mut output) = ([0; 2], [0; 2], [0; 2]);
        let zeros = self.next() % (kernel + 2);
        for axis in 0..2 {
            let added = [0, kernel - 1, 2 * zeros][border];
            let smallest = kernel.saturating_sub(added).max(1);
            input[axis] = smallest + self.next() % (most + 1 - smallest);
            before[axis] = added / 2;
            output[axis] = input[axis] + added + 1 - kernel;
            // Some windows don't reach the end of the map.
            output[axis] -= self.next() % output[axis].min(2);
        }
        Convolution {
            window: WindowGeometry {
                batch: 1 + self.next() % 3,
                input,
                output,
                kernel,
                stride: 1,
                before,
            },
            in_channels: self.one_of(&[32, 64, 96]),
            out_channels: self.one_of(&[1, 7, 16, 31, 32, 48, 64, 96, 97]),
        }
    }

    fn cases(&mut self) -> Vec<Convolution> {
        let mut cases: Vec<Convolution> = (0..120).map(|_| self.convolution(30)).collect();
        // Several tasks, the last of which is smaller.
        cases.extend((0..8).map(|_| self.convolution(70)));
        // Several parts of the channels, the last of which is smaller, over few pixels and over several runs of them.
        for in_channels in [128, 160, 224] {
            for most in [12, 45] {
                cases.push(Convolution {
                    in_channels,
                    ..self.convolution(most)
                });
            }
        }
        cases.push(Convolution {
            window: WindowGeometry {
                batch: 3,
                input: [29, 31],
                output: [29, 31],
                kernel: 3,
                stride: 1,
                before: [1, 1],
            },
            in_channels: 160,
            out_channels: 33,
        });
        cases
    }
}

fn has_tiles() -> bool {
    let has_tiles = Unit::current() == Unit::Amx;
    if !has_tiles {
        println!("AMX is not available: the test is skipped");
    }
    has_tiles
}

/// What differs is the order of sums, which are rounded.
fn check(name: &str, sizes: &Convolution, [actual, expected]: [&[f32]; 2], tolerance: f32) {
    assert_eq!(actual.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    for (place, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!(
            (actual - expected).abs() <= tolerance * largest,
            "{name} of {sizes:?}: {actual} instead of {expected} at {place}"
        );
    }
}

fn widened(values: &[Bf16]) -> Vec<f32> {
    values.iter().map(|value| value.widen()).collect()
}

/// What a pass computes with so many threads; always the same.
fn on_pools<T: Clone + PartialEq + Send + Sync>(before: &[T], pass: impl Fn(&mut [T]) + Sync) -> Vec<T> {
    let mut results = [1, 2, 5].map(|threads| {
        let mut output = before.to_vec();
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| pass(&mut output));
        output
    });
    assert!(
        results.windows(2).all(|pair| pair[0] == pair[1]),
        "the same bits with any number of threads"
    );
    std::mem::take(&mut results[0])
}

/// The terms of each sum come in the same order.
#[test]
fn outputs_have_the_bits_of_products_over_patches() {
    if !has_tiles() {
        return;
    }
    let mut values = Values(1);
    for sizes in values.cases() {
        let [inputs, outputs] = [sizes.in_channels, sizes.out_channels];
        let x = values.stored(sizes.window.input_pixels() * inputs);
        let (w, bias) = (values.values(sizes.patch() * outputs), values.values(outputs));
        let place = Place {
            first: 2,
            channels: outputs,
            all: outputs + 5,
        };
        let before = values.stored(sizes.window.output_pixels() * place.all);
        let epilogue = Epilogue {
            bias: Some(&bias),
            relu: values.next().is_multiple_of(2),
        };
        let kernel = Bf16::transformed(&sizes, &w).expect("windows that tiles read");
        let y = on_pools(&before, |y| {
            Bf16::forward(&sizes, &x, &kernel, epilogue, &mut PixelsMut::of(y, place));
        });
        let mut expected = before;
        let kernel = Bf16::pack(&[Matrix::new(&w, sizes.patch(), outputs)]);
        sizes.forward_over_patches(&x, &kernel, epilogue, &mut PixelsMut::of(&mut expected, place));
        assert!(y == expected, "{sizes:?}");
    }
}

#[test]
fn input_gradients_are_those_over_patches() {
    if !has_tiles() {
        return;
    }
    let mut values = Values(2);
    let mut computed = 0;
    for sizes in values.cases() {
        // The map that is read is the output's.
        let [inputs, outputs] = [sizes.out_channels, sizes.in_channels];
        let sizes = Convolution {
            in_channels: inputs,
            out_channels: outputs,
            ..sizes
        };
        let place = Place {
            first: 3,
            channels: outputs,
            all: outputs + values.next() % 2 * 40 + 3,
        };
        let dy = values.stored(sizes.window.output_pixels() * place.all);
        let dy = Pixels::of(&dy, place);
        let w = values.values(sizes.patch() * outputs);
        let before = values.stored(sizes.window.input_pixels() * inputs);
        for mode in [Output::Overwrite, Output::Add] {
            let mut expected = before.clone();
            if !Bf16::input_gradient(&sizes, dy, &w, mode, &mut expected) {
                assert!(sizes.window.before.iter().any(|before| *before >= sizes.window.kernel));
                continue;
            }
            computed += 1;
            let dx = on_pools(&before, |dx| {
                Bf16::input_gradient(&sizes, dy, &w, mode, dx);
            });
            let mut expected = before.clone();
            sizes.input_gradient_over_patches(dy, &w, mode, &mut expected);
            check(
                "the input's gradient",
                &sizes,
                [&widened(&dx), &widened(&expected)],
                1.0 / 128.0,
            );
        }
    }
    assert!(computed > 100, "windows that tiles read");
}

#[test]
fn kernel_gradients_are_those_over_patches() {
    if !has_tiles() {
        return;
    }
    let mut values = Values(3);
    for sizes in values.cases() {
        let outputs = sizes.out_channels;
        let place = Place {
            first: 1,
            channels: outputs,
            all: outputs + values.next() % 2 * 40 + 1,
        };
        let x = values.stored(sizes.window.input_pixels() * sizes.in_channels);
        let dy = values.stored(sizes.window.output_pixels() * place.all);
        let dy = Pixels::of(&dy, place);
        let before = values.values(sizes.patch() * outputs);
        for mode in [Output::Overwrite, Output::Add] {
            let dkernel = on_pools(&before, |dkernel| {
                assert!(Bf16::kernel_gradient(&sizes, &x, dy, mode, dkernel));
            });
            let mut expected = before.clone();
            sizes.kernel_gradient_over_patches(&x, dy, mode, &mut expected);
            check("the kernel's gradient", &sizes, [&dkernel, &expected], 1e-5);
        }
    }
}
