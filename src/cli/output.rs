//! Lines on standard output and standard error, without characters that could steer a terminal: names of files and classes
//! come from elsewhere.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

use serde::Serialize;

use super::error::CommandError;
use super::progress::suspended;
use crate::text::printable;

/// Prints one line on standard output. A reader that has gone away is an error and not a panic.
pub fn line(text: &str) -> Result<(), CommandError> {
    block(&format_args!("{text}\n"))
}

/// As [`line`], of lines that bring their line breaks along.
pub fn block(text: &dyn Display) -> Result<(), CommandError> {
    print(&printable(&text.to_string()))
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

/// Tells a person something on standard error, above a progress bar. Whether it can be written is not asked: a terminal that
/// was closed, or a reader that has gone away, must not end a training.
pub fn tell(text: impl Display) {
    let text = format!("{}\n", printable(&text.to_string()));
    tell_bytes(text.as_bytes());
}

/// As [`tell`], of bytes as they are.
pub fn tell_bytes(bytes: &[u8]) {
    let _ = suspended(|| stderr().write_all(bytes));
}
