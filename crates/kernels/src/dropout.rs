//! Dropout's masks: a factor for each value.

use rand::Rng;

use crate::element::Element;
use crate::random;

/// Draws the mask number `drawn` of a layer's random stream: 0 for `percent` % of the values, and `1 / (1 − percent/100)`
/// for the others.
pub fn draw<T: Element>(mask: &mut [T], percent: u32, seed: u64, drawn: u64) {
    let mut stream = random::stream(seed, "dropout", &[drawn]);
    let rate = f64::from(percent) / 100.0;
    let scale = T::narrow((1.0 / (1.0 - rate)) as f32);
    mask.fill_with(|| {
        if stream.gen_bool(1.0 - rate) {
            scale
        } else {
            T::default()
        }
    });
}
