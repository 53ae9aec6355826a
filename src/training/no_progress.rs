//! Runs that finish their epochs without learning anything: a wrong learning rate or wrong labels, found after a few epochs
//! instead of after days.

use std::fmt;

use super::fit::Scores;

/// Epochs that a run is given: the first one's loss is what the last `PATIENCE` ones are compared with.
const PATIENCE: usize = 5;

/// How a run fails to learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoProgress {
    /// The training loss has been no lower than the first epoch's in each of the last epochs.
    Loss {
        /// The first epoch's loss.
        first: f64,
    },
    /// The training accuracy of the last epochs together is one that always guessing the same class would reach.
    Accuracy {
        /// Mean over the last epochs.
        accuracy: f64,
        /// The share of the most frequent class among the training images.
        chance: f64,
    },
}

impl NoProgress {
    /// Judges a run by the training scores of its epochs so far, over `images` images each, of which the most frequent
    /// class has the share `chance`. A run of fewer than six epochs is not judged.
    ///
    /// An accuracy counts as chance up to two standard errors above it.
    pub fn of(epochs: &[Scores], images: usize, chance: f64) -> Option<Self> {
        let (first, rest) = epochs.split_first()?;
        let last = &rest[rest.len().checked_sub(PATIENCE)?..];
        if last.iter().all(|epoch| epoch.loss >= first.loss) {
            return Some(Self::Loss { first: first.loss });
        }
        let accuracy = last.iter().map(|epoch| epoch.accuracy).sum::<f64>() / PATIENCE as f64;
        let error = (chance * (1.0 - chance) / (PATIENCE * images.max(1)) as f64).sqrt();
        (accuracy <= chance + 2.0 * error).then_some(Self::Accuracy { accuracy, chance })
    }
}

impl fmt::Display for NoProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss { first } => write!(
                f,
                "the training loss of each of the last {PATIENCE} epochs is no lower than the first epoch's ({first:.4})"
            )?,
            Self::Accuracy { accuracy, chance } => write!(
                f,
                "the training accuracy of the last {PATIENCE} epochs ({:.1} %) is no better than always guessing the most \
                 frequent class ({:.1} %)",
                100.0 * accuracy,
                100.0 * chance
            )?,
        }
        f.write_str(": check the labels and the learning rate")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(losses: &[f64], accuracy: f64) -> Option<NoProgress> {
        let epochs = losses.iter().map(|&loss| Scores {
            loss,
            accuracy,
            top5_accuracy: None,
        });
        NoProgress::of(&epochs.collect::<Vec<_>>(), 1_000, 0.25)
    }

    #[test]
    fn a_loss_that_never_falls_below_the_first_is_told_after_six_epochs() {
        assert_eq!(judge(&[1.0; 5], 0.9), None);
        assert_eq!(judge(&[1.0; 6], 0.9), Some(NoProgress::Loss { first: 1.0 }));
        assert_eq!(
            judge(&[1.0, 0.5, 1.0, 2.0, 1.0, 1.5, 1.1], 0.9),
            Some(NoProgress::Loss { first: 1.0 })
        );
        assert_eq!(judge(&[1.0, 2.0, 2.0, 2.0, 2.0, 0.9], 0.9), None);
        assert_eq!(judge(&[], 0.9), None);
    }

    #[test]
    fn an_accuracy_at_chance_is_told_even_if_the_loss_falls() {
        let falling: Vec<f64> = (0..9).map(|epoch| 2.0 - 0.1 * f64::from(epoch)).collect();
        let at = |accuracy| judge(&falling, accuracy).is_some();
        assert!(
            at(0.0) && at(0.25) && at(0.26),
            "0.25 and two standard errors of 0.0061"
        );
        assert!(!at(0.27));
        assert!(judge(&falling[..5], 0.25).is_none(), "too early");
        let said = judge(&falling, 0.25).unwrap().to_string();
        assert!(said.contains("(25.0 %) is no better than always guessing"), "{said}");
    }
}
