//! The paired bootstrap: how far would a difference in accuracy move with other test images of the same kind?

use rand::SeedableRng;
use rand::distributions::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_distr::Binomial;

use super::Discordant;

const RESAMPLES: usize = 10_000;
/// Any number does: fixed, so that a report drawn again says the same.
const SEED: u64 = 0x0057_1dea;

/// The 95 % percentile interval of the first classifier's accuracy minus the second's, as a fraction, over 10,000
/// resamples of the images; none without images. An image's pair of answers is kept together, so a resample is known by how
/// many of its images are of either discordant kind.
pub fn bootstrap_interval(counts: Discordant) -> Option<(f64, f64)> {
    let images = counts.images;
    if images == 0 {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let first = Binomial::new(images, share(counts.only_first, images)).ok()?;
    let second_share = share(counts.only_second, images - counts.only_first.min(images));
    let mut differences = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let only_first = first.sample(&mut random);
        let only_second = Binomial::new(images - only_first, second_share)
            .ok()?
            .sample(&mut random);
        differences.push((only_first as f64 - only_second as f64) / images as f64);
    }
    differences.sort_by(f64::total_cmp);
    Some((percentile(&differences, 0.025), percentile(&differences, 0.975)))
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        (part as f64 / whole as f64).min(1.0)
    }
}

/// Between the two nearest of the sorted values.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn intervals_are_those_of_scipy_up_to_the_resampling() {
        for case in reference("bootstrap") {
            let count = |key: &str| case[key].as_u64().unwrap();
            let images = count("images");
            let interval = bootstrap_interval(Discordant {
                only_first: count("only_first"),
                only_second: count("only_second"),
                images,
            });
            let (low, high) = interval.unwrap();
            // A resample's difference moves in steps of one image: two steps, or a twentieth of the width.
            let (expected_low, expected_high) = (case["low"].as_f64().unwrap(), case["high"].as_f64().unwrap());
            let tolerance = (2.0 / images as f64).max(0.05 * (expected_high - expected_low));
            assert!((low - expected_low).abs() <= tolerance, "{low} {case}");
            assert!((high - expected_high).abs() <= tolerance, "{high} {case}");
        }
    }

    #[test]
    fn the_interval_is_the_same_every_time_and_none_without_images() {
        let counts = Discordant {
            only_first: 30,
            only_second: 20,
            images: 600,
        };
        assert_eq!(bootstrap_interval(counts), bootstrap_interval(counts));
        assert_eq!(bootstrap_interval(Discordant { images: 0, ..counts }), None);
    }

    #[test]
    fn classifiers_that_never_differ_have_an_interval_of_nothing() {
        let counts = Discordant::of([(true, true), (false, false)]);
        assert_eq!(bootstrap_interval(counts), Some((0.0, 0.0)));
    }
}
