//! Random streams keyed by what they are for. A stream's key is the ChaCha key itself, so that a draw depends on
//! (purpose, seed, epoch, image) alone and never on which thread came first.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a random stream is for: streams of different purposes are independent even where their other keys agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The order of the images within an epoch.
    Order = 1,
    /// The parameters of one image's augmentation.
    Augmentation = 2,
    /// The choice of a class-balanced subset.
    Subset = 3,
    /// The choice of a validation set.
    HoldOut = 4,
    /// The scene of a generated training image.
    GeneratedTrain = 5,
    /// The scene of a generated test image.
    GeneratedTest = 6,
}

/// The random stream of `(purpose, seed, first, second)`; the last two are the epoch and the image, or zero.
pub fn stream(purpose: Purpose, seed: u64, first: u64, second: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([purpose as u64, seed, first, second]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_stream_repeats_for_equal_keys_and_differs_when_any_part_of_the_key_differs() {
        let draw = |purpose, seed, first, second| stream(purpose, seed, first, second).r#gen::<u64>();
        let reference = draw(Purpose::Order, 1, 2, 3);
        assert_eq!(reference, draw(Purpose::Order, 1, 2, 3));
        for other in [
            draw(Purpose::Subset, 1, 2, 3),
            draw(Purpose::Order, 0, 2, 3),
            draw(Purpose::Order, 1, 0, 3),
            draw(Purpose::Order, 1, 2, 0),
        ] {
            assert_ne!(reference, other);
        }
    }
}
