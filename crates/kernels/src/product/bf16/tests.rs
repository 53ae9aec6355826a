use super::*;

/// Sizes below, at and above those of tiles, and of layers.
const SIZES: [usize; 11] = [1, 2, 15, 16, 17, 31, 33, 42, 64, 147, 728];

/// Values before a matrix in its map: it begins at no line of a cache.
const BEFORE: usize = 3;

/// The same values each time: a linear congruential generator, the upper bits of which are good enough.
struct Values(u64);

impl Values {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn value(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 30) as f32 - 1.0
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    /// Rows that lie in a wider map, with NaN before them and between them, and nothing behind the last one. The first
    /// one begins at [`BEFORE`].
    fn rows(&mut self, rows: usize, columns: usize, stride: usize) -> Vec<Bf16> {
        let mut values = vec![Bf16::narrow(f32::NAN); BEFORE + length::of_rows(rows, columns, stride)];
        for row in values[BEFORE..]
            .chunks_mut(stride)
            .take(if columns == 0 { 0 } else { rows })
        {
            row[..columns].fill_with(|| Bf16::narrow(self.value()));
        }
        values
    }
}

/// Those that are available; says which ones are not.
fn units() -> Vec<Unit> {
    if !Unit::Amx.is_available() {
        println!("AMX is not available: its half of the test is skipped");
    }
    let all = [Unit::Amx, Unit::Vectors].into_iter();
    all.filter(|unit| unit.is_available()).collect()
}

fn wide(value: Bf16) -> f64 {
    f64::from(value.widen())
}

/// `left · right` in f64.
fn expected(left: Matrix<'_, Bf16>, right: Matrix<'_>) -> Vec<f64> {
    let mut product = vec![0.0; left.rows * right.columns];
    for row in 0..left.rows {
        for term in 0..left.columns {
            let factor = wide(left.values[row * left.row_stride + term * left.column_stride]);
            for column in 0..right.columns {
                let value = right.values[term * right.row_stride + column * right.column_stride];
                product[row * right.columns + column] += factor * wide(Bf16::narrow(value));
            }
        }
    }
    product
}

/// Asserts that an output is what is expected, and that what lies between its rows is still 7.
fn check<T: Element>(name: &str, output: &[T], stride: usize, expected: &[f64], columns: usize, tolerance: f64) {
    let largest = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (row, output) in output.chunks(stride).enumerate() {
        let expected = &expected[(row * columns).min(expected.len())..];
        for (column, value) in output.iter().enumerate() {
            let value = f64::from(value.widen());
            if column >= columns || expected.is_empty() {
                assert_eq!(value, 7.0, "{name}: what lies outside, row {row}, column {column}");
            } else {
                let error = (value - expected[column]).abs();
                assert!(
                    error <= tolerance * largest,
                    "{name}: {value} instead of {}, row {row}, column {column}",
                    expected[column]
                );
            }
        }
    }
}

/// Sizes of a product: each of the interesting ones, the others at random among those that don't take long.
fn sizes(values: &mut Values) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    for place in 0..3 {
        for size in SIZES {
            for _ in 0..4 {
                let mut sizes: [usize; 3] = std::array::from_fn(|_| SIZES[values.below(SIZES.len() - 1)]);
                sizes[place] = size;
                all.push(sizes);
            }
        }
    }
    // Whole tiles, and more of them than are summed at once; nothing to sum, nothing to store.
    all.extend([
        [49, 64, 96],
        [100, 2048, 40],
        [33, 1024, 1100],
        [1300, 70, 50],
        [5, 0, 9],
        [0, 5, 9],
        [5, 9, 0],
    ]);
    all
}

