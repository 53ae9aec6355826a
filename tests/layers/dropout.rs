//! Dropout: what it drops, and that its state makes it repeatable.

use dfdx::prelude::{Backward, Const, Cpu, MeanTo, Module, ModuleMut, OnesTensor, Trace};
use wise_srnet::layers::{Dropout, FeatureMap, build};

/// What a layer makes of a map of ones.
fn mask<const PERCENT: u32>(layer: &mut Dropout<PERCENT>) -> Vec<f32> {
    layer.forward_mut(ones().leaky_trace()).as_vec()
}

fn ones() -> FeatureMap<32, 16> {
    Cpu::default().ones_like(&(2, Const, Const, Const))
}

/// Asserts that about `PERCENT` % of the values are dropped and the others scaled so that the mean is kept.
fn check<const PERCENT: u32>(scale: f32) {
    let mask = mask(&mut build::<Dropout<PERCENT>>(1, "dropout", 0).unwrap());
    assert!(mask.iter().all(|&value| value == 0.0 || value == scale));
    let dropped = mask.iter().filter(|&&value| value == 0.0).count() as f64 / mask.len() as f64;
    assert!(
        (dropped - f64::from(PERCENT) / 100.0).abs() < 0.015,
        "{dropped} dropped"
    );
}

#[test]
fn drops_its_share_and_scales_the_rest() {
    check::<0>(1.0);
    check::<20>(1.25);
    check::<50>(2.0);
    check::<75>(4.0);
}

#[test]
fn inference_passes_everything() {
    let layer: Dropout<50> = build(1, "dropout", 0).unwrap();
    assert_eq!(layer.forward(ones()).as_vec(), ones().as_vec());
    assert_eq!(layer.masks, 0);
}

#[test]
fn steps_and_layers_draw_different_masks_and_the_same_state_the_same_mask() {
    let mut layer: Dropout<50> = build(1, "a.dropout", 0).unwrap();
    let first = mask(&mut layer);
    let resumed_from = layer.clone();
    let second = mask(&mut layer);
    assert_eq!(layer.masks, 2);
    assert_ne!(first, second);
    assert_eq!(second, mask(&mut resumed_from.clone()));
    assert_eq!(first, mask(&mut build::<Dropout<50>>(1, "a.dropout", 0).unwrap()));
    assert_ne!(first, mask(&mut build::<Dropout<50>>(1, "b.dropout", 0).unwrap()));
    assert_ne!(first, mask(&mut build::<Dropout<50>>(2, "a.dropout", 0).unwrap()));
}

#[test]
fn gradients_pass_where_values_did() {
    let x = ones();
    let mut layer: Dropout<50> = build(1, "dropout", 0).unwrap();
    let y = layer.forward_mut(x.leaky_trace());
    let mask = y.as_vec();
    let gradient = y.mean().backward().get(&x).as_vec();
    let share = 1.0 / mask.len() as f32;
    assert!(
        gradient
            .iter()
            .zip(&mask)
            .all(|(gradient, mask)| *gradient == mask * share)
    );
}
