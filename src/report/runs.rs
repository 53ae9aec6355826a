//! Rows of a history, grouped into runs and heads: what the curves draw and the summary counts.

use std::collections::BTreeMap;

use super::epoch_row::EpochRow;

/// One head trained from one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Seed of the run.
    pub seed: u64,
    /// Its rows by epoch, one each; where a history repeats an epoch, the later line counts.
    pub rows: Vec<EpochRow>,
}

/// All runs of one head.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadRuns {
    /// Name of the head.
    pub head: String,
    /// Its runs by seed, each with at least one row.
    pub runs: Vec<Run>,
}

/// A curve: epoch and value, in order. A value that is not finite is a gap.
pub type Curve = Vec<(u64, f64)>;

/// A column of the history that is drawn over epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Accuracy over the epoch's own, augmented images.
    TrainAccuracy,
    /// Accuracy on the test split.
    TestAccuracy,
    /// Mean cross-entropy over the epoch's own, augmented images.
    TrainLoss,
    /// Mean cross-entropy on the test split.
    TestLoss,
    /// Learning rate of the epoch's last step.
    LearningRate,
}

impl Metric {
    /// The metric's value in one row.
    pub fn of(self, row: &EpochRow) -> f64 {
        match self {
            Self::TrainAccuracy => row.train_accuracy,
            Self::TestAccuracy => row.test_accuracy,
            Self::TrainLoss => row.train_loss,
            Self::TestLoss => row.test_loss,
            Self::LearningRate => row.learning_rate,
        }
    }

    /// Whether the metric is a fraction that is shown in percent.
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::TrainAccuracy | Self::TestAccuracy)
    }
}

impl Run {
    /// The metric over the run's epochs.
    pub fn curve(&self, metric: Metric) -> Curve {
        self.rows.iter().map(|row| (row.epoch, metric.of(row))).collect()
    }

    /// The last epoch that the run finished.
    pub fn last_epoch(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.epoch)
    }
}

impl HeadRuns {
    /// The metric of all runs of the head, for the epochs that all of them finished: what is said of changing company
    /// would jump without any run doing so.
    fn common_epochs(&self, metric: Metric) -> impl Iterator<Item = (u64, Vec<f64>)> {
        let mut by_epoch: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (epoch, value) in self.runs.iter().flat_map(|run| run.curve(metric)) {
            by_epoch.entry(epoch).or_default().push(value);
        }
        let count = self.runs.len();
        by_epoch.into_iter().filter(move |(_, values)| values.len() == count)
    }

    /// The metric's mean over all runs of the head, for the epochs that all of them finished.
    pub fn mean_curve(&self, metric: Metric) -> Curve {
        self.common_epochs(metric)
            .map(|(epoch, values)| (epoch, values.iter().sum::<f64>() / values.len() as f64))
            .collect()
    }

    /// Epoch, lowest and highest value of the metric over the head's runs, for the epochs that all of them finished
    /// with a finite value. Empty with fewer than two runs.
    pub fn range_curve(&self, metric: Metric) -> Vec<(u64, f64, f64)> {
        self.common_epochs(metric)
            .filter(|(_, values)| values.len() > 1 && values.iter().all(|value| value.is_finite()))
            .map(|(epoch, values)| {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                (epoch, low, values.into_iter().fold(f64::NEG_INFINITY, f64::max))
            })
            .collect()
    }
}

/// Rows by epoch, by seed.
type RowsBySeed<'a> = BTreeMap<u64, BTreeMap<u64, &'a EpochRow>>;

/// Groups rows by head and seed. The `planned` heads come first and in their order, even without rows; others follow
/// in the order of their appearance.
pub fn group<'a>(planned: impl IntoIterator<Item = &'a str>, rows: &[EpochRow]) -> Vec<HeadRuns> {
    let mut heads: Vec<(&str, RowsBySeed<'_>)> = Vec::new();
    for name in planned {
        if !heads.iter().any(|(head, _)| *head == name) {
            heads.push((name, BTreeMap::new()));
        }
    }
    for row in rows {
        let place = heads.iter().position(|(head, _)| *head == row.head).unwrap_or_else(|| {
            heads.push((&row.head, BTreeMap::new()));
            heads.len() - 1
        });
        heads[place].1.entry(row.seed).or_default().insert(row.epoch, row);
    }
    let run = |(seed, rows): (u64, BTreeMap<u64, &EpochRow>)| Run {
        seed,
        rows: rows.into_values().cloned().collect(),
    };
    heads
        .into_iter()
        .map(|(head, runs)| HeadRuns {
            head: head.to_string(),
            runs: runs.into_iter().map(run).collect(),
        })
        .collect()
}

/// The stretches of a curve without gaps, each with at least one point.
pub fn unbroken(curve: &Curve) -> impl Iterator<Item = &[(u64, f64)]> {
    curve
        .split(|(_, value)| !value.is_finite())
        .filter(|stretch| !stretch.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::*;

    #[test]
    fn heads_stand_in_the_planned_order_and_runs_by_seed() {
        let rows = [
            row("other", 0, 1, 0.1),
            row("gap", 1, 2, 0.4),
            row("gap", 1, 1, 0.2),
            row("gap", 0, 1, 0.3),
        ];
        let heads = group(["wise_srnet", "gap"], &rows);
        let shape: Vec<_> = heads
            .iter()
            .map(|h| (h.head.as_str(), h.runs.iter().map(|r| r.seed).collect()))
            .collect();
        assert_eq!(shape, [("wise_srnet", vec![]), ("gap", vec![0, 1]), ("other", vec![0])]);
        assert_eq!(heads[1].runs[1].curve(Metric::TestAccuracy), [(1, 0.2), (2, 0.4)]);
    }

    #[test]
    fn a_repeated_epoch_counts_once_with_its_later_line() {
        let heads = group([], &[row("gap", 0, 1, 0.2), row("gap", 0, 1, 0.6)]);
        assert_eq!(heads[0].runs[0].curve(Metric::TestAccuracy), [(1, 0.6)]);
    }

    #[test]
    fn the_mean_ends_where_the_shortest_run_ends() {
        let heads = group(
            [],
            &[row("gap", 0, 1, 0.25), row("gap", 0, 2, 0.9), row("gap", 1, 1, 0.75)],
        );
        assert_eq!(heads[0].mean_curve(Metric::TestAccuracy), [(1, 0.5)]);
    }

    #[test]
    fn a_value_that_is_not_finite_breaks_the_curve() {
        let curve = vec![(1, 0.5), (2, f64::NAN), (3, 0.6), (4, 0.7)];
        assert_eq!(unbroken(&curve).map(<[_]>::len).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(unbroken(&vec![(1, f64::INFINITY)]).count(), 0);
    }
}
