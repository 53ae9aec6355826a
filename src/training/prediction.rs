//! From logits to classes with probabilities.

/// The most classes that a [`Prediction`] names.
const NAMED: usize = 5;

/// What one image of a split was taken for.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image's index in its split.
    pub image: usize,
    /// The likeliest classes, at most five, the likeliest first.
    pub classes: Vec<usize>,
    /// Probability of the first of them.
    pub probability: f64,
}

impl Prediction {
    /// From the logits of an image.
    pub fn of(image: usize, logits: &[f32]) -> Self {
        let mut classes = ranking(logits);
        classes.truncate(NAMED);
        Self {
            image,
            probability: probabilities(logits).into_iter().fold(0.0, f64::max),
            classes,
        }
    }
}

/// Whether one image's logits are finite numbers, and so far from the largest number that probabilities can be computed.
pub fn are_finite(logits: &[f32]) -> bool {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter().all(|logit| (logit - largest).is_finite())
}

/// The softmax of one image's logits.
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The classes' indices, the largest logit first; of equal logits the first class comes first.
pub fn ranking(logits: &[f32]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..logits.len()).collect();
    classes.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one_however_large_the_logits_are() {
        let [a, b] = probabilities(&[1000.0, 1000.0 + 3_f32.ln()])[..] else {
            panic!("two classes have two probabilities");
        };
        assert!((a - 0.25).abs() < 1e-4 && (a + b - 1.0).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn logits_are_finite_only_if_all_are_and_their_differences_too() {
        assert!(are_finite(&[0.0, -1e38, 1e38]));
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(
                !are_finite(&[0.0, wrong]) && !are_finite(&[wrong, 0.0]) && !are_finite(&[wrong, wrong]),
                "{wrong}"
            );
        }
        assert!(!are_finite(&[3e38, -3e38]));
    }

    #[test]
    fn a_prediction_names_the_five_likeliest_classes_and_the_probability_of_the_first() {
        let prediction = Prediction::of(7, &[0.0, 3.0, 1.0, -1.0, 2.0, -2.0]);
        assert_eq!((prediction.image, &prediction.classes[..]), (7, &[1, 4, 2, 0, 3][..]));
        assert_eq!(
            prediction.probability,
            probabilities(&[0.0, 3.0, 1.0, -1.0, 2.0, -2.0])[1]
        );
    }

    #[test]
    fn the_likeliest_class_comes_first_and_of_equals_the_first() {
        assert_eq!(ranking(&[0.5, 2.0, -1.0, 2.0]), [1, 3, 0, 2]);
    }
}
