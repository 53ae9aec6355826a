//! What one plot shows and at which scale: the part of drawing that the image and the page share.

use super::runs::{Curve, HeadRuns, Metric, unbroken};
use super::scale::Scale;

/// One plot of a metric over epochs, in the plot's own units: epochs, and percent or nats.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What the plot shows, e.g. "Test accuracy".
    pub title: &'static str,
    /// The column that is drawn.
    pub metric: Metric,
    /// The scale of epochs.
    pub x: Scale,
    /// The scale of the metric.
    pub y: Scale,
    /// Whether some values lie above the scale.
    pub cut_off: bool,
}

/// One unbroken line of a plot; a single point is drawn as a dot.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// The head's place in the report.
    pub head: usize,
    /// A head's mean is bold; its single seeds, where there are several, are not.
    pub bold: bool,
    /// Epoch and value in the plot's units.
    pub points: Vec<(f64, f64)>,
}

/// The range of a head's seeds, from the lowest to the highest.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The head's place in the report.
    pub head: usize,
    /// Its outline in the plot's units: along the highest values and back along the lowest.
    pub outline: Vec<(f64, f64)>,
}

/// Where a plot lies on its canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge of the plotting area.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width of the plotting area.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// The two accuracy plots; they share their scales, so that one can be read against the other.
pub fn accuracy_panels(heads: &[HeadRuns]) -> [Panel; 2] {
    sharing_scales(
        heads,
        [
            ("Training accuracy", Metric::TrainAccuracy),
            ("Test accuracy", Metric::TestAccuracy),
        ],
    )
}

/// The two loss plots; they share their scales too.
pub fn loss_panels(heads: &[HeadRuns]) -> [Panel; 2] {
    sharing_scales(
        heads,
        [("Training loss", Metric::TrainLoss), ("Test loss", Metric::TestLoss)],
    )
}

/// The learning rate's plot.
pub fn learning_rate_panels(heads: &[HeadRuns]) -> [Panel; 1] {
    sharing_scales(heads, [("Learning rate", Metric::LearningRate)])
}

