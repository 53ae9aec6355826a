//! What can go wrong while a history is read or a report is written: each message names the file, the place and the fix.

use std::path::{Path, PathBuf};

use crate::runner::FolderError;
use crate::text::{one_line, printable};

/// Why a history could not be read or a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The operating system refused to read or write a file.
    #[error("cannot {action} {}: {source}", printable(path))]
    File {
        /// What was tried: "read", "write", …
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file was read, but a line of it is not what the format asks for.
    #[error("{}, line {line}: {}", printable(path), one_line(reason))]
    Line {
        /// The file concerned.
        path: PathBuf,
        /// Line number, counted from 1.
        line: u64,
        /// What is wrong, what was expected.
        reason: String,
    },
    /// A file as a whole is not what the format asks for.
    #[error("{}: {}", printable(path), one_line(reason))]
    Content {
        /// The file or folder concerned.
        path: PathBuf,
        /// What is wrong and what would put it right.
        reason: String,
    },
    /// A head's name cannot stand in a history file or a folder's name.
    #[error("the head name {name:?} cannot name a folder: {reason}")]
    HeadName {
        /// The name as it was given.
        name: String,
        /// What the name breaks.
        reason: &'static str,
    },
    /// The folder is not one that can be read or drawn into.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The curves could not be drawn as an image.
    #[error("cannot draw {}: {reason}", printable(path))]
    Drawing {
        /// The image file concerned.
        path: PathBuf,
        /// The drawing library's reason.
        reason: String,
    },
}

impl ReportError {
    /// For `map_err` on an operation with the file at `path`.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }

    pub(super) fn line(path: &Path, line: u64, reason: impl Into<String>) -> Self {
        Self::Line {
            path: path.to_path_buf(),
            line,
            reason: reason.into(),
        }
    }

    pub(super) fn content(path: &Path, reason: impl Into<String>) -> Self {
        Self::Content {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}
