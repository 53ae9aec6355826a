//! What the images of a run's test split were taken for, one line each: what tests of differences, confusion matrices
//! and pictures of disagreement are made from.

use std::path::Path;

use super::history::csv_error;
use super::{ReportError, files};
use crate::atomic_file::Disk;

/// The columns. A data set of fewer than five classes leaves the last ones of `top1` to `top5` empty.
pub const PREDICTION_COLUMNS: [&str; 8] = ["image", "class", "top1", "top2", "top3", "top4", "top5", "probability"];

/// What one image was taken for.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictedImage {
    /// The image's place in the data set.
    pub image: String,
    /// Its class.
    pub class: String,
    /// The likeliest classes, at most five, the likeliest first.
    pub taken_for: Vec<String>,
    /// Probability of the first of them, from 0 to 1.
    pub probability: f64,
}

impl PredictedImage {
    /// Whether the likeliest class is the image's own.
    pub fn is_right(&self) -> bool {
        self.taken_for.first() == Some(&self.class)
    }
}

/// What the test images were taken for at the end of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPredictions {
    /// Name of the run's head.
    pub head: String,
    /// Seed of the run.
    pub seed: u64,
    /// The run's last epoch, after which the images were classified.
    pub epoch: u64,
    /// The images, in the order of the test split.
    pub images: Vec<PredictedImage>,
}

impl RunPredictions {
    /// Whether these are the predictions of an epoch with this accuracy: those of a report that was put together from
    /// several places need not be.
    pub fn is_of(&self, accuracy: f64) -> bool {
        let right = self.images.iter().filter(|image| image.is_right()).count();
        (right as f64 - accuracy * self.images.len() as f64).abs() < 0.5
    }

    /// Whether both runs classified the same images after as many epochs.
    pub fn is_comparable(&self, other: &Self) -> bool {
        let mut pairs = self.images.iter().zip(&other.images);
        self.epoch == other.epoch
            && self.images.len() == other.images.len()
            && pairs.all(|(own, other)| own.image == other.image && own.class == other.class)
    }

    /// Whether each image was right here and in a comparable run.
    pub fn paired_answers<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (bool, bool)> + 'a {
        let pairs = self.images.iter().zip(&other.images);
        pairs.map(|(own, other)| (own.is_right(), other.is_right()))
    }
}

/// Writes the file in one step.
///
/// # Errors
/// A file that cannot be written.
pub fn write_predictions(disk: &dyn Disk, path: &Path, images: &[PredictedImage]) -> Result<(), ReportError> {
    let content = |error: csv::Error| ReportError::content(path, error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(PREDICTION_COLUMNS).map_err(content)?;
    for image in images {
        let mut taken_for = image.taken_for.iter().map(String::as_str);
        let mut record = vec![image.image.as_str(), image.class.as_str()];
        record.extend((0..5).map(|_| taken_for.next().unwrap_or("")));
        let probability = format!("{:?}", image.probability);
        record.push(&probability);
        writer.write_record(record).map_err(content)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| ReportError::content(path, error.to_string()))?;
    files::replace(disk, path, &bytes)
}

/// Reads a file that [`write_predictions`] wrote; none where there is no such file.
///
/// # Errors
/// A file that cannot be read, or a line that is not of this format, by its number.
pub fn read_predictions(path: &Path) -> Result<Option<Vec<PredictedImage>>, ReportError> {
    let Some(bytes) = files::read_if_there(path)? else {
        return Ok(None);
    };
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    if reader.headers().map_err(|error| csv_error(path, &error))? != PREDICTION_COLUMNS.as_slice() {
        let expected = PREDICTION_COLUMNS.join(",");
        return Err(ReportError::content(path, format!("its first line must be {expected}")));
    }
    let records = reader.records().map(|record| {
        let record = record.map_err(|error| csv_error(path, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        image(&record).map_err(|reason| ReportError::line(path, line, reason))
    });
    records.collect::<Result<_, _>>().map(Some)
}

fn image(record: &csv::StringRecord) -> Result<PredictedImage, String> {
    let field = |column: usize| record.get(column).unwrap_or("").to_owned();
    let probability = field(7);
    Ok(PredictedImage {
        image: field(0),
        class: field(1),
        taken_for: (2..7).map(field).take_while(|class| !class.is_empty()).collect(),
        probability: probability
            .parse()
            .ok()
            .filter(|probability| (0.0..=1.0).contains(probability))
            .ok_or_else(|| format!("column probability holds {probability:?}; a number from 0 to 1 was expected"))?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::atomic_file::System;

    fn image(class: &str, taken_for: &[&str]) -> PredictedImage {
        PredictedImage {
            image: "seg_test/a \"b\", c/1.jpg".to_owned(),
            class: class.to_owned(),
            taken_for: taken_for.iter().map(|class| (*class).to_owned()).collect(),
            probability: 1.0 / 3.0,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last_predictions.csv");
        let images = [
            image("sea", &["sea", "ice, snow"]),
            image("ice, snow", &["a", "b", "c", "d", "e"]),
        ];
        write_predictions(&System, &path, &images).unwrap();
        assert_eq!(read_predictions(&path).unwrap().unwrap(), images);
        assert!(images[0].is_right() && !images[1].is_right());
    }

    #[test]
    fn runs_are_compared_only_after_as_many_epochs_on_the_same_images_with_the_same_classes() {
        let run = RunPredictions {
            head: "gap".to_owned(),
            seed: 0,
            epoch: 3,
            images: vec![image("sea", &["sea"]), image("sky", &["sea"])],
        };
        let is_comparable = |change: &dyn Fn(&mut RunPredictions)| {
            let mut other = run.clone();
            change(&mut other);
            run.is_comparable(&other)
        };
        assert!(is_comparable(&|other| {
            (other.head, other.seed) = ("wise_srnet".to_owned(), 1);
            other.images[0].taken_for = vec!["sky".to_owned()];
        }));
        assert!(!is_comparable(&|other| other.epoch = 4));
        assert!(!is_comparable(&|other| other.images.truncate(1)));
        assert!(!is_comparable(&|other| other.images[1].class = "sea".to_owned()));
        assert!(!is_comparable(&|other| other.images[1].image.push('x')));
    }

    #[test]
    fn a_run_without_predictions_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_predictions(&folder.path().join("absent.csv")).unwrap(), None);
    }

    #[test]
    fn a_mistake_is_answered_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last_predictions.csv");
        let header = PREDICTION_COLUMNS.join(",");
        for (text, expected) in [
            (
                format!("{header}\na,sea,sea,,,,,1.5\n"),
                "line 2: column probability holds \"1.5\"",
            ),
            (format!("{header}\na,sea\n"), "line"),
            ("hello\n".to_owned(), "its first line must be image,class,top1"),
        ] {
            fs::write(&path, text).unwrap();
            let message = read_predictions(&path).unwrap_err().to_string();
            assert!(
                message.contains(expected) && message.contains("last_predictions.csv"),
                "{message}"
            );
        }
    }
}