fn sharing_scales<const N: usize>(heads: &[HeadRuns], shown: [(&'static str, Metric); N]) -> [Panel; N] {
    let values: Vec<f64> = shown.iter().flat_map(|(_, metric)| values(heads, *metric)).collect();
    let last_epoch = heads
        .iter()
        .flat_map(|head| &head.runs)
        .map(|run| run.last_epoch())
        .max()
        .unwrap_or(1);
    let y = if shown[0].1.is_accuracy() {
        Scale::of_percent(&values)
    } else {
        Scale::of_loss(&values)
    };
    shown.map(|(title, metric)| Panel {
        title,
        metric,
        x: Scale::of_epochs(last_epoch),
        cut_off: self::values(heads, metric).any(|value| value > y.high),
        y: y.clone(),
    })
}

fn values(heads: &[HeadRuns], metric: Metric) -> impl Iterator<Item = f64> {
    heads
        .iter()
        .flat_map(|head| &head.runs)
        .flat_map(move |run| run.curve(metric))
        .map(move |(_, v)| shown(metric, v))
}

/// A value in the units of its plot.
pub fn shown(metric: Metric, value: f64) -> f64 {
    if metric.is_accuracy() { value * 100.0 } else { value }
}

impl Panel {
    /// What stands along the vertical axis.
    pub fn y_label(&self) -> &'static str {
        match self.metric {
            Metric::TrainAccuracy | Metric::TestAccuracy => "accuracy in %",
            Metric::TrainLoss | Metric::TestLoss => "cross-entropy",
            Metric::LearningRate => "step size",
        }
    }

    /// Decimals with which a value is written.
    pub fn digits(&self) -> usize {
        match self.metric {
            Metric::TrainAccuracy | Metric::TestAccuracy => 1,
            Metric::TrainLoss | Metric::TestLoss => 3,
            Metric::LearningRate => 6,
        }
    }

    /// Whether so many epochs share the width that only fine lines stay apart.
    pub fn is_dense(&self) -> bool {
        self.x.high > 60.0
    }

    /// All lines, thin ones first so that means lie on top, and earlier heads on top of later ones.
    pub fn strokes(&self, heads: &[HeadRuns]) -> Vec<Stroke> {
        let seeds = heads
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, head)| head.runs.len() > 1)
            .flat_map(|(place, head)| {
                head.runs
                    .iter()
                    .flat_map(move |run| self.stretches(place, false, &run.curve(self.metric)))
            });
        let means = heads
            .iter()
            .enumerate()
            .rev()
            .flat_map(|(place, head)| self.stretches(place, true, &self.mean(head)));
        seeds.chain(means).collect()
    }

    /// The range over the seeds of every head that has several.
    pub fn bands(&self, heads: &[HeadRuns]) -> Vec<Band> {
        let band = |(head, runs): (usize, &HeadRuns)| {
            let range = runs.range_curve(self.metric);
            let high = range
                .iter()
                .map(|(epoch, _, high)| (*epoch as f64, shown(self.metric, *high)));
            let low = range
                .iter()
                .rev()
                .map(|(epoch, low, _)| (*epoch as f64, shown(self.metric, *low)));
            let outline: Vec<_> = high.chain(low).collect();
            (range.len() > 1).then_some(Band { head, outline })
        };
        heads.iter().enumerate().rev().filter_map(band).collect()
    }

    /// The points of a mean line that bear the head's marker: those at labelled epochs, and the last.
    pub fn marked(&self, stroke: &Stroke) -> Vec<(f64, f64)> {
        let last = stroke.points.last().map(|(epoch, _)| *epoch);
        let is_marked = |epoch: f64| self.x.ticks.contains(&epoch) || Some(epoch) == last;
        let points = stroke.points.iter().copied();
        points.filter(|(epoch, _)| stroke.bold && is_marked(*epoch)).collect()
    }

    /// The head's mean over its runs.
    pub fn mean(&self, head: &HeadRuns) -> Curve {
        head.mean_curve(self.metric)
    }

    fn stretches(&self, head: usize, bold: bool, curve: &Curve) -> Vec<Stroke> {
        let point = |(epoch, value): &(u64, f64)| (*epoch as f64, shown(self.metric, *value));
        unbroken(curve)
            .map(|points| Stroke {
                head,
                bold,
                points: points.iter().map(point).collect(),
            })
            .collect()
    }
}

impl Frame {
    /// A point of the panel in the canvas' coordinates, y downward.
    pub fn point(&self, panel: &Panel, (epoch, value): (f64, f64)) -> (f64, f64) {
        (self.x(panel, epoch), self.y(panel, value))
    }

    /// The horizontal place of an epoch.
    pub fn x(&self, panel: &Panel, epoch: f64) -> f64 {
        self.left + panel.x.place(epoch) * self.width
    }

    /// The vertical place of a value.
    pub fn y(&self, panel: &Panel, value: f64) -> f64 {
        self.top + (1.0 - panel.y.place(value)) * self.height
    }

    /// The right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::super::runs::group;
    use super::*;

    #[test]
    fn means_are_drawn_over_the_single_seeds() {
        let heads = group(
            [],
            &[
                row("gap", 0, 1, 0.2),
                row("gap", 1, 1, 0.4),
                row("wise_srnet", 0, 1, 0.5),
            ],
        );
        let [_, test] = accuracy_panels(&heads);
        let strokes: Vec<_> = test
            .strokes(&heads)
            .into_iter()
            .map(|s| (s.head, s.bold, s.points[0].1.round()))
            .collect();
        assert_eq!(
            strokes,
            [(0, false, 20.0), (0, false, 40.0), (1, true, 50.0), (0, true, 30.0)]
        );
    }

    #[test]
    fn a_band_runs_along_the_highest_seeds_and_back_along_the_lowest() {
        let rows: Vec<_> = (1..=2)
            .flat_map(|epoch| [row("gap", 0, epoch, 0.25), row("gap", 1, epoch, 0.5)])
            .chain([row("gap", 0, 3, 0.9), row("wise_srnet", 0, 1, 0.5)])
            .collect();
        let heads = group([], &rows);
        let [_, test] = accuracy_panels(&heads);
        let outline = vec![(1.0, 50.0), (2.0, 50.0), (2.0, 25.0), (1.0, 25.0)];
        assert_eq!(test.bands(&heads), [Band { head: 0, outline }]);
    }
}
