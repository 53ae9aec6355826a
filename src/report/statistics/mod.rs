//! Tests of the difference between two classifiers that saw the same images: exact McNemar over the images of one seed,
//! with a bootstrap interval, and Student's paired t over several seeds.
//!
//! The values are compared with those of SciPy and statsmodels, see `tools/statistics_reference.py`.

mod bootstrap;
mod mcnemar;
mod paired_t;

pub use bootstrap::bootstrap_interval;
pub use mcnemar::mcnemar_exact;
pub use paired_t::paired_t;

/// Images that only one of two classifiers gets right, among all that both classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Discordant {
    /// Right by the first classifier alone.
    pub only_first: u64,
    /// Right by the second alone.
    pub only_second: u64,
    /// All images.
    pub images: u64,
}

impl Discordant {
    /// Counts pairs of answers, each right or not.
    pub fn of(answers: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self {
            only_first: 0,
            only_second: 0,
            images: 0,
        };
        for (first, second) in answers {
            counts.images += 1;
            counts.only_first += u64::from(first && !second);
            counts.only_second += u64::from(second && !first);
        }
        counts
    }
}

#[cfg(test)]
pub(super) fn reference(test: &str) -> Vec<serde_json::Value> {
    let all: serde_json::Value = serde_json::from_str(include_str!("reference.json")).unwrap();
    all[test].as_array().unwrap().clone()
}
