//! The format in which the paper's notebooks keep a training history: no header, one line per metric, one value per
//! epoch (`loss,…`, `accuracy,…`, `val_loss,…`, `val_accuracy,…`). Their `val_` metrics are those of the test split.

use std::path::Path;

use super::epoch_row::{EpochRow, check_accuracy};
use super::history::csv_error;
use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::input_file;

/// Reads a Keras-style history as the epochs of one run of `head`, seed 0. `acc` and `val_acc`, the older names, are
/// understood; `lr` or `learning_rate` is read where it is present; other metrics are left out.
///
/// # Errors
/// A file that cannot be read, holds no `loss` or `accuracy`, or whose lines differ in length; a value that is no
/// number, or an accuracy outside 0…1.
pub fn read_keras_csv(path: &Path, head: &str) -> Result<Vec<EpochRow>, ReportError> {
    let bytes = input_file::read(path).map_err(ReportError::file("read", path))?;
    let metrics = Metrics::read(path, &bytes)?;
    if metrics.train_loss.is_none() && metrics.train_accuracy.is_none() {
        let reason = "not a Keras-style history: no line begins with `loss,` or `accuracy,`";
        return Err(ReportError::content(path, reason));
    }
    Ok(metrics.rows(head))
}

/// Writes the epochs of one run as the notebooks do; values that are not finite are written as Python reads them.
///
/// # Errors
/// A file that cannot be written.
pub fn write_keras_csv(disk: &dyn Disk, path: &Path, rows: &[EpochRow]) -> Result<(), ReportError> {
    let line = |metric: &str, value: fn(&EpochRow) -> f64| {
        let values: String = rows.iter().map(|row| format!(",{:?}", value(row))).collect();
        format!("{metric}{values}\n")
    };
    let text = line("loss", |row| row.train_loss)
        + &line("accuracy", |row| row.train_accuracy)
        + &line("val_loss", |row| row.test_loss)
        + &line("val_accuracy", |row| row.test_accuracy);
    files::replace(disk, path, text.as_bytes())
}

/// The lines of one file by what they mean.
#[derive(Default)]
struct Metrics {
    epochs: Option<usize>,
    train_loss: Option<Vec<f64>>,
    train_accuracy: Option<Vec<f64>>,
    test_loss: Option<Vec<f64>>,
    test_accuracy: Option<Vec<f64>>,
    learning_rate: Option<Vec<f64>>,
}

impl Metrics {
    fn read(path: &Path, bytes: &[u8]) -> Result<Self, ReportError> {
        let mut metrics = Self::default();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        for record in reader.records() {
            let record = record.map_err(|error| csv_error(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            metrics
                .add(&record)
                .map_err(|reason| ReportError::line(path, line, reason))?;
        }
        Ok(metrics)
    }

    fn add(&mut self, record: &csv::StringRecord) -> Result<(), String> {
        let name = record.get(0).unwrap_or_default().trim().trim_start_matches('\u{feff}');
        let (metric, is_accuracy) = match name {
            "loss" => (&mut self.train_loss, false),
            "accuracy" | "acc" => (&mut self.train_accuracy, true),
            "val_loss" => (&mut self.test_loss, false),
            "val_accuracy" | "val_acc" => (&mut self.test_accuracy, true),
            "lr" | "learning_rate" => (&mut self.learning_rate, false),
            _ => return Ok(()),
        };
        let values = record
            .iter()
            .skip(1)
            .map(|text| number(text, is_accuracy))
            .collect::<Result<Vec<_>, _>>();
        let values = values.map_err(|reason| format!("{name} {reason}"))?;
        let epochs = *self.epochs.get_or_insert(values.len());
        if values.len() != epochs {
            return Err(format!(
                "{name} has {} epochs, the lines above it have {epochs}",
                values.len()
            ));
        }
        if metric.replace(values).is_some() {
            return Err(format!("{name} stands in the file twice"));
        }
        Ok(())
    }

    fn rows(&self, head: &str) -> Vec<EpochRow> {
        let value =
            |metric: &Option<Vec<f64>>, at: usize| metric.as_ref().and_then(|m| m.get(at)).copied().unwrap_or(f64::NAN);
        (1..=self.epochs.unwrap_or(0) as u64)
            .enumerate()
            .map(|(at, epoch)| EpochRow {
                head: head.to_string(),
                seed: 0,
                epoch,
                learning_rate: value(&self.learning_rate, at),
                train_loss: value(&self.train_loss, at),
                train_accuracy: value(&self.train_accuracy, at),
                test_loss: value(&self.test_loss, at),
                test_accuracy: value(&self.test_accuracy, at),
                seconds: f64::NAN,
                validation_loss: None,
                validation_accuracy: None,
                test_top5_accuracy: None,
            })
            .collect()
    }
}

fn number(text: &str, is_accuracy: bool) -> Result<f64, String> {
    let text = text.trim();
    let value = text
        .parse()
        .map_err(|_| format!("holds {text:?}; a number was expected"))?;
    if is_accuracy { check_accuracy(value) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::examples::row;
    use super::*;
    use crate::atomic_file::System;

    fn read(text: &str) -> Result<Vec<EpochRow>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("GAP.csv");
        fs::write(&path, text).unwrap();
        read_keras_csv(&path, "GAP").map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keras_history.csv");
        let rows = [row("gap", 0, 1, 1.0 / 3.0), row("gap", 0, 2, 0.5)];
        write_keras_csv(&System, &path, &rows).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.lines()
                .nth(3)
                .unwrap()
                .starts_with("val_accuracy,0.3333333333333333,0.5"),
            "{text}"
        );
        let back = read_keras_csv(&path, "gap").unwrap();
        assert_eq!(
            back.iter().map(|r| r.test_loss).collect::<Vec<_>>(),
            [rows[0].test_loss, rows[1].test_loss]
        );
        assert_eq!(back.iter().map(|r| r.epoch).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_history_of_the_older_keras_reads_with_its_other_order_and_names() {
        let rows =
            read("val_loss,2.5,1.5\r\nval_acc,0.25,0.5\r\nloss,3,2\r\nacc,0.1,0.2\r\nlr,0.045,0.04\r\n").unwrap();
        assert_eq!(
            (rows[1].test_accuracy, rows[1].train_loss, rows[1].learning_rate),
            (0.5, 2.0, 0.04)
        );
        assert!(rows[1].seconds.is_nan());
    }

    #[test]
    fn a_mistake_is_answered_with_its_line() {
        let cases = [
            (
                "loss,1,2\naccuracy,0.5\n",
                "line 2: accuracy has 1 epochs, the lines above it have 2",
            ),
            ("loss,1,two\n", "line 1: loss holds \"two\"; a number was expected"),
            (
                "loss,1\naccuracy,55\n",
                "line 2: accuracy holds 55; accuracies are fractions from 0 to 1",
            ),
            ("loss,1\nloss,1\n", "line 2: loss stands in the file twice"),
            ("", "no line begins with `loss,`"),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err();
            assert!(message.contains(expected) && message.contains("GAP.csv"), "{message}");
        }
    }
}
