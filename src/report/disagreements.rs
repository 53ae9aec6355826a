//! The test images on which two heads disagree, and their thumbnails on the page.

use std::io::Cursor;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{ImageDecoder, ImageFormat, RgbImage};
use maud::{Markup, html};

use super::head_names::title;
use super::predictions::{PredictedImage, RunPredictions};
use super::summary::{GAP, WISE_SRNET};
use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::input_file;
use crate::runner::folder::thumbnail;

/// More bytes than a thumbnail ever has, and more pixels in a row.
const LARGEST: u64 = 64 << 10;
const WIDEST: u32 = 512;
/// At most so many images are shown on either side.
const SHOWN: usize = 12;

/// An image that one head gets right and the other wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The image's place in the test split.
    pub index: usize,
    /// The image's place in the data set.
    pub image: String,
    /// Its class.
    pub class: String,
    /// What the head that is wrong took it for, most often.
    pub taken_for: String,
    /// Over how many seeds the two disagree in this direction, less those in the other.
    pub seeds: i64,
}

/// What two heads disagree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreements {
    /// The head that is set against GAP.
    pub head: String,
    /// Right by the head and wrong by GAP, the clearest first.
    pub head_is_right: Vec<Disagreement>,
    /// Right by GAP and wrong by the head.
    pub gap_is_right: Vec<Disagreement>,
}

impl Disagreements {
    /// Of Wise-SrNet and GAP or, without Wise-SrNet, of the first other head and GAP, over the seeds that both have;
    /// none without any image of this kind.
    pub fn of(runs: &[RunPredictions]) -> Option<Self> {
        let others = || runs.iter().filter(|run| run.head != GAP);
        let head = others()
            .find(|run| run.head == WISE_SRNET)
            .or_else(|| others().next())?;
        let gap_of = |seed: u64| runs.iter().find(|run| run.head == GAP && run.seed == seed);
        let own = runs.iter().filter(|run| run.head == head.head);
        let pairs: Vec<_> = own
            .filter_map(|run| Some((run, gap_of(run.seed)?)))
            .filter(|(run, gap)| run.is_comparable(gap))
            .collect();
        let first = pairs.first()?.0;
        if pairs.iter().any(|(run, _)| run.images.len() != first.images.len()) {
            return None;
        }
        let side = |sign: i64| {
            let found = (0..first.images.len()).filter_map(|index| disagreement(index, &pairs, sign));
            let mut found: Vec<Disagreement> = found.collect();
            found.sort_by_key(|each| (-each.seeds, each.index));
            spread(found)
        };
        let (head_is_right, gap_is_right) = (side(1), side(-1));
        (!head_is_right.is_empty() || !gap_is_right.is_empty()).then(|| Self {
            head: head.head.clone(),
            head_is_right,
            gap_is_right,
        })
    }

    /// The images' places in the test split.
    pub fn images(&self) -> impl Iterator<Item = usize> {
        self.head_is_right
            .iter()
            .chain(&self.gap_is_right)
            .map(|each| each.index)
    }

    /// The images with what they were taken for. Without a thumbnail in the folder an image is named only.
    pub fn section(&self, folder: &Path) -> Markup {
        let head = title(&self.head);
        html! {
            section aria-labelledby="disagreements" {
                h2 id="disagreements" { "Where the heads disagree" }
                (side(&format!("{head} is right, GAP is wrong"), &self.head_is_right, folder))
                (side(&format!("GAP is right, {head} is wrong"), &self.gap_is_right, folder))
                p.remark {
                    "Test images at the end of the runs, those first on which most seeds agree; at most " (SHOWN)
                    " a side. Under each its class, and what the other head took it for."
                }
            }
        }
    }
}

/// Writes the thumbnail of a test image.
///
/// # Errors
/// A picture that cannot be encoded, a file that cannot be written.
pub fn write_thumbnail(disk: &dyn Disk, folder: &Path, index: usize, picture: &RgbImage) -> Result<(), ReportError> {
    let path = thumbnail(folder, index);
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(picture);
    encoded.map_err(|error| ReportError::Drawing {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    files::replace(disk, &path, &bytes)
}

fn side(name: &str, images: &[Disagreement], folder: &Path) -> Markup {
    html! {
        @if !images.is_empty() {
            h3 { (name) }
            ul.thumbnails { @for image in images { li { (picture(image, folder)) } } }
        }
    }
}

/// The bytes of a thumbnail. A file that is none, or that is damaged, is as good as not there: the page must not carry
/// other files away, and the run draws it again.
fn stored_thumbnail(path: &Path) -> Option<Vec<u8>> {
    let bytes = input_file::read_at_most(path, LARGEST).ok()?;
    let (width, height) = JpegDecoder::new(Cursor::new(&bytes)).ok()?.dimensions();
    let is_small = width <= WIDEST && height <= WIDEST;
    (is_small && image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).is_ok()).then_some(bytes)
}

fn picture(image: &Disagreement, folder: &Path) -> Markup {
    let data = stored_thumbnail(&thumbnail(folder, image.index));
    let source = data.map(|bytes| format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)));
    html! {
        @match source {
            Some(source) => img src=(source) alt=(image.image) title=(image.image) width="96" height="96" loading="lazy";,
            None => span.name { (image.image) },
        }
        span { b { (image.class) } br; "not " (image.taken_for) }
    }
}

