//! Lines on standard output and standard error. Names of files and classes come from elsewhere: whatever they hold, none
//! can steer a terminal or begin a line.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

use serde::Serialize;

use super::error::CommandError;
use super::progress::suspended;
use super::table::Table;
use super::text::{harmless, one_line};

/// Prints one line on standard output. A reader that has gone away is an error and not a panic.
pub fn line(text: &str) -> Result<(), CommandError> {
    print(&format!("{}\n", one_line(text)))
}

/// As [`line`], of the lines of a table.
pub fn table(table: &Table) -> Result<(), CommandError> {
    print(&table.to_string())
}

/// As [`line`], of text that this program brings along, with its line breaks.
pub fn own(text: &str) -> Result<(), CommandError> {
    print(text)
}

/// Prints an empty line between blocks: before the one at `index`, if it isn't the first.
pub fn between(index: usize) -> Result<(), CommandError> {
    if index == 0 { Ok(()) } else { line("") }
}

/// Prints a value as one line of JSON, with every character as it is.
pub fn json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(|error| CommandError::Usage(error.to_string()))?;
    print(&format!("{text}\n"))
}

fn print(text: &str) -> Result<(), CommandError> {
    let failed = |source| CommandError::Io {
        path: "standard output".into(),
        source,
    };
    stdout().write_all(text.as_bytes()).map_err(failed)
}

/// Tells a person something in one line on standard error, above a progress bar. Whether it can be written is not asked:
/// a terminal that was closed, or a reader that has gone away, must not end a training.
pub fn tell(text: impl Display) {
    write(&one_line(&text.to_string()));
}

/// As [`tell`], of a message in several lines, which shows names as [`printable`](super::text::printable) does.
pub fn tell_lines(text: impl Display) {
    write(&harmless(&text.to_string()));
}

fn write(text: &str) {
    let _ = suspended(|| stderr().write_all(format!("{text}\n").as_bytes()));
}
