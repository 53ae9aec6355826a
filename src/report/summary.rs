//! The figures of the report's table: best and last test accuracy of each head, and its difference to GAP, seed by
//! seed, because runs of one seed start from the same backbone and see the same images.

use super::runs::{HeadRuns, Metric, Run};

/// A mean over seeds with the sample standard deviation, which takes two seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Sample standard deviation (divisor n − 1).
    pub deviation: Option<f64>,
    /// Number of seeds.
    pub seeds: usize,
}

/// How 'best' was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The highest accuracy on the test split itself, as the paper's notebooks do: optimistic.
    TestSplit,
    /// The test accuracy at the epoch with the highest validation accuracy.
    ValidationSplit,
}

/// One head set against GAP over the seeds that both have, each at the last epoch that both finished.
#[derive(Clone, Debug, PartialEq)]
pub struct AgainstGap {
    /// Last accuracy minus GAP's, as a fraction.
    pub last: Estimate,
    /// Best accuracy minus GAP's, as a fraction.
    pub best: Estimate,
    /// Mean of the head's own last accuracies.
    pub accuracy: f64,
    /// Mean of GAP's last accuracies.
    pub gap_accuracy: f64,
    /// The first and the last of the epochs at which seeds were compared.
    pub epochs: (u64, u64),
    /// Whether the last accuracy differs in the same direction for every seed.
    pub seeds_agree: bool,
}

/// The figures of one head; what has no finite value is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadSummary {
    /// Name of the head.
    pub head: String,
    /// Test accuracy after the last epoch of each run.
    pub last: Option<Estimate>,
    /// Best test accuracy of each run, see [`Selection`].
    pub best: Option<Estimate>,
    /// The comparison with GAP; absent for GAP itself and without a common seed.
    pub against_gap: Option<AgainstGap>,
    /// Mean time of an epoch.
    pub seconds: Option<f64>,
}

/// The figures of a whole history.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// One entry per head, in the order of the report.
    pub heads: Vec<HeadSummary>,
    /// How 'best' was chosen.
    pub selection: Selection,
    /// Whether GAP has a run to compare with.
    pub has_gap: bool,
    /// Whether all runs ended at the same epoch.
    pub same_length: bool,
}

/// The name of the head that all others are compared with.
pub const GAP: &str = "gap";

/// The name of the paper's own head: the result names it even where another one leads.
pub const WISE_SRNET: &str = "wise_srnet";

impl Estimate {
    /// Mean and deviation of the finite `values`; none where there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let seeds = values.len();
        if seeds == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / seeds as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (seeds > 1).then(|| (squares / (seeds - 1) as f64).sqrt());
        Some(Self { mean, deviation, seeds })
    }
}

/// Computes the figures of all heads.
pub fn summarise(heads: &[HeadRuns]) -> Summary {
    let runs = || heads.iter().flat_map(|head| &head.runs);
    let selection = match runs().all(has_validation) {
        true if runs().next().is_some() => Selection::ValidationSplit,
        _ => Selection::TestSplit,
    };
    let gap = heads.iter().find(|head| head.head == GAP && !head.runs.is_empty());
    let first_end = runs().next().map(Run::last_epoch);
    Summary {
        heads: heads.iter().map(|head| summarise_head(head, gap, selection)).collect(),
        selection,
        has_gap: gap.is_some(),
        same_length: runs().all(|run| Some(run.last_epoch()) == first_end),
    }
}

fn summarise_head(head: &HeadRuns, gap: Option<&HeadRuns>, selection: Selection) -> HeadSummary {
    let whole = |of: fn(&Run, u64, Selection) -> Option<f64>| {
        Estimate::of(head.runs.iter().filter_map(|run| of(run, u64::MAX, selection)))
    };
    let seconds = head.runs.iter().flat_map(|run| &run.rows).map(|row| row.seconds);
    HeadSummary {
        head: head.head.clone(),
        last: whole(|run, epoch, _| last_until(run, epoch)),
        best: whole(best_until),
        against_gap: gap
            .filter(|_| head.head != GAP)
            .and_then(|gap| compare(head, gap, selection)),
        seconds: Estimate::of(seconds).map(|estimate| estimate.mean),
    }
}

