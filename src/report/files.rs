//! Reading and writing one of a report's files.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use super::ReportError;
use crate::atomic_file;

/// The content of a file; none where there is no such file.
///
/// # Errors
/// [`ReportError::File`] when the file cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ReportError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReportError::file("read", path)(error)),
    }
}

/// Replaces the file at `path` in one step; a file that already holds these bytes is left alone.
///
/// # Errors
/// [`ReportError::File`] when the folder or the file cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if fs::read(path).is_ok_and(|existing| existing == bytes) {
        return Ok(());
    }
    atomic_file::replace(path, bytes).map_err(ReportError::file("write", path))
}

/// As [`replace`], with a value as indented JSON.
///
/// # Errors
/// As [`replace`], and for a value that JSON cannot hold.
pub fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), ReportError> {
    let json = serde_json::to_string_pretty(value).map_err(|error| ReportError::content(path, error.to_string()))?;
    replace(path, (json + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(folder.path(), b"").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot write {}", folder.path().display())),
            "{error}"
        );
    }
}
