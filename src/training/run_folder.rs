//! A run's folder: which checkpoints are in it, and which one the run goes on from.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::info;

use super::checkpoint::{Checkpoint, Identity, Position};
use super::checkpoint_error::CheckpointError;
use crate::atomic_file::Disk;
use crate::runner::folder::{BEST, DAMAGED_STATE, HISTORY, LAST, PREVIOUS, is_checkpoint, kept};

/// The checkpoints of a run, on a disk.
pub(super) struct RunFolder<'a> {
    pub path: &'a Path,
    pub disk: &'a dyn Disk,
}

/// The weights of a run's best epoch, as they were found.
#[derive(Debug, PartialEq, Eq)]
pub enum BestWeights {
    /// They are in their file.
    Intact,
    /// They were lost, and another file had them.
    Restored {
        /// What was wrong with their file.
        lost: String,
        /// The file that had them.
        from: String,
    },
    /// They are nowhere. A later epoch that is better writes the file again.
    Lost {
        /// What is wrong with their file.
        lost: String,
    },
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
    /// may not be read, is not passed over, nor are results without a state: a run would silently start over in their
    /// place.
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
            Err(previous) if previous.is_missing() && unreadable.is_missing() => self.refuse_results().map(|()| None),
            Err(previous) if unreadable.is_missing() => Err(previous),
            Err(_) => Err(unreadable),
        }
    }

    fn refuse_results(&self) -> Result<(), CheckpointError> {
        let names = fs::read_dir(self.path).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<String> = names.filter(|name| is_checkpoint(name) || name == HISTORY).collect();
        if found.is_empty() {
            return Ok(());
        }
        found.sort();
        Err(CheckpointError::StateLost {
            folder: self.path.to_owned(),
            found: found.join(", "),
        })
    }

    /// Whether there is a state, in whatever condition.
    pub fn has_state(&self) -> bool {
        [LAST, PREVIOUS].iter().any(|name| self.path.join(name).exists())
    }

    /// Looks for the weights of a run's best epoch. If they are lost, but another file holds that epoch's, they are
    /// written again. `epoch` is the best one as the history tells, `position` where the run stands.
    pub fn best(
        &self,
        identity: &Identity,
        position: &Position,
        epoch: Option<u64>,
    ) -> Result<BestWeights, CheckpointError> {
        let is_best = |checkpoint: &Checkpoint| {
            let found = &checkpoint.position;
            let is_epoch = epoch.is_none_or(|epoch| found.epochs == epoch);
            is_same_run(&checkpoint.identity, identity) && found.batches == 0 && is_epoch && found.best == position.best
        };
        let lost = match Checkpoint::load(&self.path.join(BEST)) {
            // One from after the state was written before a crash: the run comes to that epoch again.
            Ok(best) if is_best(&best) => return Ok(BestWeights::Intact),
            Ok(best) if is_same_run(&best.identity, identity) && best.position.epochs > position.epochs => {
                return Ok(BestWeights::Intact);
            }
            Ok(best) if is_same_run(&best.identity, identity) => {
                format!("is of epoch {}, which is not the best", best.position.epochs)
            }
            Ok(_) => "is of another run".to_owned(),
            Err(error) if error.is_missing() => "is missing".to_owned(),
            Err(CheckpointError::Unusable { reason, .. }) => format!("can't be used ({reason})"),
            Err(error) => return Err(error),
        };
        let Some(epoch) = epoch else {
            return Ok(BestWeights::Lost { lost });
        };
        for name in [LAST.to_owned(), PREVIOUS.to_owned(), kept(epoch)] {
            if let Ok(mut checkpoint) = Checkpoint::load(&self.path.join(&name))
                && is_best(&checkpoint)
            {
                checkpoint.snapshot.velocities.clear();
                self.save_best(&checkpoint)?;
                return Ok(BestWeights::Restored { lost, from: name });
            }
        }
        Ok(BestWeights::Lost { lost })
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

/// Whether two checkpoints are of one run. It can have gone on with images of other contents.
fn is_same_run(one: &Identity, other: &Identity) -> bool {
    let one = Identity {
        contents: other.contents,
        ..one.clone()
    };
    one == *other
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::{Snapshot, StoredTensor};
    use super::*;
    use crate::atomic_file::System;
    use crate::data::decode::Orientation;
    use crate::plan::Precision;

    fn identity(seed: u64) -> Identity {
        Identity {
            network: "mini_resnet".into(),
            image_size: 64,
            orientation: Orientation::Exif,
            precision: Precision::F32,
            head: "gap".into(),
            classes: vec!["sea".into()],
            seed,
            fingerprint: "f".into(),
            contents: 5,
        }
    }

    /// The state at the end of an epoch, whose best accuracy so far is `best`.
    fn state(epochs: u64, best: f64) -> Checkpoint {
        let tensor = StoredTensor {
            shape: vec![1],
            values: vec![epochs as f32],
        };
        Checkpoint {
            identity: identity(0),
            position: Position {
                epochs,
                best: Some(best),
                ..Position::default()
            },
            snapshot: Snapshot {
                tensors: [("head.1.bias".into(), tensor.clone())].into(),
                velocities: [("head.1.bias".into(), tensor)].into(),
                ..Snapshot::default()
            },
        }
    }

    fn weights(mut state: Checkpoint) -> Checkpoint {
        state.snapshot.velocities.clear();
        state
    }

    /// A run of three epochs whose second was the best.
    fn folder_of(run: &RunFolder<'_>) {
        run.save_last(&state(2, 0.5)).unwrap();
        run.save_best(&weights(state(2, 0.5))).unwrap();
        run.save_last(&state(3, 0.5)).unwrap();
    }

    fn best(run: &RunFolder<'_>) -> BestWeights {
        run.best(&identity(0), &state(3, 0.5).position, Some(2)).unwrap()
    }

    #[test]
    fn lost_best_weights_are_restored_from_any_file_of_the_same_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder {
            path: folder.path(),
            disk: &System,
        };
        folder_of(&run);
        assert_eq!(best(&run), BestWeights::Intact);
        let other_images = Identity {
            contents: 6,
            ..identity(0)
        };
        let found = run.best(&other_images, &state(3, 0.5).position, Some(2)).unwrap();
        assert_eq!(found, BestWeights::Intact, "the run may have gone on with other images");
        let file = folder.path().join(BEST);
        let whole = fs::read(&file).unwrap();
        let other_seed = Checkpoint {
            identity: identity(1),
            ..weights(state(2, 0.5))
        };
        let spoil: [(&str, &dyn Fn()); 4] = [
            ("is missing", &|| fs::remove_file(&file).unwrap()),
            ("can't be used", &|| fs::write(&file, "hi").unwrap()),
            ("is of epoch 1, which is not the best", &|| {
                run.save_best(&weights(state(1, 0.25))).unwrap()
            }),
            ("is of another run", &|| run.save_best(&other_seed).unwrap()),
        ];
        let previous = folder.path().join(PREVIOUS);
        for from in [PREVIOUS, &kept(2)] {
            for (said, spoil) in spoil {
                spoil();
                let BestWeights::Restored { lost, from: found } = best(&run) else {
                    panic!("not restored: {said}");
                };
                assert!(lost.starts_with(said) && found == from, "{lost} {found}");
                assert_eq!(fs::read(&file).unwrap(), whole, "after {said}");
            }
            if previous.exists() {
                run.save_epoch(2, &weights(state(2, 0.5))).unwrap();
                fs::remove_file(&previous).unwrap();
            }
        }
        fs::remove_file(folder.path().join(kept(2))).unwrap();
        fs::write(&file, "hi").unwrap();
        assert!(matches!(best(&run), BestWeights::Lost { .. }));
        assert_eq!(
            fs::read(&file).unwrap(),
            b"hi",
            "nothing is put in the place of what is lost"
        );
    }

    #[test]
    fn best_weights_that_a_crash_left_ahead_of_the_state_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder {
            path: folder.path(),
            disk: &System,
        };
        folder_of(&run);
        run.save_best(&weights(state(4, 0.75))).unwrap();
        assert_eq!(best(&run), BestWeights::Intact);
    }

    #[test]
    fn results_without_a_state_are_not_started_over() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder {
            path: folder.path(),
            disk: &System,
        };
        assert!(run.newest().unwrap().is_none());
        for name in [BEST, HISTORY, DAMAGED_STATE, &kept(7)] {
            fs::write(folder.path().join(name), "").unwrap();
            let said = run.newest().err().unwrap().to_string();
            assert!(
                said.contains("the run's state is lost") && said.contains(name),
                "{said}"
            );
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        assert!(run.newest().unwrap().is_none());
    }
}
