//! `kernels::elementwise`: exact operations, so results are compared bit by bit.

use rand::Rng;
use wise_srnet::kernels::accumulate::{self, Output};
use wise_srnet::kernels::elementwise as kernels;

use crate::cases::{generator, values};

/// One value, an odd number of them, and more than one task takes.
const SIZES: [usize; 3] = [1, 1_001, 70_001];

#[test]
fn sums_and_products_are_those_of_their_elements() {
    let mut rng = generator(71);
    for count in SIZES {
        let (a, b, start) = (
            values(count, &mut rng),
            values(count, &mut rng),
            values(count, &mut rng),
        );
        let pairs = || a.iter().zip(&b);
        let mut out = start.clone();
        kernels::sum(&a, &b, false, &mut out);
        assert!(out.iter().eq(pairs().map(|(a, b)| a + b).collect::<Vec<_>>().iter()));
        kernels::sum(&a, &b, true, &mut out);
        assert!(
            out.iter()
                .eq(pairs().map(|(a, b)| (a + b).max(0.0)).collect::<Vec<_>>().iter())
        );
        let mut out = start.clone();
        accumulate::put(Output::Add, &a, &mut out);
        assert!(
            out.iter()
                .zip(&start)
                .zip(&a)
                .all(|((out, start), a)| *out == start + a)
        );
        accumulate::put(Output::Overwrite, &a, &mut out);
        assert_eq!(out, a);
    }
}

#[test]
fn relu_cuts_negative_values_and_their_gradients() {
    let mut rng = generator(72);
    for count in SIZES {
        let (x, dy) = (values(count, &mut rng), values(count, &mut rng));
        let (mut y, mut dx) = (dy.clone(), dy.clone());
        kernels::relu(&x, &mut y);
        kernels::relu_gradient(&mut dx, &y);
        for (((x, y), dy), dx) in x.iter().zip(&y).zip(&dy).zip(&dx) {
            assert_eq!((*y, *dx), if *x > 0.0 { (*x, *dy) } else { (0.0, 0.0) });
        }
    }
}

#[test]
fn relu_keeps_a_nan_visible() {
    let mut values = [7.0; 3];
    kernels::relu(&[f32::NAN, -1.0, 2.0], &mut values);
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [0.0, 2.0]);
}

#[test]
fn channels_are_inserted_side_by_side_and_their_gradients_taken_apart() {
    let mut rng = generator(73);
    for (pixels, first, second) in [(1, 1, 1), (35, 17, 3), (49, 1, 40), (5_000, 24, 8)] {
        let (a, b) = (values(pixels * first, &mut rng), values(pixels * second, &mut rng));
        let all = first + second;
        let mut wide = values(pixels * all, &mut rng);
        kernels::insert_channels(&a, first, &mut wide, all, 0);
        kernels::insert_channels(&b, second, &mut wide, all, first);
        for (pixel, wide) in wide.chunks_exact(all).enumerate() {
            assert_eq!(wide[..first], a[pixel * first..][..first]);
            assert_eq!(wide[first..], b[pixel * second..][..second]);
        }
        let (mut da, mut db) = (a.clone(), b.clone());
        kernels::take_channels(&wide, all, 0, Output::Add, &mut da, first);
        kernels::take_channels(&wide, all, first, Output::Add, &mut db, second);
        assert!(da.iter().zip(&a).all(|(da, a)| *da == a + a));
        assert!(db.iter().zip(&b).all(|(db, b)| *db == b + b));
        kernels::take_channels(&wide, all, 0, Output::Overwrite, &mut da, first);
        kernels::take_channels(&wide, all, first, Output::Overwrite, &mut db, second);
        assert_eq!((da, db), (a, b));
    }
}

#[test]
fn a_dropout_mask_scales() {
    let mut rng = generator(74);
    let mask: Vec<f32> = (0..1_000).map(|_| if rng.gen_bool(0.5) { 2.0 } else { 0.0 }).collect();
    let x = values(mask.len(), &mut rng);
    let mut y = x.clone();
    kernels::scale(&mut y, &mask);
    assert!(x.iter().zip(&mask).zip(&y).all(|((x, mask), y)| *y == x * mask));
}
