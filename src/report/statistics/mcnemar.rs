//! McNemar's test: do two classifiers differ on the same images?

use statrs::distribution::{Binomial, DiscreteCDF};

use super::Discordant;

/// The exact two-sided test: if both classifiers were equally good, how likely would the images that only one of them gets
/// right be divided at least as unevenly as they are? 1 where there is no such image.
pub fn mcnemar_exact(counts: Discordant) -> f64 {
    let fewer = counts.only_first.min(counts.only_second);
    let all = counts.only_first + counts.only_second;
    Binomial::new(0.5, all).map_or(1.0, |binomial| (2.0 * binomial.cdf(fewer)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn p_values_are_those_of_statsmodels() {
        for case in reference("mcnemar") {
            let count = |key: &str| case[key].as_u64().unwrap();
            let p = mcnemar_exact(Discordant {
                only_first: count("only_first"),
                only_second: count("only_second"),
                images: count("images"),
            });
            let expected = case["p"].as_f64().unwrap();
            assert!((p - expected).abs() <= 1e-9 * expected.max(1e-6), "{p} {case}");
        }
    }
}
