//! Seeded choices among the images of every class: balanced subsets and stratified hold-outs, over indices alone.

use rand::seq::SliceRandom;

use crate::random::stream;

/// At most `limit` indices, taken one class after the other in turn; sorted.
pub(super) fn balanced(classes: &[Vec<usize>], limit: usize, seed: u64) -> Vec<usize> {
    let shuffled = shuffled(classes, "subset", seed);
    let rounds = shuffled.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|round| shuffled.iter().filter_map(move |class| class.get(round)));
    let mut chosen: Vec<usize> = in_turn.take(limit).copied().collect();
    chosen.sort_unstable();
    chosen
}

/// `(rest, held out)`, both sorted: of every class `fraction` of its indices, rounded, is held out, but never all.
pub(super) fn hold_out(classes: &[Vec<usize>], fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let (mut rest, mut held_out) = (Vec::new(), Vec::new());
    for class in shuffled(classes, "hold-out", seed) {
        let wanted = (class.len() as f64 * fraction.clamp(0.0, 1.0)).round() as usize;
        let (out, stay) = class.split_at(wanted.min(class.len().saturating_sub(1)));
        held_out.extend_from_slice(out);
        rest.extend_from_slice(stay);
    }
    rest.sort_unstable();
    held_out.sort_unstable();
    (rest, held_out)
}

/// Every class in an order of its own stream, so that one class's images don't change another's choice.
fn shuffled(classes: &[Vec<usize>], purpose: &str, seed: u64) -> Vec<Vec<usize>> {
    let mut shuffled = classes.to_vec();
    for (class, indices) in shuffled.iter_mut().enumerate() {
        indices.shuffle(&mut stream(seed, purpose, &[class as u64]));
    }
    shuffled
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three classes of 10, 3 and 7 images.
    fn classes() -> Vec<Vec<usize>> {
        vec![(0..10).collect(), (10..13).collect(), (13..20).collect()]
    }

    fn counts(chosen: &[usize]) -> Vec<usize> {
        classes()
            .iter()
            .map(|class| class.iter().filter(|index| chosen.contains(index)).count())
            .collect()
    }

    #[test]
    fn a_balanced_subset_takes_equally_from_every_class_until_one_runs_out() {
        assert_eq!(counts(&balanced(&classes(), 6, 0)), [2, 2, 2]);
        assert_eq!(counts(&balanced(&classes(), 13, 0)), [5, 3, 5]);
        assert_eq!(counts(&balanced(&classes(), 100, 0)), [10, 3, 7]);
        assert_eq!(counts(&balanced(&classes(), 0, 0)), [0, 0, 0]);
    }

    #[test]
    fn a_balanced_subset_depends_on_its_seed_and_grows_with_its_limit() {
        let small = balanced(&classes(), 6, 3);
        assert_eq!(small, balanced(&classes(), 6, 3));
        assert_ne!(small, balanced(&classes(), 6, 4));
        let large = balanced(&classes(), 9, 3);
        assert!(small.iter().all(|index| large.contains(index)));
    }

    #[test]
    fn a_hold_out_is_stratified_and_disjoint_from_the_rest() {
        let (rest, held_out) = hold_out(&classes(), 0.3, 1);
        assert_eq!(counts(&held_out), [3, 1, 2]);
        assert_eq!(counts(&rest), [7, 2, 5]);
        let mut all = [rest, held_out].concat();
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_hold_out_of_everything_leaves_one_training_image_of_every_class() {
        let (rest, _) = hold_out(&classes(), 1.0, 1);
        assert_eq!(counts(&rest), [1, 1, 1]);
        assert!(hold_out(&classes(), f64::NAN, 1).1.is_empty());
    }
}
