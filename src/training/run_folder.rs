//! A run's folder: which checkpoints are in it, and which one the run goes on from.

use std::path::{Path, PathBuf};

use tracing::info;

use super::checkpoint::Checkpoint;
use super::checkpoint_error::CheckpointError;
use crate::atomic_file::Disk;
use crate::runner::folder::{BEST, DAMAGED_STATE, LAST, PREVIOUS, kept};

/// The checkpoints of a run, on a disk.
pub(super) struct RunFolder<'a> {
    pub path: &'a Path,
    pub disk: &'a dyn Disk,
}

/// The newest state that can be read.
pub(super) struct Stored {
    pub checkpoint: Checkpoint,
    /// Its file.
    pub file: PathBuf,
    /// Why it isn't the last that was written.
    pub fallback: Option<CheckpointError>,
}

impl RunFolder<'_> {
    /// The newest state that can be read; none if there has never been one. A state that a newer version wrote, or that
    /// may not be read, is not passed over.
    pub fn newest(&self) -> Result<Option<Stored>, CheckpointError> {
        let file = self.path.join(LAST);
        let unreadable = match Checkpoint::load(&file) {
            Ok(checkpoint) => {
                return Ok(Some(Stored {
                    checkpoint,
                    file,
                    fallback: None,
                }));
            }
            Err(error) => error,
        };
        if !(unreadable.is_missing() || unreadable.is_damage()) {
            return Err(unreadable);
        }
        let file = self.path.join(PREVIOUS);
        match Checkpoint::load(&file) {
            Ok(checkpoint) => Ok(Some(Stored {
                checkpoint,
                file,
                fallback: Some(unreadable),
            })),
            Err(previous) if previous.is_missing() && unreadable.is_missing() => Ok(None),
            Err(previous) if unreadable.is_missing() => Err(previous),
            Err(_) => Err(unreadable),
        }
    }

    /// Moves a last state that can't be read out of the way, so that it doesn't take the place of the one before it.
    pub fn set_aside(&self, unreadable: &CheckpointError) -> Result<(), CheckpointError> {
        info!(%unreadable, "going on from the checkpoint before");
        if unreadable.is_missing() {
            return Ok(());
        }
        let path = self.path.join(LAST);
        self.disk
            .rename(&path, &self.path.join(DAMAGED_STATE))
            .map_err(|source| CheckpointError::Io { path, source })
    }

    /// Replaces the state; the one that it replaces is kept as the one before.
    pub fn save_last(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.save(LAST, Some(PREVIOUS), checkpoint)
    }

    /// Replaces the weights of the best epoch.
    pub fn save_best(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.save(BEST, None, checkpoint)
    }

    /// Keeps the weights of an epoch for good.
    pub fn save_epoch(&self, epoch: u64, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        self.save(&kept(epoch), None, checkpoint)
    }

    fn save(&self, name: &str, previous: Option<&str>, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let path = self.path.join(name);
        let previous = previous.map(|previous| self.path.join(previous));
        checkpoint.save_on(self.disk, &path, previous.as_deref())
    }
}
