//! How the learning rate falls.

use serde::{Deserialize, Serialize};

/// How the learning rate falls while training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Schedule {
    /// Keras' `ExponentialDecay(staircase=True)`:
    /// `rate(step) = rate(0) · decay^⌊step / (every_epochs · max(1, ⌊N / batch⌋))⌋` for N training images.
    Staircase {
        /// Factor of each fall, in (0, 1].
        decay: f64,
        /// Epochs between two falls.
        every_epochs: usize,
    },
    /// The learning rate of the first step throughout.
    Constant,
}

impl Default for Schedule {
    /// The notebooks' values.
    fn default() -> Self {
        Self::Staircase {
            decay: 0.94,
            every_epochs: 2,
        }
    }
}

impl Schedule {
    /// The learning rate of step `step` (counted from 0 through all epochs), for `images` training images.
    ///
    /// An epoch counts as `⌊images / batch⌋` steps here, as in the notebooks, although its last, smaller batch is a step
    /// too: a fall comes a little before its epoch ends.
    pub fn rate(&self, initial: f64, step: u64, images: usize, batch: usize) -> f64 {
        match *self {
            Self::Constant => initial,
            Self::Staircase { decay, every_epochs } => {
                let steps = (every_epochs as u64)
                    .saturating_mul((images / batch.max(1)).max(1) as u64)
                    .max(1);
                initial * decay.powf((step / steps) as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn the_staircase_falls_every_two_times_the_whole_batches_of_an_epoch() {
        let schedule = Schedule::default();
        // 14,034 images in batches of 70: 200 whole batches, so the first fall comes after 400 steps of 201 an epoch.
        let rate = |step| schedule.rate(0.045, step, 14_034, 70);
        assert_eq!(rate(0), 0.045);
        assert_eq!(rate(399), 0.045);
        assert_eq!(rate(400), 0.045 * 0.94);
        assert_eq!(rate(1_200), 0.045 * 0.94f64.powf(3.0));
    }

    #[test]
    fn fewer_images_than_a_batch_count_as_one_batch() {
        assert_eq!(Schedule::default().rate(1.0, 1, 10, 70), 1.0);
        assert_eq!(Schedule::default().rate(1.0, 2, 10, 70), 0.94);
    }

    #[test]
    fn constant_stays() {
        assert_eq!(Schedule::Constant.rate(0.1, 1_000_000, 10, 1), 0.1);
    }
}
