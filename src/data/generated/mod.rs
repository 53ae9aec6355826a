//! A data set that the program draws itself, for a first look without a download.
//!
//! Its classes are six spatial arrangements ([`scene::Arrangement`]): four show the same disc and square and differ
//! only by where they are, two show the same three triangles. Sizes, colours, places, background and clutter are random.

mod paint;
mod scene;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::decode::Decoded;
use super::split::{Source, Split};
use super::{DataError, Dataset, LeftOut};
use crate::random::stream;
use scene::{Arrangement, Scene};

/// What a report must say wherever results on the generated data set appear.
const NOTE: &str = "These images were drawn by the program itself. Their classes differ mainly by where shapes are, so \
    a head that keeps positions is favoured by construction; the figures say nothing about photographs.";

/// The numbers of a generated data set, as written in an experiment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedSpec {
    /// Training images of each of the six classes.
    pub train_per_class: usize,
    /// Test images of each of the six classes.
    pub test_per_class: usize,
    /// Height and width of the images, in pixels: 16 to 1024.
    pub image_size: u32,
    /// Seed of all images. The same seed gives the same data set.
    pub seed: u64,
}

/// The data set of these numbers; images are drawn when they are asked for.
pub(super) fn dataset(spec: &GeneratedSpec) -> Result<Dataset, DataError> {
    const SIZES: std::ops::RangeInclusive<u32> = 16..=1024;
    const IMAGES_PER_CLASS: std::ops::RangeInclusive<usize> = 1..=1_000_000;
    if !SIZES.contains(&spec.image_size) {
        let size = spec.image_size;
        return Err(DataError::InvalidNumber(format!(
            "generated images of {size} pixels: 16 to 1024 are possible"
        )));
    }
    for (name, count) in [
        ("train_per_class", spec.train_per_class),
        ("test_per_class", spec.test_per_class),
    ] {
        if !IMAGES_PER_CLASS.contains(&count) {
            return Err(DataError::InvalidNumber(format!(
                "{name} is {count}: 1 to 1000000 are possible"
            )));
        }
    }
    Ok(Dataset {
        classes: Arrangement::ALL
            .iter()
            .map(|arrangement| arrangement.name().to_owned())
            .collect(),
        train: Split::new(Drawings::new(spec, "generated train", spec.train_per_class)),
        validation: None,
        test: Split::new(Drawings::new(spec, "generated test", spec.test_per_class)),
        left_out: LeftOut::default(),
        empty_folders: Vec::new(),
        note: Some(NOTE.to_owned()),
    })
}

/// One split's drawings, class by class.
#[derive(Debug)]
struct Drawings {
    /// The split's name; also what its random streams are for, so that no test image is a training image.
    split: &'static str,
    per_class: usize,
    size: u32,
    seed: u64,
}

impl Drawings {
    fn new(spec: &GeneratedSpec, split: &'static str, per_class: usize) -> Self {
        Self {
            split,
            per_class,
            size: spec.image_size,
            seed: spec.seed,
        }
    }
}

impl Source for Drawings {
    fn classes(&self) -> usize {
        Arrangement::ALL.len()
    }

    fn len(&self) -> usize {
        self.per_class * Arrangement::ALL.len()
    }

    fn label(&self, image: usize) -> usize {
        image / self.per_class
    }

    fn name(&self, image: usize) -> String {
        let class = Arrangement::ALL[self.label(image)].name();
        format!("{}/{class}/{}", self.split, image % self.per_class)
    }

    fn decode(&self, image: usize) -> Result<Decoded, DataError> {
        let class = self.label(image);
        // Keyed by the place inside the class, so that a larger set contains the smaller one.
        let place = [class as u64, (image % self.per_class) as u64];
        let mut random = stream(self.seed, self.split, &place);
        let scene = Scene::draw(Arrangement::ALL[class], &mut random);
        Ok(Decoded::upright(paint::render(&scene, self.size, random.r#gen())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: GeneratedSpec = GeneratedSpec {
        train_per_class: 3,
        test_per_class: 2,
        image_size: 32,
        seed: 7,
    };

    #[test]
    fn the_same_seed_draws_the_same_images_and_another_seed_others() {
        let pixels = |seed| {
            dataset(&GeneratedSpec { seed, ..SPEC })
                .unwrap()
                .train
                .decode(4)
                .unwrap()
                .into_raw()
        };
        assert_eq!(pixels(7), pixels(7));
        assert_ne!(pixels(7), pixels(8));
    }

    #[test]
    fn every_image_of_both_splits_is_different() {
        let data = dataset(&SPEC).unwrap();
        let mut images: Vec<Vec<u8>> = [&data.train, &data.test]
            .into_iter()
            .flat_map(|split| (0..split.len()).map(|index| split.decode(index).unwrap().into_raw()))
            .collect();
        images.sort();
        images.dedup();
        assert_eq!(images.len(), 6 * (3 + 2));
    }

    #[test]
    fn a_larger_set_contains_the_smaller_one() {
        let small = dataset(&SPEC).unwrap().train;
        let large = dataset(&GeneratedSpec {
            train_per_class: 5,
            ..SPEC
        })
        .unwrap()
        .train;
        assert_eq!(small.name(4), large.name(6));
        assert_eq!(small.decode(4).unwrap(), large.decode(6).unwrap());
    }

    #[test]
    fn classes_are_sorted_equally_large_and_the_note_tells_what_the_images_are() {
        let data = dataset(&SPEC).unwrap();
        assert!(data.classes.is_sorted());
        assert_eq!(data.train.class_counts(), [3; 6]);
        assert_eq!(data.test.class_counts(), [2; 6]);
        assert!(data.note.unwrap().contains("favoured by construction"));
    }

    #[test]
    fn numbers_that_make_no_data_set_are_refused_by_name() {
        let message = |spec| dataset(&spec).unwrap_err().to_string();
        assert!(message(GeneratedSpec { image_size: 4, ..SPEC }).contains("16 to 1024"));
        assert!(
            message(GeneratedSpec {
                test_per_class: 0,
                ..SPEC
            })
            .contains("test_per_class is 0")
        );
    }
}
