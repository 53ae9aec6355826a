//! Which classes are taken for which.

/// Counts of images by their class and the class that they were taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion(Vec<Vec<u64>>);

impl Confusion {
    /// Of no images yet.
    pub fn new(classes: usize) -> Self {
        Self(vec![vec![0; classes]; classes])
    }

    /// Adds a batch's logits (`batch × classes`). Of equal logits the first class is taken; an image with a logit that is
    /// not a number is taken for none.
    pub fn add(&mut self, logits: &[f32], labels: &[usize]) {
        let classes = self.0.len();
        if classes == 0 {
            return;
        }
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            if row.iter().any(|logit| logit.is_nan()) {
                continue;
            }
            let taken_for = (0..classes).rev().max_by(|&a, &b| row[a].total_cmp(&row[b]));
            if let Some(taken_for) = taken_for {
                self.0[label][taken_for] += 1;
            }
        }
    }

    /// A row for each class, a column for each class that its images were taken for.
    pub fn rows(&self) -> &[Vec<u64>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_classes_and_columns_what_they_were_taken_for() {
        let mut confusion = Confusion::new(3);
        confusion.add(&[0.0, 2.0, 1.0, 5.0, 2.0, 1.0], &[0, 0]);
        confusion.add(&[1.0, 1.0, 0.0], &[2]);
        assert_eq!(confusion.rows(), [[1, 1, 0], [0, 0, 0], [1, 0, 0]]);
    }

    #[test]
    fn logits_that_are_no_numbers_count_for_no_class() {
        let mut confusion = Confusion::new(2);
        confusion.add(&[f32::NAN, 1.0], &[1]);
        assert_eq!(confusion.rows(), [[0, 0], [0, 0]]);
    }
}
