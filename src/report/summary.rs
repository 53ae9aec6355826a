//! The figures of the report's table: best and last test accuracy of each head, and its difference to GAP, seed by
//! seed, because runs of one seed start from the same backbone and see the same images.

use super::epoch_row::EpochRow;
use super::predictions::RunPredictions;
use super::runs::{HeadRuns, Metric, Run};
use super::statistics::{Discordant, bootstrap_interval, mcnemar_exact, paired_t};

/// A mean over seeds with the sample standard deviation, which takes two seeds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Sample standard deviation (divisor n − 1).
    pub deviation: Option<f64>,
    /// Number of seeds.
    pub seeds: usize,
}

/// How 'best' was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The highest accuracy on the test split itself, as the paper's notebooks do: optimistic.
    TestSplit,
    /// The test accuracy at the epoch with the highest validation accuracy.
    ValidationSplit,
}

/// One head set against GAP over the seeds that both have, each at the last epoch that both finished.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
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
    /// What a test says of the last accuracy's difference; absent where nothing can be tested.
    pub test: Option<Test>,
    /// For each common seed, when both heads first reached GAP's best accuracy.
    pub reached: Vec<Reached>,
}

/// What a test says of a difference in accuracy.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Test {
    /// The difference's 95 % confidence interval, as a fraction.
    pub interval: (f64, f64),
    /// How likely so large a difference would be if there were none.
    pub p: f64,
    /// How both were computed.
    pub method: Method,
}

/// How a difference was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Method {
    /// Exact McNemar test and paired bootstrap over the test images of one seed; first is the head, second is GAP.
    McNemar(Discordant),
    /// Student's t test of the differences of several seeds.
    #[serde(rename = "paired_t")]
    PairedT,
}

/// When the runs of one seed first had GAP's best test accuracy of that seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reached {
    /// The seed.
    pub seed: u64,
    /// The head's epoch; none if it never reached it.
    pub head: Option<u64>,
    /// GAP's own epoch.
    pub gap: u64,
}

/// The figures of one head; what has no finite value is absent.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HeadSummary {
    /// Name of the head.
    pub head: String,
    /// Test accuracy after the last epoch of each run.
    pub last: Option<Estimate>,
    /// Best test accuracy of each run, see [`Selection`].
    pub best: Option<Estimate>,
    /// Top-5 accuracy after the last epoch of each run.
    pub last_top5: Option<Estimate>,
    /// Top-5 accuracy at the best epoch of each run.
    pub best_top5: Option<Estimate>,
    /// The comparison with GAP; absent for GAP itself and without a common seed.
    pub against_gap: Option<AgainstGap>,
    /// Mean time of an epoch.
    pub seconds: Option<f64>,
}

/// The figures of a whole history.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
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

/// Computes the figures of all heads. What the test images were taken for at the end of each run may be missing: then
/// runs of a single seed are not tested.
pub fn summarise(heads: &[HeadRuns], predictions: &[RunPredictions]) -> Summary {
    let runs = || heads.iter().flat_map(|head| &head.runs);
    let selection = match runs().all(has_validation) {
        true if runs().next().is_some() => Selection::ValidationSplit,
        _ => Selection::TestSplit,
    };
    let gap = heads.iter().find(|head| head.head == GAP && !head.runs.is_empty());
    let first_end = runs().next().map(Run::last_epoch);
    Summary {
        heads: heads
            .iter()
            .map(|head| summarise_head(head, gap, selection, predictions))
            .collect(),
        selection,
        has_gap: gap.is_some(),
        same_length: runs().all(|run| Some(run.last_epoch()) == first_end),
    }
}

fn summarise_head(
    head: &HeadRuns,
    gap: Option<&HeadRuns>,
    selection: Selection,
    predictions: &[RunPredictions],
) -> HeadSummary {
    let whole = |of: fn(&Run, u64, Selection) -> Option<f64>| {
        Estimate::of(head.runs.iter().filter_map(|run| of(run, u64::MAX, selection)))
    };
    let last_top5 = head.runs.iter().filter_map(|run| run.rows.last()?.test_top5_accuracy);
    let best_top5 = head
        .runs
        .iter()
        .filter_map(|run| best_row(run, u64::MAX, selection)?.test_top5_accuracy);
    let seconds = head.runs.iter().flat_map(|run| &run.rows).map(|row| row.seconds);
    HeadSummary {
        head: head.head.clone(),
        last: whole(|run, epoch, _| last_until(run, epoch)),
        best: whole(best_until),
        last_top5: Estimate::of(last_top5),
        best_top5: Estimate::of(best_top5),
        against_gap: gap
            .filter(|_| head.head != GAP)
            .and_then(|gap| compare(head, gap, selection, predictions)),
        seconds: Estimate::of(seconds).map(|estimate| estimate.mean),
    }
}

