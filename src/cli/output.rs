//! Lines on standard output; a reader that has gone away is an error and not a panic.

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;

use super::error::CommandError;

/// Prints one line.
pub fn line(text: &str) -> Result<(), CommandError> {
    block(&format_args!("{text}\n"))
}

/// Prints lines that bring their line breaks along.
pub fn block(text: &dyn Display) -> Result<(), CommandError> {
    let failed = |source| CommandError::Io {
        path: "standard output".into(),
        source,
    };
    write!(std::io::stdout(), "{text}").map_err(failed)
}

/// Prints an empty line between blocks: before the one at `index`, if it isn't the first.
pub fn between(index: usize) -> Result<(), CommandError> {
    if index == 0 { Ok(()) } else { line("") }
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(|error| CommandError::Usage(error.to_string()))?;
    line(&text)
}
