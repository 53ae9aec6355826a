//! How good a model is on a split: loss, Top-1, Top-5.

use std::ops::ControlFlow;

use dfdx::prelude::CpuError;
use thiserror::Error;

use super::model::Model;
use super::prediction::are_finite;
use crate::data::{DataError, Loader, LoaderOptions, Order, Split};
use crate::kernels::cross_entropy;

/// Sums over images that have been classified.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evaluation {
    /// Images so far.
    pub images: u64,
    /// Sum of the images' losses.
    pub loss_sum: f64,
    /// Images whose class has the largest logit.
    pub top1: u64,
    /// Images whose class is among the five largest logits.
    pub top5: u64,
}

/// Why a split could not be evaluated.
#[derive(Debug, Error)]
pub enum EvaluationError {
    /// An image could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network could not run.
    #[error("the network could not run: {0}")]
    Network(CpuError),
    /// What the network says of an image is not a finite number.
    #[error("what the network says of '{image}' is not a finite number")]
    NotFinite {
        /// The image's name.
        image: String,
    },
}

impl Evaluation {
    /// Adds a batch's logits (`batch × classes`).
    pub fn add(&mut self, logits: &[f32], labels: &[usize]) {
        let classes = logits.len() / labels.len().max(1);
        if classes == 0 {
            return;
        }
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let rank = rank(row, label);
            self.top1 += u64::from(rank < 1);
            self.top5 += u64::from(rank < 5);
        }
        self.images += labels.len() as u64;
        let losses = cross_entropy::losses(logits, labels, classes);
        self.loss_sum += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
    }

    /// Mean loss over the images.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.images as f64
    }

    /// Share of images whose class has the largest logit.
    pub fn accuracy(&self) -> f64 {
        self.top1 as f64 / self.images as f64
    }

    /// Share of images whose class is among the five largest logits.
    pub fn top5_accuracy(&self) -> f64 {
        self.top5 as f64 / self.images as f64
    }
}

/// How many classes come before `label`: those with a larger logit, and those with an equal one and a smaller index.
/// With a logit that is not a number nothing is right.
fn rank(logits: &[f32], label: usize) -> usize {
    let own = logits[label];
    if logits.iter().any(|logit| logit.is_nan()) {
        return logits.len().max(5);
    }
    logits
        .iter()
        .enumerate()
        .filter(|&(class, &logit)| logit > own || (logit == own && class < label))
        .count()
}

/// Gets the indices and logits of each batch; a break ends the evaluation.
pub type Visit<'a> = dyn FnMut(&[usize], &[f32]) -> ControlFlow<()> + 'a;

/// Classifies a whole split in inference mode. `visit` gets each batch's indices and logits, and may end the evaluation:
/// the result is then `None`.
pub fn evaluate(
    model: &mut dyn Model,
    split: &Split,
    batch_size: usize,
    visit: &mut Visit<'_>,
) -> Result<Option<Evaluation>, EvaluationError> {
    let options = LoaderOptions {
        image_size: model.image_size(),
        batch_size,
        order: Order::Sequential,
        augmentation: None,
        seed: 0,
        epoch: 0,
        first_batch: 0,
    };
    let mut evaluation = Evaluation::default();
    for batch in Loader::new(split, options)? {
        let batch = batch?;
        let logits = model
            .logits(batch.images, batch.labels.len())
            .map_err(EvaluationError::Network)?;
        if let Some(place) = not_finite(&logits, batch.labels.len()) {
            let image = split.name(batch.indices[place]);
            return Err(EvaluationError::NotFinite { image });
        }
        evaluation.add(&logits, &batch.labels);
        if visit(&batch.indices, &logits).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(evaluation))
}

/// The first of so many images whose logits are not finite numbers.
fn not_finite(logits: &[f32], images: usize) -> Option<usize> {
    let classes = logits.len() / images.max(1);
    let mut rows = logits.chunks_exact(classes.max(1));
    rows.position(|row| !are_finite(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_with_logits_that_are_no_numbers_is_found() {
        assert_eq!(not_finite(&[1.0, 2.0, 3.0, 4.0, 5.0, f32::NAN], 3), Some(2));
        assert_eq!(not_finite(&[1.0, 2.0, f32::INFINITY, 4.0, 5.0, 6.0], 2), Some(0));
        // Only together are they too far apart for a softmax.
        assert_eq!(not_finite(&[1.0, 2.0, -3e38, 3e38], 2), Some(1));
        assert_eq!(not_finite(&[1.0, 2.0, 3.0, 4.0], 2), None);
        assert_eq!(not_finite(&[], 0), None);
    }

    #[test]
    fn accuracies_count_images_whose_class_is_among_the_largest_logits() {
        let mut evaluation = Evaluation::default();
        let logits = [3.0, 1.0, 0.0, -1.0, -2.0, -3.0, 3.0, 1.0, 0.0, -1.0, -2.0, -3.0];
        evaluation.add(&logits, &[0, 5]);
        assert_eq!((evaluation.images, evaluation.top1, evaluation.top5), (2, 1, 1));
        assert_eq!((evaluation.accuracy(), evaluation.top5_accuracy()), (0.5, 0.5));
    }

    #[test]
    fn of_equal_logits_the_first_class_wins() {
        let mut evaluation = Evaluation::default();
        evaluation.add(&[1.0, 1.0, 1.0, 1.0], &[0, 1]);
        assert_eq!(evaluation.top1, 1);
    }

    #[test]
    fn logits_that_are_no_numbers_are_never_right() {
        let mut evaluation = Evaluation::default();
        evaluation.add(&[f32::NAN, f32::NAN], &[0]);
        assert_eq!((evaluation.top1, evaluation.top5), (0, 0));
    }
}
