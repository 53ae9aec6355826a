//! Student's t test of paired differences.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// What the differences of several pairs say about their mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedT {
    /// The mean's 95 % confidence interval.
    pub interval: (f64, f64),
    /// How likely, if there were no difference, a mean at least as far from 0 would be (two-sided).
    pub p: f64,
}

/// The test from the differences' mean, their sample standard deviation and their number; none for fewer than two, or
/// where all are equal.
pub fn paired_t(mean: f64, deviation: f64, pairs: usize) -> Option<PairedT> {
    if pairs < 2 || deviation <= 0.0 || !mean.is_finite() || !deviation.is_finite() {
        return None;
    }
    let student = StudentsT::new(0.0, 1.0, (pairs - 1) as f64).ok()?;
    let error = deviation / (pairs as f64).sqrt();
    let reach = student.inverse_cdf(0.975) * error;
    Some(PairedT {
        interval: (mean - reach, mean + reach),
        p: 2.0 * student.sf((mean / error).abs()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::summary::Estimate;
    use super::super::reference;
    use super::*;

    #[test]
    fn p_values_and_intervals_are_those_of_scipy() {
        for case in reference("paired_t") {
            let differences = case["differences"].as_array().unwrap().iter();
            let estimate = Estimate::of(differences.map(|value| value.as_f64().unwrap())).unwrap();
            let test = paired_t(estimate.mean, estimate.deviation.unwrap(), estimate.seeds).unwrap();
            let found = [test.p, test.interval.0, test.interval.1];
            for (value, key) in found.into_iter().zip(["p", "low", "high"]) {
                let expected = case[key].as_f64().unwrap();
                assert!(
                    (value - expected).abs() <= 1e-7 * expected.abs().max(1e-3),
                    "{key}: {value} {case}"
                );
            }
        }
    }

    #[test]
    fn one_pair_and_equal_differences_are_not_tested() {
        assert_eq!(paired_t(0.1, 0.0, 3), None);
        assert_eq!(paired_t(0.1, 0.05, 1), None);
        assert_eq!(paired_t(f64::NAN, 0.05, 3), None);
    }
}