/// Test accuracy of one seed, with one head and with GAP, at their last common epoch.
struct Pair {
    seed: u64,
    epoch: u64,
    reached: Option<Reached>,
    last: (f64, f64),
    best: (f64, f64),
}

fn compare(
    head: &HeadRuns,
    gap: &HeadRuns,
    selection: Selection,
    predictions: &[RunPredictions],
) -> Option<AgainstGap> {
    let pair = |run: &Run| {
        let gap = gap.runs.iter().find(|other| other.seed == run.seed)?;
        let epoch = run.last_epoch().min(gap.last_epoch());
        let last = (last_until(run, epoch)?, last_until(gap, epoch)?);
        let best = (best_until(run, epoch, selection)?, best_until(gap, epoch, selection)?);
        Some(Pair {
            seed: run.seed,
            epoch,
            reached: reached(run, gap),
            last,
            best,
        })
    };
    let pairs: Vec<Pair> = head.runs.iter().filter_map(pair).collect();
    let differences = || pairs.iter().map(|pair| pair.last.0 - pair.last.1);
    let last = Estimate::of(differences())?;
    let test = match &pairs[..] {
        [pair] => test_images(&head.head, pair, predictions),
        _ => test_seeds(last),
    };
    Some(AgainstGap {
        last,
        test,
        reached: pairs.iter().filter_map(|pair| pair.reached).collect(),
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

/// Tests one seed's difference over the images, where it is known what both heads took them for at the epochs that are
/// compared.
fn test_images(head: &str, pair: &Pair, predictions: &[RunPredictions]) -> Option<Test> {
    let of = |head: &str, accuracy: f64| {
        let own = |run: &&RunPredictions| run.head == head && run.seed == pair.seed && run.is_of(accuracy);
        predictions.iter().find(own)
    };
    let (head, gap) = (of(head, pair.last.0)?, of(GAP, pair.last.1)?);
    if !head.is_comparable(gap) {
        return None;
    }
    let counts = Discordant::of(head.paired_answers(gap));
    Some(Test {
        interval: bootstrap_interval(counts)?,
        p: mcnemar_exact(counts),
        method: Method::McNemar(counts),
    })
}

fn test_seeds(differences: Estimate) -> Option<Test> {
    let test = paired_t(differences.mean, differences.deviation?, differences.seeds)?;
    Some(Test {
        interval: test.interval,
        p: test.p,
        method: Method::PairedT,
    })
}

/// When the two runs of a seed first had the highest test accuracy that GAP had in any epoch.
fn reached(run: &Run, gap: &Run) -> Option<Reached> {
    let goal = best_until(gap, u64::MAX, Selection::TestSplit)?;
    let first = |run: &Run| Some(run.rows.iter().find(|row| row.test_accuracy >= goal)?.epoch);
    Some(Reached {
        seed: run.seed,
        head: first(run),
        gap: first(gap)?,
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

/// Best test accuracy over the epochs up to `epoch`.
pub fn best_until(run: &Run, epoch: u64, selection: Selection) -> Option<f64> {
    Some(best_row(run, epoch, selection)?.test_accuracy)
}

/// The best of the epochs up to `epoch`, the first of equals.
fn best_row(run: &Run, epoch: u64, selection: Selection) -> Option<&EpochRow> {
    let judged = |row: &EpochRow| match selection {
        Selection::TestSplit => Some(row.test_accuracy),
        Selection::ValidationSplit => row.validation_accuracy.filter(|accuracy| accuracy.is_finite()),
    };
    let rows = run
        .rows
        .iter()
        .filter(|row| row.epoch <= epoch && row.test_accuracy.is_finite());
    let judged = rows.filter_map(|row| Some((judged(row)?, row)));
    judged.rev().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, row)| row)
}

fn has_validation(run: &Run) -> bool {
    run.rows
        .iter()
        .any(|row| row.validation_accuracy.is_some_and(f64::is_finite))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{close, row};
    use super::super::predictions::PredictedImage;
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
        let summary = summarise(&group([], &rows), &[]);
        let (best, last) = (head(&summary, "gap").best.unwrap(), head(&summary, "gap").last.unwrap());
        assert!(close(best.mean, 0.55) && close(best.deviation.unwrap(), 0.005_f64.sqrt()));
        assert!(close(last.mean, 0.5) && close(last.deviation.unwrap(), 0.02_f64.sqrt()));
        assert_eq!(summary.selection, Selection::TestSplit);
    }

    #[test]
    fn one_seed_has_no_deviation() {
        let summary = summarise(&group([], &[row("gap", 0, 1, 0.5)]), &[]);
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
        let summary = summarise(&group([], &rows), &[]);
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
        let summary = summarise(&group([], &rows), &[]);
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
        let summary = summarise(&group([], &rows), &[]);
        assert!(!head(&summary, "wise_srnet").against_gap.as_ref().unwrap().seeds_agree);
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let summary = summarise(
            &group([], &[row("gap", 0, 1, f64::NAN), row("wise_srnet", 0, 1, 0.5)]),
            &[],
        );
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

    /// What 100 images were taken for, of which the classifier gets these right.
    fn predicted(head: &str, right: std::ops::Range<usize>) -> RunPredictions {
        let image = |image: usize| PredictedImage {
            image: image.to_string(),
            class: "sea".to_owned(),
            taken_for: vec![if right.contains(&image) { "sea" } else { "ice" }.to_owned()],
            probability: 0.5,
        };
        RunPredictions {
            head: head.to_owned(),
            seed: 0,
            epoch: 1,
            images: (0..100).map(image).collect(),
        }
    }

    #[test]
    fn one_seed_is_tested_over_its_images() {
        let heads = group([], &[row("gap", 0, 1, 0.5), row("wise_srnet", 0, 1, 0.6)]);
        let predictions = [predicted("gap", 0..50), predicted("wise_srnet", 10..70)];
        let summary = summarise(&heads, &predictions);
        let test = head(&summary, "wise_srnet").against_gap.as_ref().unwrap().test.unwrap();
        let counts = Discordant {
            only_first: 20,
            only_second: 10,
            images: 100,
        };
        assert_eq!(test.method, Method::McNemar(counts));
        assert_eq!(test.p, mcnemar_exact(counts));
        assert!(test.interval.0 < 0.1 && 0.1 < test.interval.1);
    }

    #[test]
    fn predictions_of_another_epoch_or_of_other_images_are_not_tested() {
        let heads = group([], &[row("gap", 0, 1, 0.5), row("wise_srnet", 0, 1, 0.6)]);
        let tested = |gap: RunPredictions, wise: RunPredictions| {
            let summary = summarise(&heads, &[gap, wise]);
            head(&summary, "wise_srnet")
                .against_gap
                .as_ref()
                .unwrap()
                .test
                .is_some()
        };
        assert!(tested(predicted("gap", 0..50), predicted("wise_srnet", 0..60)));
        assert!(!tested(predicted("gap", 0..50), predicted("wise_srnet", 0..61)));
        let mut renamed = predicted("gap", 0..50);
        renamed.images[99].image = "another".to_owned();
        assert!(!tested(renamed, predicted("wise_srnet", 0..60)));
    }

    #[test]
    fn several_seeds_are_tested_by_the_t_of_their_differences() {
        let rows = [0.02, 0.015, 0.04].into_iter().zip(0..);
        let rows = rows.flat_map(|(d, seed)| [row("gap", seed, 1, 0.5), row("wise_srnet", seed, 1, 0.5 + d)]);
        let summary = summarise(&group([], &rows.collect::<Vec<_>>()), &[]);
        let against = head(&summary, "wise_srnet").against_gap.as_ref().unwrap();
        let test = against.test.unwrap();
        assert_eq!(test.method, Method::PairedT);
        assert!(test.interval.0 < against.last.mean && against.last.mean < test.interval.1 && test.p < 0.1);
    }

    #[test]
    fn convergence_is_when_each_seed_first_has_gaps_best_accuracy() {
        let curve = |head: &'static str, seed, accuracies: [f64; 3]| {
            (1..).zip(accuracies).map(move |(e, a)| row(head, seed, e, a))
        };
        let rows: Vec<_> = curve("gap", 0, [0.4, 0.6, 0.5])
            .chain(curve("gap", 1, [0.4, 0.5, 0.7]))
            .chain(curve("wise_srnet", 0, [0.6, 0.6, 0.9]))
            .chain(curve("wise_srnet", 1, [0.5, 0.5, 0.5]))
            .collect();
        let summary = summarise(&group([], &rows), &[]);
        let reached = |seed, head, gap| Reached { seed, head, gap };
        assert_eq!(
            head(&summary, "wise_srnet").against_gap.as_ref().unwrap().reached,
            [reached(0, Some(1), 2), reached(1, None, 3)]
        );
    }

    #[test]
    fn no_rows_give_no_figures() {
        let summary = summarise(&group(["gap", "wise_srnet"], &[]), &[]);
        assert!(
            summary
                .heads
                .iter()
                .all(|head| head.last.is_none() && head.best.is_none())
        );
        assert!(!summary.has_gap && summary.selection == Selection::TestSplit);
    }
}
