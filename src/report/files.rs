//! Reading and writing one of a report's files.

use std::io::ErrorKind;
use std::path::Path;

use maud::Markup;
use serde::Serialize;

use super::ReportError;
use crate::atomic_file::{Disk, replace_on};
use crate::input_file;
use crate::text::harmless;

/// The content of a file; none where there is no such file.
///
/// # Errors
/// [`ReportError::File`] when the file cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ReportError> {
    match input_file::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReportError::file("read", path)(error)),
    }
}

/// Replaces the file at `path` in one step; a file that already holds these bytes is left alone.
///
/// # Errors
/// [`ReportError::File`] when the folder or the file cannot be written.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if input_file::read(path).is_ok_and(|existing| existing == bytes) {
        return Ok(());
    }
    replace_on(disk, path, None, bytes).map_err(ReportError::file("write", path))
}

/// As [`replace`], with a page. Names are escaped by its templates; here they lose the characters that may stand in no
/// page or turn the direction of what follows them.
///
/// # Errors
/// As [`replace`].
pub fn replace_page(disk: &dyn Disk, path: &Path, page: Markup) -> Result<(), ReportError> {
    replace(disk, path, harmless(&page.into_string()).as_bytes())
}

/// As [`replace`], with a value as indented JSON.
///
/// # Errors
/// As [`replace`], and for a value that JSON cannot hold.
pub fn replace_json(disk: &dyn Disk, path: &Path, value: &impl Serialize) -> Result<(), ReportError> {
    let json = serde_json::to_string_pretty(value).map_err(|error| ReportError::content(path, error.to_string()))?;
    replace(disk, path, (json + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::atomic_file::System;

    #[test]
    fn a_page_holds_no_control_characters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let name = "a\u{0}\u{1b}b\u{202e}<";
        replace_page(&System, &path, maud::html! { p { (name) } "\n" }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "<p>a??b???&lt;</p>\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(&System, folder.path(), b"").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot write {}", folder.path().to_string_lossy())),
            "{error}"
        );
    }
}
