//! What one plot shows and at which scale: the part of drawing that the image and the page share.

use super::runs::{Curve, HeadRuns, Metric, unbroken};

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

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// The value where the axis begins.
    pub low: f64,
    /// The value where it ends.
    pub high: f64,
    /// The values that are labelled, at even steps.
    pub ticks: Vec<f64>,
    decimals: usize,
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
    pair(
        heads,
        [
            ("Training accuracy", Metric::TrainAccuracy),
            ("Test accuracy", Metric::TestAccuracy),
        ],
    )
}

/// The two loss plots, with scales of their own.
pub fn loss_panels(heads: &[HeadRuns]) -> [Panel; 2] {
    pair(
        heads,
        [("Training loss", Metric::TrainLoss), ("Test loss", Metric::TestLoss)],
    )
}

fn pair(heads: &[HeadRuns], shown: [(&'static str, Metric); 2]) -> [Panel; 2] {
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
fn shown(metric: Metric, value: f64) -> f64 {
    if metric.is_accuracy() { value * 100.0 } else { value }
}

impl Panel {
    /// What stands along the vertical axis.
    pub fn y_label(&self) -> &'static str {
        if self.metric.is_accuracy() {
            "accuracy in %"
        } else {
            "cross-entropy"
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

impl Scale {
    fn of_epochs(last: u64) -> Self {
        if last <= 1 {
            return Self {
                low: 0.0,
                high: 2.0,
                ticks: vec![1.0],
                decimals: 0,
            };
        }
        let last = last as f64;
        let step = nice_step(last, 5.0).max(1.0);
        let mut ticks = multiples(step, step, last);
        if step > 1.0 {
            ticks.insert(0, 1.0);
        }
        Self {
            low: 1.0,
            high: last,
            ticks,
            decimals: 0,
        }
    }

    /// A range around the values in percent, never outside 0…100.
    fn of_percent(values: &[f64]) -> Self {
        let inside: Vec<f64> = values.iter().copied().filter(|v| (0.0..=100.0).contains(v)).collect();
        let (low, high) = range(&inside).unwrap_or((0.0, 100.0));
        let step = nice_step((high - low).max(2.0), 7.0).max(0.5);
        let mut high = ((high / step).ceil() * step).min(100.0);
        let mut low = ((low / step).floor() * step).max(0.0);
        if high - low < step {
            (low, high) = if high + step <= 100.0 {
                (low, high + step)
            } else {
                (low - step, high)
            };
        }
        Self {
            low,
            high,
            ticks: multiples(low, step, high),
            decimals: decimals(step),
        }
    }

    /// From 0 up. A young network's loss can stand far above all that follows; then the scale ends lower and those
    /// values are cut off, so that the rest can be read.
    fn of_loss(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite() && *v >= 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        let highest = sorted.last().copied().unwrap_or(1.0);
        let usual = sorted.get(sorted.len() * 9 / 10).copied().unwrap_or(highest) * 1.5;
        let high = if highest > 2.0 * usual { usual } else { highest }.clamp(1e-9, 1e9);
        let step = nice_step(high, 5.0);
        let high = (high / step).ceil() * step;
        Self {
            low: 0.0,
            high,
            ticks: multiples(0.0, step, high),
            decimals: decimals(step),
        }
    }

    /// A tick's label.
    pub fn label(&self, tick: f64) -> String {
        format!("{tick:.*}", self.decimals)
    }

    /// Where the value lies between the axis' beginning (0) and end (1). Far outside is as good as just outside, which
    /// keeps every coordinate small.
    fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(-1.0, 2.0)
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

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().min_by(f64::total_cmp)?;
    let high = values.iter().copied().max_by(f64::total_cmp)?;
    Some((low, high))
}

/// The step of 1, 2 or 5 times a power of ten that comes nearest to `span / count` from above.
fn nice_step(span: f64, count: f64) -> f64 {
    let rough = span / count;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999)
        .unwrap_or(10.0);
    factor * power
}

/// `first`, `first + step`, … up to `last`; a bounded number whatever the rounding does.
fn multiples(first: f64, step: f64, last: f64) -> Vec<f64> {
    (0..30)
        .map(|n| first + f64::from(n) * step)
        .take_while(|value| *value <= last + step * 1e-6)
        .collect()
}

fn decimals(step: f64) -> usize {
    (0..9)
        .find(|digits| (step * 10_f64.powi(*digits)).fract().abs() < 1e-6)
        .unwrap_or(9) as usize
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::super::runs::group;
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks.iter().map(|tick| scale.label(*tick)).collect()
    }

    #[test]
    fn epochs_have_few_whole_ticks_from_1_to_220() {
        assert_eq!(labels(&Scale::of_epochs(1)), ["1"]);
        assert_eq!(labels(&Scale::of_epochs(3)), ["1", "2", "3"]);
        assert_eq!(labels(&Scale::of_epochs(20)), ["1", "5", "10", "15", "20"]);
        assert_eq!(labels(&Scale::of_epochs(220)), ["1", "50", "100", "150", "200"]);
        assert!(Scale::of_epochs(u64::MAX).ticks.len() < 10);
    }

    #[test]
    fn the_accuracy_scale_holds_the_values_and_stays_within_0_and_100() {
        for values in [
            vec![0.0],
            vec![100.0],
            vec![99.9, 100.0],
            vec![52.0, 71.0],
            vec![0.0, 100.0],
            vec![],
        ] {
            let scale = Scale::of_percent(&values);
            assert!(
                scale.low >= 0.0 && scale.high <= 100.0 && scale.low < scale.high,
                "{values:?} {scale:?}"
            );
            assert!(
                values.iter().all(|v| (scale.low..=scale.high).contains(v)),
                "{values:?} {scale:?}"
            );
            assert!((2..=8).contains(&scale.ticks.len()), "{values:?} {scale:?}");
        }
        assert_eq!(
            labels(&Scale::of_percent(&[52.0, 71.0])),
            ["50", "55", "60", "65", "70", "75"]
        );
    }

    #[test]
    fn one_early_outlier_does_not_flatten_the_loss_curves() {
        let mut values = vec![1.0; 30];
        values[0] = 4000.0;
        assert!(Scale::of_loss(&values).high <= 2.0);
        assert_eq!(Scale::of_loss(&[1.8, 0.4]).high, 2.0);
    }

    #[test]
    fn no_value_makes_an_unusable_scale() {
        for values in [
            vec![],
            vec![0.0],
            vec![f64::NAN],
            vec![f64::INFINITY, 1.0],
            vec![f64::MAX],
            vec![5e-324],
        ] {
            let scale = Scale::of_loss(&values);
            assert!(
                scale.high > 0.0 && scale.high.is_finite() && !scale.ticks.is_empty(),
                "{values:?} {scale:?}"
            );
        }
    }

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
}
