//! The axes of the plots: where each begins and ends, and the few round values that are labelled.

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

impl Scale {
    /// From the first epoch to the last, with whole ticks.
    pub fn of_epochs(last: u64) -> Self {
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
    pub fn of_percent(values: &[f64]) -> Self {
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
    pub fn of_loss(values: &[f64]) -> Self {
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
    pub fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(-1.0, 2.0)
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
}
