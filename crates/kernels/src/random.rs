//! Random streams and their keys: a stream depends on the experiment's seed, on what it is for, and on where it is used
//! (epoch, image, parameter), never on what was drawn before or by which thread.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random stream of `purpose` at `place` under `seed`: streams whose keys differ in any of the three are independent.
pub fn stream(seed: u64, purpose: &str, place: &[u64]) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(key(seed, purpose, place))
}

/// A 64-bit key for the stream of `purpose` at `place` (an epoch, an image, …) under `seed`.
///
/// Text is hashed by FNV-1a; each number is then mixed in by SplitMix64's finalizer, which changes about half of the
/// bits for any change of its input.
pub fn key(seed: u64, purpose: &str, place: &[u64]) -> u64 {
    let text = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    std::iter::once(&seed)
        .chain(place)
        .fold(text, |key, &number| mix(key ^ mix(number)))
}

fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::{key, stream};

    #[test]
    fn a_stream_repeats_for_the_same_key_and_differs_for_another() {
        let draw = |seed, purpose, place: &[u64]| stream(seed, purpose, place).r#gen::<u64>();
        assert_eq!(draw(1, "shuffle", &[2, 3]), draw(1, "shuffle", &[2, 3]));
        assert_ne!(draw(1, "shuffle", &[2, 3]), draw(1, "shuffle", &[3, 2]));
    }

    #[test]
    fn keys_differ_in_seed_purpose_and_place() {
        let keys = [
            key(0, "shuffle", &[1]),
            key(1, "shuffle", &[1]),
            key(0, "augmentation", &[1]),
            key(0, "shuffle", &[2]),
            key(0, "shuffle", &[1, 0]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key));
        }
        assert_eq!(key(7, "shuffle", &[3]), key(7, "shuffle", &[3]));
    }
}
