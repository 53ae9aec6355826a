//! Mean categorical cross-entropy of a softmax.

pub struct CrossEntropy<'a> {
    pub classes: usize,
    pub labels: &'a [usize],
}

impl CrossEntropy<'_> {
    pub fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        logits
            .chunks_exact(self.classes)
            .flat_map(|row| {
                let total: f64 = row.iter().map(|logit| logit.exp()).sum();
                row.iter().map(move |logit| logit.exp() / total)
            })
            .collect()
    }

    /// One loss an image.
    pub fn losses(&self, logits: &[f64]) -> Vec<f64> {
        let probabilities = self.probabilities(logits);
        let rows = probabilities.chunks_exact(self.classes).zip(self.labels);
        rows.map(|(row, &label)| -row[label].ln()).collect()
    }

    pub fn mean(&self, logits: &[f64]) -> f64 {
        self.losses(logits).iter().sum::<f64>() / self.labels.len() as f64
    }

    /// The gradient of the mean.
    pub fn gradient(&self, logits: &[f64]) -> Vec<f64> {
        let mut gradient = self.probabilities(logits);
        for (row, &label) in gradient.chunks_exact_mut(self.classes).zip(self.labels) {
            row[label] -= 1.0;
        }
        gradient.iter().map(|value| value / self.labels.len() as f64).collect()
    }
}
