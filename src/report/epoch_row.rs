//! One epoch of one run, and how it becomes a line of a history file and back.

use super::{ReportError, head_names};

/// The columns, in the order in which they are written. Reading goes by name, ignores further columns and does without
/// the last three.
pub const COLUMNS: [&str; 12] = [
    "head",
    "seed",
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
    "validation_loss",
    "validation_accuracy",
    "test_top5_accuracy",
];

/// One epoch of one run. Losses are mean cross-entropies in nats; accuracies are fractions from 0 to 1. A value that
/// was not recorded is NaN.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct EpochRow {
    /// Name of the head as on the command line, e.g. `wise_srnet`.
    pub head: String,
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, counted from 1.
    pub epoch: u64,
    /// Learning rate at the epoch's first step.
    pub learning_rate: f64,
    /// Mean loss over the epoch's own, augmented images.
    pub train_loss: f64,
    /// Top-1 accuracy over the epoch's own, augmented images.
    pub train_accuracy: f64,
    /// Mean loss over the test split after the epoch.
    pub test_loss: f64,
    /// Top-1 accuracy on the test split after the epoch.
    pub test_accuracy: f64,
    /// Wall-clock time of the epoch, evaluation included.
    pub seconds: f64,
    /// Mean loss over the validation split, where there is one.
    pub validation_loss: Option<f64>,
    /// Top-1 accuracy on the validation split, where there is one.
    pub validation_accuracy: Option<f64>,
    /// Top-5 accuracy on the test split after the epoch, where it was recorded.
    pub test_top5_accuracy: Option<f64>,
}

/// The file's first line.
pub fn header() -> String {
    COLUMNS.join(",") + "\n"
}

/// One line of the file. `{:?}` of an `f64` is the shortest text that reads back to the same bits.
pub fn line(row: &EpochRow) -> Result<String, ReportError> {
    head_names::check(&row.head)?;
    let number = |value: f64| format!("{value:?}");
    let optional = |value: Option<f64>| value.map(number).unwrap_or_default();
    let fields = [
        quoted(&row.head),
        row.seed.to_string(),
        row.epoch.to_string(),
        number(row.learning_rate),
        number(row.train_loss),
        number(row.train_accuracy),
        number(row.test_loss),
        number(row.test_accuracy),
        number(row.seconds),
        optional(row.validation_loss),
        optional(row.validation_accuracy),
        optional(row.test_top5_accuracy),
    ];
    Ok(fields.join(",") + "\n")
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// Reads a record by the names of its columns; an error names the column.
pub fn read_row(columns: &csv::StringRecord, record: &csv::StringRecord) -> Result<EpochRow, String> {
    Fields { columns, record }.row()
}

/// One record beside the names of its columns.
struct Fields<'a> {
    columns: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
}

impl Fields<'_> {
    fn row(&self) -> Result<EpochRow, String> {
        let head = self.required("head")?;
        if head.is_empty() {
            return Err("column head is empty; it must name the head of the run".to_string());
        }
        let epoch = self.count("epoch")?;
        if epoch == 0 {
            return Err("column epoch is 0; epochs count from 1".to_string());
        }
        Ok(EpochRow {
            head: head.to_string(),
            seed: self.count("seed")?,
            epoch,
            learning_rate: self.number("learning_rate")?,
            train_loss: self.number("train_loss")?,
            train_accuracy: self.accuracy("train_accuracy")?,
            test_loss: self.number("test_loss")?,
            test_accuracy: self.accuracy("test_accuracy")?,
            seconds: self.number("seconds")?,
            validation_loss: self.optional("validation_loss", Self::number)?,
            validation_accuracy: self.optional("validation_accuracy", Self::accuracy)?,
            test_top5_accuracy: self.optional("test_top5_accuracy", Self::accuracy)?,
        })
    }

    fn get(&self, column: &str) -> Option<&str> {
        let place = self
            .columns
            .iter()
            .position(|name| name.trim().trim_start_matches('\u{feff}') == column)?;
        self.record.get(place).map(str::trim)
    }

    fn required(&self, column: &str) -> Result<&str, String> {
        self.get(column).ok_or_else(|| format!("column {column} is missing"))
    }

    fn count(&self, column: &str) -> Result<u64, String> {
        let text = self.required(column)?;
        text.parse()
            .map_err(|_| format!("column {column} holds {text:?}; a whole number was expected"))
    }

    fn number(&self, column: &str) -> Result<f64, String> {
        let text = self.required(column)?;
        text.parse()
            .map_err(|_| format!("column {column} holds {text:?}; a number was expected"))
    }

    fn accuracy(&self, column: &str) -> Result<f64, String> {
        let value = self.number(column)?;
        check_accuracy(value).map_err(|reason| format!("column {column} {reason}"))
    }

    fn optional(&self, column: &str, read: fn(&Self, &str) -> Result<f64, String>) -> Result<Option<f64>, String> {
        match self.get(column) {
            None | Some("") => Ok(None),
            Some(_) => read(self, column).map(Some),
        }
    }
}

/// An accuracy is a fraction; a value that is not finite stands for one that was not recorded.
pub fn check_accuracy(value: f64) -> Result<f64, String> {
    if value.is_finite() && !(0.0..=1.0).contains(&value) {
        return Err(format!("holds {value}; accuracies are fractions from 0 to 1"));
    }
    Ok(value)
}
