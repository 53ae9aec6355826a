//! Weights and inputs that both sides compute: `tools/reference/formula.py` in Rust, bit for bit.

use crc32fast::hash;

/// `count` 32-bit numbers: MurmurHash3's finalizer over a Weyl sequence that starts at the CRC-32 of seed and key.
pub fn hashes(seed: u64, key: &str, count: usize) -> impl Iterator<Item = u32> + use<> {
    let start = hash(format!("{seed}/{key}").as_bytes());
    (0..count as u32).map(move |number| {
        let mut x = number.wrapping_mul(0x9E37_79B9).wrapping_add(start);
        x ^= x >> 16;
        x = x.wrapping_mul(0x85EB_CA6B);
        x ^= x >> 13;
        x = x.wrapping_mul(0xC2B2_AE35);
        x ^ (x >> 16)
    })
}

/// Uniform in [-1, 1), exact in 32-bit floating point.
pub fn noise(seed: u64, key: &str, count: usize) -> impl Iterator<Item = f32> + use<> {
    hashes(seed, key, count).map(|hash| (hash >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

/// Images with the range of preprocessed ones, and more contrast between regions than between neighbours.
pub fn images(seed: u64, key: &str, batch: usize, size: usize) -> Vec<f32> {
    let mut images = vec![0.0; batch * size * size * 3];
    for (cell, contrast) in [(32, 64.0), (8, 32.0), (1, 32.0)] {
        let across = size / cell;
        let cells: Vec<f32> = noise(seed, &format!("{key} {cell}"), batch * across * across * 3).collect();
        for (place, value) in images.iter_mut().enumerate() {
            let (channel, pixel) = (place % 3, place / 3);
            let (column, row, image) = (pixel % size, pixel / size % size, pixel / size / size);
            *value += contrast * cells[((image * across + row / cell) * across + column / cell) * 3 + channel];
        }
    }
    images
}

/// 8-bit values.
pub fn pixels(seed: u64, key: &str, count: usize) -> Vec<u8> {
    hashes(seed, key, count).map(|hash| (hash >> 24) as u8).collect()
}

/// Fills a parameter by its name `layer.variable`: kernels within the limits of glorot_uniform, all else near its usual
/// start. Shifts of batch normalisations are near `beta`, and near -`beta` in every fourth channel.
pub fn fill(seed: u64, key: &str, shape: &[usize], values: &mut [f32], beta: f32) {
    let noise = noise(seed, key, values.len());
    let variable = key.rsplit('.').next().unwrap();
    let (offset, scale) = match variable {
        "gamma" => (1.0, 0.1),
        "beta" => (beta, 0.1),
        "moving_variance" => (1.0, 0.2),
        kernel if kernel.ends_with("kernel") => {
            // A depthwise kernel has three axes here; Keras' fourth is of size 1.
            let (pixels, channels) = match *shape {
                [height, width, channels] => (height * width, channels + 1),
                // A head's last layer is to Keras one matrix.
                [ref inputs @ .., outputs] if key.starts_with("head.") => {
                    (1, inputs.iter().product::<usize>() + outputs)
                }
                [ref pixels @ .., inputs, outputs] => (pixels.iter().product(), inputs + outputs),
                _ => (1, 1),
            };
            (0.0, (6.0 / (pixels * channels) as f64).sqrt() as f32)
        }
        _ => (0.0, 0.1),
    };
    for (place, (value, noise)) in values.iter_mut().zip(noise).enumerate() {
        let sign = if variable == "beta" && place % 4 == 3 {
            -1.0
        } else {
            1.0
        };
        *value = sign * offset + scale * noise;
    }
}
