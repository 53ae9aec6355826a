//! Softmax and categorical cross-entropy from logits (Keras `CategoricalCrossentropy` behind a softmax).

/// Turns each row of logits into probabilities, in place.
pub fn softmax(logits: &mut [f32], classes: usize) {
    for row in logits.chunks_exact_mut(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|logit| *logit = (*logit - largest).exp());
        let total: f32 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= total);
    }
}

/// `ln Σ exp(logits) − logit of the label` for each image.
pub fn losses(logits: &[f32], labels: &[usize], classes: usize) -> Vec<f32> {
    let rows = logits.chunks_exact(classes).zip(labels);
    rows.map(|(row, &label)| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
        total.ln() - (row[label] - largest)
    })
    .collect()
}

/// The mean of the images' losses.
pub fn mean_loss(logits: &[f32], labels: &[usize], classes: usize) -> f32 {
    let losses = losses(logits, labels, classes);
    let total: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
    (total / losses.len() as f64) as f32
}

/// The gradient of the mean loss: `(softmax(logits) − one_hot(label)) / batch`, times `scale`.
pub fn gradient(logits: &[f32], labels: &[usize], classes: usize, scale: f32) -> Vec<f32> {
    let mut gradient = logits.to_vec();
    softmax(&mut gradient, classes);
    let share = scale / labels.len() as f32;
    for (row, &label) in gradient.chunks_exact_mut(classes).zip(labels) {
        row[label] -= 1.0;
        row.iter_mut().for_each(|value| *value *= share);
    }
    gradient
}