fn disagreement(index: usize, pairs: &[(&RunPredictions, &RunPredictions)], sign: i64) -> Option<Disagreement> {
    let answers = pairs.iter().map(|(run, gap)| (&run.images[index], &gap.images[index]));
    let (ahead, behind): (Vec<&PredictedImage>, Vec<&PredictedImage>) = answers
        .map(|(head, gap)| if sign > 0 { (head, gap) } else { (gap, head) })
        .unzip();
    let right = |images: &[&PredictedImage]| images.iter().filter(|image| image.is_right()).count() as i64;
    let seeds = right(&ahead) - right(&behind);
    let wrong = behind.iter().find(|image| !image.is_right())?;
    (seeds > 0).then(|| Disagreement {
        index,
        image: wrong.image.clone(),
        class: wrong.class.clone(),
        taken_for: wrong.taken_for.first().cloned().unwrap_or_default(),
        seeds,
    })
}

/// The clearest images, from all over the split: its images are sorted by class, and the first would be of one.
fn spread(found: Vec<Disagreement>) -> Vec<Disagreement> {
    let mut by_class: Vec<(String, Vec<Disagreement>)> = Vec::new();
    for each in found {
        match by_class.iter_mut().find(|(class, _)| *class == each.class) {
            Some((_, images)) => images.push(each),
            None => by_class.push((each.class.clone(), vec![each])),
        }
    }
    let longest = by_class.iter().map(|(_, images)| images.len()).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|round| by_class.iter().filter_map(move |(_, images)| images.get(round)));
    let mut chosen: Vec<Disagreement> = rounds.take(SHOWN).cloned().collect();
    chosen.sort_by_key(|each| (-each.seeds, each.index));
    chosen
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::examples::predictions;
    use super::*;
    use crate::atomic_file::System;

    fn found() -> Disagreements {
        let runs = [
            predictions(
                "gap",
                0,
                &[("sea", "sea"), ("sea", "ice"), ("ice", "ice"), ("ice", "sea")],
            ),
            predictions(
                "gap",
                1,
                &[("sea", "sea"), ("sea", "ice"), ("ice", "ice"), ("ice", "ice")],
            ),
            predictions(
                "flatten_fc",
                0,
                &[("sea", "ice"), ("sea", "ice"), ("ice", "ice"), ("ice", "ice")],
            ),
            predictions(
                "wise_srnet",
                0,
                &[("sea", "ice"), ("sea", "sea"), ("ice", "ice"), ("ice", "ice")],
            ),
            predictions(
                "wise_srnet",
                1,
                &[("sea", "sea"), ("sea", "sea"), ("ice", "ice"), ("ice", "ice")],
            ),
        ];
        Disagreements::of(&runs).unwrap()
    }

    #[test]
    fn wise_srnet_is_set_against_gap_over_all_seeds() {
        let found = found();
        let brief = |side: &[Disagreement]| side.iter().map(|each| (each.index, each.seeds)).collect::<Vec<_>>();
        assert_eq!(found.head, "wise_srnet");
        assert_eq!(brief(&found.head_is_right), [(1, 2), (3, 1)]);
        assert_eq!(brief(&found.gap_is_right), [(0, 1)]);
        assert_eq!(found.gap_is_right[0].taken_for, "ice");
        assert_eq!(found.images().collect::<Vec<_>>(), [1, 3, 0]);
    }

    #[test]
    fn images_are_shown_by_their_thumbnail_or_else_by_name() {
        let folder = tempfile::tempdir().unwrap();
        write_thumbnail(&System, folder.path(), 1, &RgbImage::new(96, 96)).unwrap();
        let whole = fs::read(thumbnail(folder.path(), 1)).unwrap();
        let html = found().section(folder.path()).into_string();
        let shown = format!("<img src=\"data:image/jpeg;base64,{}\"", STANDARD.encode(&whole));
        assert_eq!(html.matches(&shown).count(), 1);
        assert!(html.contains("<span class=\"name\">3.jpg</span>"), "{html}");
        assert!(html.contains("GAP is right, Wise-SrNet is wrong"));
    }

    #[test]
    fn a_file_that_is_no_thumbnail_does_not_come_onto_the_page() {
        let folder = tempfile::tempdir().unwrap();
        write_thumbnail(&System, folder.path(), 1, &RgbImage::new(600, 96)).unwrap();
        let wide = fs::read(thumbnail(folder.path(), 1)).unwrap();
        for bytes in [&b"secret"[..], &wide[..20], &wide, &vec![0; LARGEST as usize + 1]] {
            fs::write(thumbnail(folder.path(), 1), bytes).unwrap();
            let html = found().section(folder.path()).into_string();
            assert!(
                !html.contains("<img") && html.contains("<span class=\"name\">1.jpg</span>"),
                "{html}"
            );
        }
    }

    #[test]
    fn a_head_alone_disagrees_with_none() {
        assert_eq!(Disagreements::of(&[predictions("gap", 0, &[("sea", "sea")])]), None);
        let same = [
            predictions("gap", 0, &[("sea", "sea")]),
            predictions("wise_srnet", 0, &[("sea", "sea")]),
        ];
        assert_eq!(Disagreements::of(&same), None);
    }

    #[test]
    fn few_images_of_many_classes_are_shown_in_place_of_many_of_one() {
        let all: Vec<(&str, &str)> = [("a", "b"); 40].into_iter().chain([("b", "a"); 3]).collect();
        let right: Vec<(&str, &str)> = all.iter().map(|(class, _)| (*class, *class)).collect();
        let found = Disagreements::of(&[predictions("gap", 0, &all), predictions("wise_srnet", 0, &right)]).unwrap();
        assert_eq!(found.head_is_right.len(), SHOWN);
        assert_eq!(found.head_is_right.iter().filter(|each| each.class == "b").count(), 3);
    }
}