/// Test accuracy of one seed, with one head and with GAP, at their last common epoch.
struct Pair {
    epoch: u64,
    last: (f64, f64),
    best: (f64, f64),
}

fn compare(head: &HeadRuns, gap: &HeadRuns, selection: Selection) -> Option<AgainstGap> {
    let pair = |run: &Run| {
        let gap = gap.runs.iter().find(|other| other.seed == run.seed)?;
        let epoch = run.last_epoch().min(gap.last_epoch());
        let last = (last_until(run, epoch)?, last_until(gap, epoch)?);
        let best = (best_until(run, epoch, selection)?, best_until(gap, epoch, selection)?);
        Some(Pair { epoch, last, best })
    };
    let pairs: Vec<Pair> = head.runs.iter().filter_map(pair).collect();
    let differences = || pairs.iter().map(|pair| pair.last.0 - pair.last.1);
    Some(AgainstGap {
        last: Estimate::of(differences())?,
        best: Estimate::of(pairs.iter().map(|pair| pair.best.0 - pair.best.1))?,
        accuracy: Estimate::of(pairs.iter().map(|pair| pair.last.0))?.mean,
        gap_accuracy: Estimate::of(pairs.iter().map(|pair| pair.last.1))?.mean,
        epochs: (
            pairs.iter().map(|p| p.epoch).min()?,
            pairs.iter().map(|p| p.epoch).max()?,
        ),
        seeds_agree: differences().all(|d| d > 0.0) || differences().all(|d| d < 0.0),
    })
}

/// Head and seed of the runs that ended in values that are not finite. A metric that no run recorded, as in a history
/// from elsewhere, counts against none.
pub fn diverged(heads: &[HeadRuns]) -> Vec<(&str, u64)> {
    let runs = || {
        heads
            .iter()
            .flat_map(|head| head.runs.iter().map(|run| (head.head.as_str(), run)))
    };
    let mut metrics = vec![
        Metric::TrainAccuracy,
        Metric::TestAccuracy,
        Metric::TrainLoss,
        Metric::TestLoss,
    ];
    metrics.retain(|metric| runs().any(|(_, run)| run.rows.iter().any(|row| metric.of(row).is_finite())));
    let ended_badly = |run: &Run| {
        run.rows
            .last()
            .is_some_and(|row| metrics.iter().any(|metric| !metric.of(row).is_finite()))
    };
    runs()
        .filter(|(_, run)| ended_badly(run))
        .map(|(head, run)| (head, run.seed))
        .collect()
}

/// Test accuracy at the last epoch up to `epoch`; none where it is not finite.
pub fn last_until(run: &Run, epoch: u64) -> Option<f64> {
    let row = run.rows.iter().rfind(|row| row.epoch <= epoch)?;
    Some(row.test_accuracy).filter(|value| value.is_finite())
}

/// Best test accuracy over the epochs up to `epoch`. On the validation split the first of equal epochs counts.
pub fn best_until(run: &Run, epoch: u64, selection: Selection) -> Option<f64> {
    let rows = run
        .rows
        .iter()
        .filter(|row| row.epoch <= epoch && row.test_accuracy.is_finite());
    match selection {
        Selection::TestSplit => rows.map(|row| row.test_accuracy).max_by(f64::total_cmp),
        Selection::ValidationSplit => rows
            .filter_map(|row| Some((row.validation_accuracy.filter(|v| v.is_finite())?, row.test_accuracy)))
            .rev()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, test)| test),
    }
}

