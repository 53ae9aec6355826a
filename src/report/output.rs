//! Writing one of a report's files.

use std::fs;
use std::path::Path;

use super::ReportError;
use crate::atomic_file;

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
