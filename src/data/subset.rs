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

/// `(rest, held out)`, both sorted: `fraction` of all indices, rounded, is held out, each class in proportion, and never
/// a whole class.
pub(super) fn hold_out(classes: &[Vec<usize>], fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let (mut rest, mut held_out) = (Vec::new(), Vec::new());
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let shares = shares(&sizes, fraction.clamp(0.0, 1.0), seed);
    for (class, share) in shuffled(classes, "hold-out", seed).into_iter().zip(shares) {
        let (out, stay) = class.split_at(share);
        held_out.extend_from_slice(out);
        rest.extend_from_slice(stay);
    }
    rest.sort_unstable();
    held_out.sort_unstable();
    (rest, held_out)
}

/// How many of each class are held out, by largest remainders: the whole part of each class's quota, and what is then
/// missing of the rounded sum one by one to those that lost most by it; `seed` decides among equals.
///
/// A quota leaves one of its class, and so does the next whole number: a quota that is all but one has no remainder.
fn shares(sizes: &[usize], fraction: f64, seed: u64) -> Vec<usize> {
    let quota = |size: &usize| (*size as f64 * fraction).clamp(0.0, size.saturating_sub(1) as f64);
    let quotas: Vec<f64> = sizes.iter().map(quota).collect();
    let mut shares: Vec<usize> = quotas.iter().map(|quota| *quota as usize).collect();
    let wanted = quotas.iter().sum::<f64>().round() as usize;
    let missing = wanted.saturating_sub(shares.iter().sum());
    let mut in_turn: Vec<usize> = (0..sizes.len()).collect();
    in_turn.shuffle(&mut stream(seed, "hold-out remainders", &[]));
    in_turn.sort_by(|&a, &b| quotas[b].fract().total_cmp(&quotas[a].fract()));
    for class in in_turn.into_iter().take(missing) {
        shares[class] += 1;
    }
    shares
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
    fn a_fraction_that_is_not_one_image_of_any_class_is_still_one_of_all_together() {
        let few: Vec<Vec<usize>> = (0..30)
            .map(|class| vec![3 * class, 3 * class + 1, 3 * class + 2])
            .collect();
        let (rest, held_out) = hold_out(&few, 0.1, 0);
        assert_eq!((rest.len(), held_out.len()), (81, 9));
        let classes = |chosen: &[usize]| chosen.iter().map(|index| index / 3).collect::<Vec<_>>();
        let mut chosen = classes(&held_out);
        assert_eq!(chosen, classes(&hold_out(&few, 0.1, 0).1));
        assert_ne!(chosen, classes(&hold_out(&few, 0.1, 1).1));
        chosen.dedup();
        assert_eq!(chosen.len(), 9, "no class gives a second one before all have given one");
    }

    #[test]
    fn remainders_are_given_to_the_classes_that_lost_most_and_never_the_last_image_of_one() {
        for (sizes, fraction, expected) in [
            (vec![10, 3, 7], 0.25, vec![2, 1, 2]),
            (vec![1, 1, 5], 0.4, vec![0, 0, 2]),
            (vec![1, 2, 3], 0.9, vec![0, 1, 2]),
            (vec![0, 4], 0.5, vec![0, 2]),
            (vec![100; 3], 0.29, vec![29; 3]),
        ] {
            assert_eq!(shares(&sizes, fraction, 0), expected, "{sizes:?}");
        }
        for size in 1..200 {
            for fraction in [0.1, 0.3, 0.5, 0.999_999_999, 1.0] {
                assert!(
                    shares(&[size, 1, size], fraction, 0)
                        .into_iter()
                        .all(|share| share < size.max(2))
                );
            }
        }
    }

    #[test]
    fn a_hold_out_of_everything_leaves_one_training_image_of_every_class() {
        let (rest, _) = hold_out(&classes(), 1.0, 1);
        assert_eq!(counts(&rest), [1, 1, 1]);
        assert!(hold_out(&classes(), f64::NAN, 1).1.is_empty());
    }
}
