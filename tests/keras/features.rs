//! Feature maps in inference mode.

use wise_srnet::experiment::HeadKind;

use crate::formula;
use crate::golden::{Golden, Worst};
use crate::networks::{NETWORKS, network};

/// Of a map's largest value.
const TOLERANCE: f64 = 1e-4;

fn assert_equal_maps(size: usize) {
    for name in NETWORKS {
        let mut golden = Golden::open(&format!("features-{name}-{size}"));
        let (seed, batch) = (golden.seed(), golden.count("batch"));
        let mut model = network(name, size, HeadKind::Gap, 1, seed);
        let images = formula::images(seed, &format!("images {size}"), batch, size);
        let maps = model.features(images, batch).unwrap();
        let [_, _, channels] = model.feature_map();
        let mut worst = Worst::default();
        let deviation = golden.tensors("maps").compare("maps", &maps);
        worst.add("values", deviation.relative());
        let by_channel = golden.tensors("channels");
        for (name, ours) in [("means", means(&maps, channels)), ("maxima", maxima(&maps, channels))] {
            worst.add(name, by_channel.compare(name, &ours).difference / deviation.largest);
        }
        worst.assert_within(TOLERANCE, &format!("feature maps of {name} at {size}, batch {batch}"));
    }
}

fn means(maps: &[f32], channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; channels];
    for pixel in maps.chunks_exact(channels) {
        sums.iter_mut()
            .zip(pixel)
            .for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let pixels = (maps.len() / channels) as f64;
    sums.into_iter().map(|sum| (sum / pixels) as f32).collect()
}

fn maxima(maps: &[f32], channels: usize) -> Vec<f32> {
    let mut maxima = vec![f32::NEG_INFINITY; channels];
    for pixel in maps.chunks_exact(channels) {
        maxima
            .iter_mut()
            .zip(pixel)
            .for_each(|(maximum, &value)| *maximum = maximum.max(value));
    }
    maxima
}

#[test]
fn feature_maps_at_224_are_keras() {
    assert_equal_maps(224);
}

#[test]
fn feature_maps_at_512_are_keras() {
    assert_equal_maps(512);
}
