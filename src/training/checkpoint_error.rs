//! Why a checkpoint can't be written, read or used.

use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::SafeTensorError;
use thiserror::Error;

use super::checkpoint_file::{FORMAT, LARGEST_HEADER};
use crate::runner::folder::{LAST, PREVIOUS};
use crate::text::{one_line, printable};

/// Why a checkpoint could not be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system's answer.
    #[error("{}: {source}", printable(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// What the file holds, or would hold, is no checkpoint to go on from.
    #[error("{}: {}", printable(path), one_line(&reason.to_string()))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: Unusable,
    },
    /// A run has left results, but not the state that it would go on from.
    #[error(
        "{}: the run's state is lost: there is neither {LAST} nor {PREVIOUS}, only {found}. Put one of the two back, or start \
         over with `--fresh` (with `--heads` and `--seeds` this run alone)",
        printable(folder)
    )]
    StateLost {
        /// The run's folder.
        folder: PathBuf,
        /// The results that are there.
        found: String,
    },
}

/// What is wrong with the bytes of a checkpoint.
#[derive(Debug, Error)]
pub enum Unusable {
    /// They are not a safetensors file, or a damaged one.
    #[error("not a readable safetensors file ({0}); if it was cut short, copy it again")]
    Format(SafeTensorError),
    /// The names and sizes of their tensors, and the names of their classes, take more than is read.
    #[error("its names of tensors and classes take more than {} MiB", LARGEST_HEADER >> 20)]
    LongHeader,
    /// They are a safetensors file, but not one of this program's checkpoints.
    #[error("not a checkpoint of this program: {0}")]
    Foreign(String),
    /// They are not what was written.
    #[error("damaged: its checksum is not that of what it holds")]
    Damaged,
    /// Another version of this program wrote them.
    #[error("its format is {0}, this version reads {FORMAT}: use the version that wrote it")]
    OtherFormat(u32),
    /// They are what was written, but nothing can be computed with it.
    #[error("its tensor `{0}` holds values that are not finite numbers: use another checkpoint, or train again")]
    NotFinite(String),
}

impl CheckpointError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the file's bytes are not those of a checkpoint, as after a power failure or on a failing disk.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Io { .. } | Self::StateLost { .. } => false,
            Self::Unusable { reason, .. } => match reason {
                Unusable::Format(_) | Unusable::LongHeader | Unusable::Foreign(_) | Unusable::Damaged => true,
                Unusable::OtherFormat(_) | Unusable::NotFinite(_) => false,
            },
        }
    }

    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn unusable(path: &Path) -> impl Fn(Unusable) -> Self + '_ {
        move |reason| Self::Unusable {
            path: path.to_owned(),
            reason,
        }
    }
}