#[test]
fn rows_times_weights() {
    let mut values = Values(1);
    for [rows, depth, columns] in sizes(&mut values) {
        let stride = depth + values.below(2) * values.below(40);
        let left = values.rows(rows, depth, stride.max(1));
        let left = Matrix::with_stride(&left[BEFORE..], rows, depth, stride.max(1));
        let weights = values.values(depth * columns);
        let bias = values.values(columns);
        let stride = (columns + values.below(2) * values.below(40)).max(1);
        for right in [
            Matrix::new(&weights, depth, columns),
            Matrix::new(&weights, columns, depth).transposed(),
        ] {
            let product = expected(left, right);
            for unit in units() {
                let name = format!("{unit:?}, {rows}×{depth}×{columns}, {}", right.column_stride);
                let packed = PackedBf16::for_unit(unit, right);
                assert_eq!([packed.depth(), packed.columns()], [depth, columns]);
                for start in [Start::Zero, Start::Row(&bias), Start::Output] {
                    for floor in [f32::NEG_INFINITY, 0.0] {
                        let finished = |(place, sum): (usize, &f64)| {
                            let start = match start {
                                Start::Zero => 0.0,
                                Start::Row(bias) => bias[place % columns],
                                Start::Output => 7.0,
                            };
                            (sum + f64::from(start)).max(f64::from(floor))
                        };
                        let expected: Vec<f64> = product.iter().enumerate().map(finished).collect();
                        let mut output = vec![7.0_f32; (rows + 1) * stride];
                        multiply_bf16(floor, left, &packed, start, &mut output, stride);
                        check(&name, &output, stride, &expected, columns, 1e-5);
                        let mut output = vec![Bf16::narrow(7.0); (rows + 1) * stride];
                        multiply_bf16(floor, left, &packed, start, &mut output, stride);
                        check(&name, &output, stride, &expected, columns, 1.0 / 256.0);
                    }
                }
            }
        }
    }
}

#[test]
fn sums_over_pixels() {
    let mut values = Values(2);
    for [inputs, pixels, outputs] in sizes(&mut values) {
        let strides = [inputs, outputs].map(|columns| (columns + values.below(2) * values.below(40)).max(1));
        let x = values.rows(pixels, inputs, strides[0]);
        let x = Matrix::with_stride(&x[BEFORE..], pixels, inputs, strides[0]);
        let dy = values.rows(pixels, outputs, strides[1]);
        let dy = Matrix::with_stride(&dy[BEFORE..], pixels, outputs, strides[1]);
        let stride = (outputs + values.below(2) * values.below(40)).max(1);
        let widened: Vec<f32> = dy.values.iter().map(|value| value.widen()).collect();
        let product = expected(
            x.transposed(),
            Matrix::with_stride(&widened, pixels, outputs, strides[1]),
        );
        let more: Vec<f64> = product.iter().map(|value| value + 7.0).collect();
        for unit in units() {
            let name = format!("{unit:?}, {pixels} pixels, {inputs}×{outputs}");
            for (adds, expected) in [(false, &product), (true, &more)] {
                let mut output = vec![7.0; (inputs + 1) * stride];
                sum_over_rows_with(unit, x, dy, adds, &mut output, stride);
                check(&name, &output, stride, expected, outputs, 1e-5);
            }
        }
    }
}

#[test]
fn a_value_does_not_depend_on_the_rows_beside_it() {
    let mut values = Values(3);
    for [depth, columns] in [[64, 48], [100, 17], [1024, 32]] {
        let rows = 90;
        let left = values.rows(rows, depth, depth).split_off(BEFORE);
        let weights = values.values(depth * columns);
        for unit in units() {
            let packed = PackedBf16::for_unit(unit, Matrix::new(&weights, depth, columns));
            let product = |rows: std::ops::Range<usize>| {
                let left = Matrix::new(&left[rows.start * depth..rows.end * depth], rows.len(), depth);
                let mut output = vec![0.0_f32; rows.len() * columns];
                multiply_bf16(f32::NEG_INFINITY, left, &packed, Start::Zero, &mut output, columns);
                output
            };
            let whole = product(0..rows);
            for cut in [1, 15, 16, 31, 32, 33, 50] {
                assert_eq!(
                    [product(0..cut), product(cut..rows)].concat(),
                    whole,
                    "{unit:?}, cut at {cut}"
                );
            }
        }
    }
}

/// Each thread has registers of its own, and the system keeps them when it changes threads.
#[test]
fn many_threads_compute_the_same_bits() {
    let mut values = Values(6);
    let left = values.rows(200, 256, 256).split_off(BEFORE);
    let weights = values.values(256 * 100);
    for unit in units() {
        let packed = PackedBf16::for_unit(unit, Matrix::new(&weights, 256, 100));
        let left = Matrix::new(&left, 200, 256);
        let product = || {
            let mut output = vec![0.0_f32; 200 * 100];
            multiply_bf16(0.0, left, &packed, Start::Zero, &mut output, 100);
            let mut gradient = vec![0.0; 256 * 256];
            sum_over_rows_with(unit, left, left, false, &mut gradient, 256);
            (output, gradient)
        };
        let expected = product();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..8).for_each(|_| assert!(product() == expected, "{unit:?}")));
            }
        });
    }
}

