//! From logits to classes with probabilities.

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
    fn the_likeliest_class_comes_first_and_of_equals_the_first() {
        assert_eq!(ranking(&[0.5, 2.0, -1.0, 2.0]), [1, 3, 0, 2]);
    }
}
