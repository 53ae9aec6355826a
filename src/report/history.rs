//! The tidy history file, one line per epoch of one run: the record from which every figure of a report is computed.
//! Numbers are written so that reading gives back the same bits, and a line that a crash cut short costs only itself.

use std::path::Path;

use super::epoch_row::{COLUMNS, EpochRow, header, line, read_row};
use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::input_file;

/// What a history file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The complete rows, in the file's order.
    pub rows: Vec<EpochRow>,
    /// An unfinished last line, as a crash in the middle of writing leaves it. It is in none of the `rows`.
    pub torn_line: Option<String>,
}

/// Reads a tidy history file. Text after the last line break is a torn line: reported, not read.
///
/// # Errors
/// A file that cannot be read, that lacks a column, or that holds a value that is no number, an epoch 0, or an
/// accuracy outside 0…1; the message names the line and the column.
pub fn read_history(path: &Path) -> Result<History, ReportError> {
    let bytes = input_file::read(path).map_err(ReportError::file("read", path))?;
    let (complete, torn) = split_torn_line(&bytes);
    if complete.is_empty() && !is_torn_header(torn) {
        return Err(not_a_history(path));
    }
    let torn_line = (!torn.is_empty()).then(|| String::from_utf8_lossy(torn).into_owned());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(complete);
    let columns = reader.headers().map_err(|error| csv_error(path, &error))?.clone();
    if !complete.is_empty() && columns.get(0).map(|c| c.trim_start_matches('\u{feff}')) != Some(COLUMNS[0]) {
        return Err(not_a_history(path));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(path, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(read_row(&columns, &record).map_err(|r| ReportError::line(path, line, r))?);
    }
    Ok(History { rows, torn_line })
}

/// Writes a whole history file in one step.
///
/// # Errors
/// A head name that no file can hold, or a file that cannot be written.
pub fn write_history(disk: &dyn Disk, path: &Path, rows: &[EpochRow]) -> Result<(), ReportError> {
    let mut text = header();
    for row in rows {
        text += &line(row)?;
    }
    files::replace(disk, path, text.as_bytes())
}

/// Splits after the last line break; a file written by this program always ends with one.
fn split_torn_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1))
}

fn is_torn_header(bytes: &[u8]) -> bool {
    header().as_bytes().starts_with(bytes)
}

fn not_a_history(path: &Path) -> ReportError {
    ReportError::content(
        path,
        format!("not a history: its first line must be {}", COLUMNS[..9].join(",")),
    )
}

/// What the CSV reader found, with the line where it found it.
pub(super) fn csv_error(path: &Path, error: &csv::Error) -> ReportError {
    match error.position() {
        Some(position) => ReportError::line(path, position.line(), error.to_string()),
        None => ReportError::content(path, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::examples::row;
    use super::*;
    use crate::atomic_file::System;

    fn folder_with(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.csv");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn every_number_reads_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.csv");
        let mut rows = vec![row("gap", 0, 1, 0.1), row("wise, \"srnet\"", u64::MAX, 2, 1.0 / 3.0)];
        rows[0].train_loss = f64::from(0.3_f32);
        rows[0].test_loss = 5e-324;
        rows[0].validation_accuracy = Some(2.0 / 3.0);
        rows[1].learning_rate = f64::INFINITY;
        write_history(&System, &path, &rows).unwrap();
        assert_eq!(read_history(&path).unwrap(), History { rows, torn_line: None });
    }

    #[test]
    fn a_torn_last_line_is_reported_and_left_out() {
        let whole = header() + &line(&row("gap", 0, 1, 0.5)).unwrap();
        let (_folder, path) = folder_with(&(whole + "gap,0,2,0.045,1.2"));
        let history = read_history(&path).unwrap();
        assert_eq!(history.rows, [row("gap", 0, 1, 0.5)]);
        assert_eq!(history.torn_line.as_deref(), Some("gap,0,2,0.045,1.2"));
    }

    #[test]
    fn a_file_torn_at_any_byte_loses_at_most_its_last_row() {
        let rows: Vec<_> = (1..=3).map(|epoch| row("gap", 0, epoch, 0.25)).collect();
        let whole = header() + &rows.iter().map(|row| line(row).unwrap()).collect::<String>();
        for length in 0..=whole.len() {
            let (_folder, path) = folder_with(&whole[..length]);
            let kept = read_history(&path).unwrap().rows;
            assert_eq!(kept, rows[..kept.len()], "torn after {length} bytes");
            assert_eq!(kept.len(), whole[..length].matches('\n').count().saturating_sub(1));
        }
    }

    #[test]
    fn a_mistake_is_answered_with_line_and_column() {
        let cases = [
            (
                "gap,0,1,0.1,x,0.1,1,0.1,1,,\n",
                "line 2: column train_loss holds \"x\"; a number was expected",
            ),
            (
                "gap,-1,1,0.1,1,0.1,1,0.1,1,,\n",
                "line 2: column seed holds \"-1\"; a whole number was expected",
            ),
            (
                "gap,0,0,0.1,1,0.1,1,0.1,1,,\n",
                "line 2: column epoch is 0; epochs count from 1",
            ),
            (
                "gap,0,1,0.1,1,71.5,1,0.1,1,,\n",
                "column train_accuracy holds 71.5; accuracies are fractions from 0 to 1",
            ),
            ("gap,0,1,0.1\n", "line 2: column train_loss is missing"),
        ];
        for (text, expected) in cases {
            let (_folder, path) = folder_with(&(header() + text));
            let message = read_history(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("history.csv"), "{message}");
        }
    }

    #[test]
    fn a_file_that_is_no_history_is_not_read_as_one() {
        for text in ["hello", "name,value\nx,1\n"] {
            let (_folder, path) = folder_with(text);
            assert!(read_history(&path).unwrap_err().to_string().contains("head,seed,epoch"));
        }
    }

    #[test]
    fn further_columns_are_ignored_and_the_validation_columns_may_be_absent() {
        let text = format!("{},note\ngap,0,1,0.1,1,0.5,1,0.5,3,hello\n", COLUMNS[..9].join(","));
        let (_folder, path) = folder_with(&text);
        let rows = read_history(&path).unwrap().rows;
        assert_eq!((rows[0].seconds, rows[0].validation_accuracy), (3.0, None));
    }
}