#[test]
fn weights_are_packed_again_in_the_same_memory() {
    let mut values = Values(4);
    let [before, after] = [values.values(300 * 70), values.values(20 * 33)];
    let left = values.rows(5, 20, 20).split_off(BEFORE);
    for unit in units() {
        let mut packed = PackedBf16::for_unit(unit, Matrix::new(&before, 300, 70));
        packed.repack(Matrix::new(&after, 20, 33));
        let mut output = vec![7.0; 5 * 33];
        let left = Matrix::new(&left, 5, 20);
        multiply_bf16(f32::NEG_INFINITY, left, &packed, Start::Zero, &mut output, 33);
        check(
            "packed again",
            &output,
            33,
            &expected(left, Matrix::new(&after, 20, 33)),
            33,
            1e-5,
        );
    }
}

#[test]
fn stacked_weights_are_those_in_one_piece() {
    let mut values = Values(7);
    for [rows, columns, count] in [[32, 40, 3], [64, 16, 5], [20, 33, 2], [7, 5, 1]] {
        let weights = values.values(count * rows * columns);
        let plain: Vec<Matrix<'_>> = weights
            .chunks(rows * columns)
            .map(|weights| Matrix::new(weights, rows, columns))
            .collect();
        let turned: Vec<Matrix<'_>> = weights
            .chunks(rows * columns)
            .map(|weights| Matrix::new(weights, columns, rows).transposed())
            .collect();
        let left = values.rows(9, count * rows, count * rows).split_off(BEFORE);
        let left = Matrix::new(&left, 9, count * rows);
        for unit in units() {
            for matrices in [&plain, &turned] {
                let mut sums = vec![0.0; 9 * columns];
                for (number, matrix) in matrices.iter().enumerate() {
                    let left = Matrix::with_stride(&left.values[number * rows..], 9, rows, count * rows);
                    let product = expected(left, *matrix);
                    sums.iter_mut().zip(product).for_each(|(sum, value)| *sum += value);
                }
                let packed = PackedBf16::stacked_for_unit(unit, matrices);
                let mut output = vec![7.0; 9 * columns];
                multiply_bf16(f32::NEG_INFINITY, left, &packed, Start::Zero, &mut output, columns);
                check("stacked", &output, columns, &sums, columns, 1e-5);
            }
        }
    }
}

/// Rounding is that of [`Bf16::narrow`] on each unit, for numbers that are not subnormal.
#[test]
fn weights_are_rounded_to_the_nearest_value() {
    let mut values = Values(5);
    let one = [Bf16::narrow(1.0)];
    let weights: Vec<f32> = (0..4096)
        .map(|_| f32::from_bits(values.next() as u32 ^ (values.next() as u32) << 16))
        .filter(|weight| weight.is_normal())
        .collect();
    for unit in units() {
        for right in [
            Matrix::new(&weights, 1, weights.len()),
            Matrix::new(&weights, weights.len(), 1).transposed(),
        ] {
            let packed = PackedBf16::for_unit(unit, right);
            let mut output = vec![Bf16::default(); weights.len()];
            let left = Matrix::new(&one, 1, 1);
            multiply_bf16(
                f32::NEG_INFINITY,
                left,
                &packed,
                Start::Zero,
                &mut output,
                weights.len(),
            );
            for (output, weight) in output.iter().zip(&weights) {
                assert_eq!(*output, Bf16::narrow(*weight), "{unit:?}, {weight}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "inner sizes")]
fn factors_fit_each_other() {
    let left = [Bf16::default(); 6];
    let packed = PackedBf16::new(Matrix::new(&[0.0; 4], 2, 2));
    let left = Matrix::new(&left, 2, 3);
    multiply_bf16(0.0, left, &packed, Start::Zero, &mut [0.0_f32; 4], 2);
}

#[test]
#[should_panic(expected = "output of a 2×2 product")]
fn the_output_is_large_enough() {
    let left = [Bf16::default(); 4];
    let packed = PackedBf16::new(Matrix::new(&[0.0; 4], 2, 2));
    let left = Matrix::new(&left, 2, 2);
    multiply_bf16(0.0, left, &packed, Start::Zero, &mut [0.0_f32; 3], 2);
}
