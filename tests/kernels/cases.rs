//! Seeded random sizes and values, and what counts as equal.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::kernels::simd::InstructionSet;

use crate::reference::{Border, Window};

/// The largest difference to the reference, as a share of the reference's largest value. An f32 has 6e-8; sums of some
/// thousand terms lose another factor of a hundred.
pub const TOLERANCE: f64 = 1e-5;

/// The environment variable that names the instruction set to test; [`instruction_sets`](crate::instruction_sets) sets
/// it.
pub const INSTRUCTION_SET: &str = "TEST_INSTRUCTION_SET";

/// Every test begins with its random numbers, and so with the instruction set that it is to use.
pub fn generator(seed: u64) -> ChaCha8Rng {
    if let Ok(name) = std::env::var(INSTRUCTION_SET) {
        let set = InstructionSet::ALL.into_iter().find(|set| set.name() == name);
        set.expect("a known instruction set").pin().unwrap();
    }
    ChaCha8Rng::seed_from_u64(seed)
}

/// Values in −1..1.
pub fn values(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| rng.gen_range(-1.0..1.0)).collect()
}

/// Whole numbers from −2 to 2, so that maxima are often tied and padding zeros often win.
pub fn tied_values(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| f32::from(rng.gen_range(-2_i8..=2))).collect()
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Channel counts around the widths of tiles and vector registers of every instruction set.
pub const CHANNELS: [usize; 8] = [14, 16, 31, 32, 33, 64, 65, 168];

/// Row counts around the heights of tiles, and those of the networks' smallest maps.
pub const ROWS: [usize; 6] = [1, 13, 14, 15, 49, 197];

/// A channel count: one, few, or about as many as a tile or some vector registers hold.
pub fn channels(rng: &mut impl Rng) -> usize {
    let few = [1, 2, 3, 8, 17, 40];
    *[&few[..], &CHANNELS].concat().choose(rng).unwrap()
}

/// A window of any kind in use over maps from as small as fits to 15 pixels, height and width apart.
pub fn window(rng: &mut impl Rng) -> Window {
    let kernel = *[1, 2, 3, 5, 7].choose(rng).unwrap();
    let border = *[Border::Valid, Border::Same, Border::Zeros(kernel / 2)]
        .choose(rng)
        .unwrap();
    let smallest = if border == Border::Same { 1 } else { kernel };
    Window {
        batch: rng.gen_range(1..=3),
        input: [rng.gen_range(smallest..=15), rng.gen_range(smallest..=15)],
        kernel,
        stride: rng.gen_range(1..=3),
        border,
    }
}

/// Windows over batches with enough pixels that every kernel divides them into several tasks, the last one smaller.
pub fn large_windows() -> impl Iterator<Item = Window> {
    [
        (1, 1, Border::Valid),
        (3, 1, Border::Same),
        (3, 2, Border::Zeros(1)),
        (2, 2, Border::Valid),
    ]
    .into_iter()
    .map(|(kernel, stride, border)| Window {
        batch: 3,
        input: [53 * stride, 47 * stride],
        kernel,
        stride,
        border,
    })
}

/// Asserts that no value differs from the reference by more than [`TOLERANCE`] times the reference's largest value.
#[track_caller]
pub fn assert_close(what: impl std::fmt::Debug, actual: &[f32], expected: &[f64]) {
    assert_close_within(TOLERANCE, what, actual, expected);
}

/// [`assert_close`] with a tolerance of the caller's.
#[track_caller]
pub fn assert_close_within(tolerance: f64, what: impl std::fmt::Debug, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{what:?}: number of values");
    let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let difference = (f64::from(actual) - expected).abs();
        // Written so that NaN fails.
        assert!(
            difference <= tolerance * largest,
            "{what:?}: value {index} is {actual}, not {expected} (largest {largest})"
        );
    }
}

/// Runs a gradient kernel in both of its modes: it *adds* the expected gradient to what a buffer holds, or replaces it.
#[track_caller]
pub fn assert_gradient(
    what: impl std::fmt::Debug,
    expected: &[f64],
    rng: &mut impl Rng,
    kernel: impl Fn(Output, &mut [f32]),
) {
    let mut gradient = vec![f32::NAN; expected.len()];
    kernel(Output::Overwrite, &mut gradient);
    assert_close(&what, &gradient, expected);
    let before = values(expected.len(), rng);
    let mut gradient = before.clone();
    kernel(Output::Add, &mut gradient);
    let sums: Vec<f64> = before
        .iter()
        .zip(expected)
        .map(|(&before, added)| f64::from(before) + added)
        .collect();
    assert_close(what, &gradient, &sums);
}
