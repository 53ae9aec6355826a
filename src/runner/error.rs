//! What can be wrong with a results folder.

use std::io;
use std::path::PathBuf;

use crate::text::printable;
use thiserror::Error;

/// Why a results folder can't be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The file system's answer.
    #[error("{}: {source}", printable(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Something else has the name of one of the program's files or folders.
    #[error(
        "{} must be {expected} and is {found}: move it away, or give another `--out` (which may be a link; nothing \
         inside of a results folder may)",
        printable(path)
    )]
    Other {
        /// Its path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Another process writes there.
    #[error("another process is writing to {}; wait for it, or give another `--out`", printable(.0))]
    Locked(PathBuf),
    /// The lock that this process holds is no longer the folder's.
    #[error(
        "{} was moved, deleted or unlocked while this process was writing to it. It writes nothing more there, since \
         another process may; where its results are, the same command goes on with them",
        printable(.0)
    )]
    Lost(PathBuf),
}