fn has_validation(run: &Run) -> bool {
    run.rows
        .iter()
        .any(|row| row.validation_accuracy.is_some_and(f64::is_finite))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{close, row};
    use super::super::runs::group;
    use super::*;

    fn head<'a>(summary: &'a Summary, name: &str) -> &'a HeadSummary {
        summary.heads.iter().find(|head| head.head == name).unwrap()
    }

    #[test]
    fn best_and_last_are_means_over_seeds_with_the_sample_deviation() {
        let rows = [
            row("gap", 0, 1, 0.5),
            row("gap", 0, 2, 0.4),
            row("gap", 1, 1, 0.2),
            row("gap", 1, 2, 0.6),
        ];
        let summary = summarise(&group([], &rows));
        let (best, last) = (head(&summary, "gap").best.unwrap(), head(&summary, "gap").last.unwrap());
        assert!(close(best.mean, 0.55) && close(best.deviation.unwrap(), 0.005_f64.sqrt()));
        assert!(close(last.mean, 0.5) && close(last.deviation.unwrap(), 0.02_f64.sqrt()));
        assert_eq!(summary.selection, Selection::TestSplit);
    }

    #[test]
    fn one_seed_has_no_deviation() {
        let summary = summarise(&group([], &[row("gap", 0, 1, 0.5)]));
        assert_eq!(
            head(&summary, "gap").last,
            Some(Estimate {
                mean: 0.5,
                deviation: None,
                seeds: 1
            })
        );
    }

    #[test]
    fn with_a_validation_split_best_is_the_test_accuracy_at_its_first_best_epoch() {
        let mut rows: Vec<_> = [(1, 0.5), (2, 0.7), (3, 0.9)]
            .map(|(e, a)| row("gap", 0, e, a))
            .to_vec();
        for (row, validation) in rows.iter_mut().zip([0.3, 0.8, 0.8]) {
            row.validation_accuracy = Some(validation);
        }
        let summary = summarise(&group([], &rows));
        assert_eq!(summary.selection, Selection::ValidationSplit);
        assert_eq!(head(&summary, "gap").best.unwrap().mean, 0.7);
    }

    #[test]
    fn a_difference_to_gap_pairs_seeds_at_their_last_common_epoch() {
        let rows = [
            row("gap", 0, 1, 0.50),
            row("gap", 0, 2, 0.90),
            row("gap", 7, 1, 0.10),
            row("wise_srnet", 0, 1, 0.75),
            row("wise_srnet", 8, 1, 0.99),
        ];
        let summary = summarise(&group([], &rows));
        let against = head(&summary, "wise_srnet").against_gap.as_ref().unwrap();
        assert_eq!(
            (against.last.mean, against.last.seeds, against.epochs),
            (0.25, 1, (1, 1))
        );
        assert!(!summary.same_length && head(&summary, "gap").against_gap.is_none());
    }

    #[test]
    fn seeds_that_point_in_different_directions_do_not_agree() {
        let rows = [
            row("gap", 0, 1, 0.5),
            row("gap", 1, 1, 0.5),
            row("wise_srnet", 0, 1, 0.6),
            row("wise_srnet", 1, 1, 0.45),
        ];
        let summary = summarise(&group([], &rows));
        assert!(!head(&summary, "wise_srnet").against_gap.as_ref().unwrap().seeds_agree);
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let summary = summarise(&group([], &[row("gap", 0, 1, f64::NAN), row("wise_srnet", 0, 1, 0.5)]));
        assert_eq!(head(&summary, "gap").last, None);
        assert_eq!(head(&summary, "wise_srnet").against_gap, None);
        assert!(summary.has_gap);
    }

    #[test]
    fn a_run_that_ends_in_a_loss_that_is_no_number_is_named_and_metrics_never_recorded_are_not() {
        let mut rows = [row("gap", 0, 1, 0.5), row("gap", 1, 1, 0.5)];
        rows.iter_mut().for_each(|row| row.train_loss = f64::NAN);
        rows[1].test_loss = f64::INFINITY;
        assert_eq!(diverged(&group([], &rows)), [("gap", 1)]);
    }

    #[test]
    fn no_rows_give_no_figures() {
        let summary = summarise(&group(["gap", "wise_srnet"], &[]));
        assert!(
            summary
                .heads
                .iter()
                .all(|head| head.last.is_none() && head.best.is_none())
        );
        assert!(!summary.has_gap && summary.selection == Selection::TestSplit);
    }
}
