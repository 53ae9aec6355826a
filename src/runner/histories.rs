//! The rows of runs that go on, checked: a run's epochs are all there, each once. A run's rows stand in its own history
//! and in that of the experiment, so what one of them lacks the other may have; the last row stands in the checkpoint
//! too, which knows it best.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::contents::entries;
use super::error::FolderError;
use super::folder::{DAMAGED_HISTORY, HISTORY, run_of};
use crate::atomic_file::Disk;
use crate::report::{EpochRow, ReportError, read_history, run_folder};
use crate::text::printable;

/// Rows, and what had to be done to have them.
#[derive(Debug, Default, PartialEq)]
pub struct Kept {
    /// The rows, by epoch.
    pub rows: Vec<EpochRow>,
    /// Sentences about what was missing, left out or restored.
    pub told: Vec<String>,
}

/// How far a run has come by its checkpoint.
#[derive(Debug, Clone)]
pub struct Reached {
    /// Finished epochs.
    pub epochs: u64,
    /// The row of the last of them.
    pub last: Option<EpochRow>,
}

/// A history as it was found.
struct Stored {
    path: PathBuf,
    rows: Vec<EpochRow>,
    /// Why nothing of it could be read.
    damage: Option<String>,
    is_torn: bool,
}

/// The histories of a results folder.
pub struct Histories {
    folder: PathBuf,
    /// The experiment's.
    shared: Stored,
}

impl Histories {
    /// Reads the experiment's history; a run's own is read when it is asked for.
    ///
    /// # Errors
    /// A file that cannot be read at all. Damage in it is no error.
    pub fn of(folder: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            folder: folder.to_owned(),
            shared: Stored::read(folder.join(HISTORY))?,
        })
    }

    /// Whether the experiment's history tells of a run.
    pub fn know(&self, head: &str, seed: u64) -> bool {
        self.shared.of_run(head, seed).next().is_some()
    }

    /// The rows of a run that has a checkpoint.
    ///
    /// # Errors
    /// A head that can't name a folder, a file that cannot be read or set aside.
    pub fn of_run(&self, disk: &dyn Disk, head: &str, seed: u64, reached: &Reached) -> Result<Kept, ReportError> {
        self.merged(disk, head, seed, Some(reached))
    }

    /// The rows of all runs but these, as far as the histories know them. Of the experiment's own damage it is told
    /// here.
    ///
    /// # Errors
    /// As [`of_run`](Self::of_run).
    pub fn of_others(&self, disk: &dyn Disk, runs: &[(&str, u64)]) -> Result<Kept, ReportError> {
        let mut told = Vec::new();
        self.shared.set_aside_if_damaged(disk, &mut told)?;
        let mut others: Vec<(String, u64)> = Vec::new();
        let known = self.shared.rows.iter().map(|row| (row.head.clone(), row.seed));
        for run in known.chain(self.runs_with_histories()?) {
            if !runs.contains(&(run.0.as_str(), run.1)) && !others.contains(&run) {
                others.push(run);
            }
        }
        let mut rows = Vec::new();
        for (head, seed) in others {
            let kept = self.merged(disk, &head, seed, None)?;
            rows.extend(kept.rows);
            told.extend(kept.told);
        }
        Ok(Kept { rows, told })
    }

    fn runs_with_histories(&self) -> Result<Vec<(String, u64)>, FolderError> {
        let named = entries(&self.folder)?.into_iter();
        let with_history = named.filter(|(_, entry)| entry.path().join(HISTORY).is_file());
        let runs = with_history.filter_map(|(name, _)| run_of(&name).map(|(head, seed)| (head.to_owned(), seed)));
        Ok(runs.collect())
    }

    fn merged(&self, disk: &dyn Disk, head: &str, seed: u64, reached: Option<&Reached>) -> Result<Kept, ReportError> {
        let own = Stored::read(self.folder.join(run_folder(head, seed)?).join(HISTORY))?;
        let path = printable(&own.path);
        let mine: Vec<&EpochRow> = own.of_run(head, seed).collect();
        let shared: Vec<&EpochRow> = self.shared.of_run(head, seed).collect();
        let mut told = Vec::new();
        own.set_aside_if_damaged(disk, &mut told)?;

        let foreign = own.rows.len() - mine.len();
        if foreign > 0 {
            told.push(format!(
                "{path}: {foreign} of its rows are of other runs and were left out"
            ));
        }
        let mut seen = BTreeSet::new();
        let doubled: Vec<u64> = mine
            .iter()
            .map(|row| row.epoch)
            .filter(|&epoch| !seen.insert(epoch))
            .collect();
        if !doubled.is_empty() {
            told.push(format!(
                "{path}: {} there more than once; the later row counts",
                epochs(doubled)
            ));
        }
        if own.damage.is_none() && told.len() > usize::from(own.is_torn) {
            own.set_aside(disk)?;
        }

        let all = || mine.iter().chain(&shared).map(|row| row.epoch);
        let end = reached.map_or_else(|| all().max().unwrap_or(0), |reached| reached.epochs);
        let last = reached.and_then(|reached| reached.last.as_ref());
        let (mut rows, mut restored, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for epoch in 1..=end {
            let of = |rows: &[&EpochRow]| rows.iter().rev().find(|row| row.epoch == epoch).map(|&row| row.clone());
            let (here, there) = (of(&mine), of(&shared));
            let row = match last.filter(|last| last.epoch == epoch) {
                Some(last) => {
                    if here.as_ref() != Some(last) {
                        told.push(format!(
                            "{path}: the row of epoch {epoch} is restored from the checkpoint"
                        ));
                    }
                    Some(last.clone())
                }
                None if here.is_none() && there.is_some() => {
                    restored.push(epoch);
                    there
                }
                None => here,
            };
            if row.is_none() {
                missing.push(epoch);
            }
            rows.extend(row);
        }
        if !restored.is_empty() {
            let from = printable(&self.shared.path);
            told.push(format!("{path}: {} restored from {from}", epochs(restored)));
        }
        if !missing.is_empty() {
            told.push(format!(
                "{path}: {} missing, and no other file has them: curves have a gap",
                epochs(missing)
            ));
        }
        let beyond: BTreeSet<u64> = all().filter(|&epoch| epoch > end).collect();
        if !beyond.is_empty() {
            let beyond = epochs(beyond);
            told.push(format!(
                "{path}: {beyond} left out: the checkpoint is from before, and they are trained again"
            ));
        }
        Ok(Kept { rows, told })
    }
}

impl Stored {
    /// Reads a history; one that isn't there has no rows.
    fn read(path: PathBuf) -> Result<Self, ReportError> {
        let nothing = |path, damage| Self {
            path,
            rows: Vec::new(),
            damage,
            is_torn: false,
        };
        if !path.exists() {
            return Ok(nothing(path, None));
        }
        match read_history(&path) {
            Ok(history) => Ok(Self {
                path,
                rows: history.rows,
                damage: None,
                is_torn: history.torn_line.is_some(),
            }),
            Err(error @ ReportError::File { .. }) => Err(error),
            Err(error) => Ok(nothing(path, Some(error.to_string()))),
        }
    }

    fn of_run(&self, head: &str, seed: u64) -> impl Iterator<Item = &EpochRow> {
        self.rows.iter().filter(move |row| row.head == head && row.seed == seed)
    }

    fn set_aside_if_damaged(&self, disk: &dyn Disk, told: &mut Vec<String>) -> Result<(), ReportError> {
        if let Some(damage) = &self.damage {
            told.push(format!("{damage}. The file is kept as {DAMAGED_HISTORY}"));
            self.set_aside(disk)?;
        }
        if self.is_torn {
            told.push(format!(
                "{}: its last line is incomplete and was left out",
                printable(&self.path)
            ));
        }
        Ok(())
    }

    /// Keeps the file as it is: a person may mend more of it than this program can.
    fn set_aside(&self, disk: &dyn Disk) -> Result<(), ReportError> {
        let aside = self.path.with_file_name(DAMAGED_HISTORY);
        disk.rename(&self.path, &aside).map_err(|source| ReportError::File {
            action: "rename",
            path: self.path.clone(),
            source,
        })
    }
}

/// `epoch 3 is`, `epochs 2 to 4, 7 are`
fn epochs(epochs: impl IntoIterator<Item = u64>) -> String {
    let epochs: BTreeSet<u64> = epochs.into_iter().collect();
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for &epoch in &epochs {
        match stretches.last_mut() {
            Some((_, end)) if *end + 1 == epoch => *end = epoch,
            _ => stretches.push((epoch, epoch)),
        }
    }
    let named: Vec<String> = stretches
        .into_iter()
        .map(|(start, end)| {
            if start == end {
                start.to_string()
            } else {
                format!("{start} to {end}")
            }
        })
        .collect();
    let (noun, verb) = if epochs.len() == 1 {
        ("epoch", "is")
    } else {
        ("epochs", "are")
    };
    format!("{noun} {} {verb}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::atomic_file::System;
    use crate::report::write_history;

    fn row(head: &str, epoch: u64) -> EpochRow {
        EpochRow {
            head: head.to_owned(),
            seed: 0,
            epoch,
            learning_rate: 0.1,
            train_loss: 1.0 / epoch as f64,
            train_accuracy: 0.5,
            test_loss: 1.0,
            test_accuracy: 0.5,
            seconds: 1.0,
            validation_loss: None,
            validation_accuracy: None,
            test_top5_accuracy: None,
        }
    }

    fn rows(head: &str, epochs: &[u64]) -> Vec<EpochRow> {
        epochs.iter().map(|&epoch| row(head, epoch)).collect()
    }

    /// What is kept of a run of four epochs whose histories hold these rows.
    fn kept(own: &[EpochRow], shared: &[EpochRow]) -> (Kept, bool) {
        let folder = tempfile::tempdir().unwrap();
        let own_file = folder.path().join("gap-seed0/history.csv");
        write_history(&System, &own_file, own).unwrap();
        write_history(&System, &folder.path().join(HISTORY), shared).unwrap();
        let reached = Reached {
            epochs: 4,
            last: Some(row("gap", 4)),
        };
        let histories = Histories::of(folder.path()).unwrap();
        let mut kept = histories.of_run(&System, "gap", 0, &reached).unwrap();
        for told in &mut kept.told {
            *told = told.replace(&format!("{}/", folder.path().to_string_lossy()), "");
        }
        (kept, own_file.with_file_name(DAMAGED_HISTORY).exists())
    }

    #[test]
    fn whole_histories_are_kept_without_a_word() {
        let whole = rows("gap", &[1, 2, 3, 4]);
        let (kept, is_aside) = kept(&whole, &[]);
        assert_eq!((kept.rows, kept.told), (whole, Vec::new()));
        assert!(!is_aside);
    }

    #[test]
    fn rows_that_one_history_lacks_come_from_the_other_or_the_checkpoint() {
        let whole = rows("gap", &[1, 2, 3, 4]);
        let (kept, is_aside) = kept(&rows("gap", &[1]), &whole);
        assert_eq!(kept.rows, whole);
        let told = [
            "gap-seed0/history.csv: the row of epoch 4 is restored from the checkpoint",
            "gap-seed0/history.csv: epochs 2 to 3 are restored from history.csv",
        ];
        assert_eq!(kept.told, told);
        assert!(!is_aside, "nothing of it was wrong");
    }

    #[test]
    fn rows_that_no_file_has_are_named() {
        let (kept, _) = kept(&rows("gap", &[2, 4]), &rows("gap", &[2, 4]));
        assert_eq!(kept.rows, rows("gap", &[2, 4]));
        let told = "gap-seed0/history.csv: epochs 1, 3 are missing, and no other file has them: curves have a gap";
        assert_eq!(kept.told, [told]);
    }

    #[test]
    fn rows_of_other_runs_doubles_and_epochs_that_the_checkpoint_has_not_are_left_out() {
        let mut own = rows("gap", &[1, 2, 2, 3, 4, 5]);
        own[1].train_loss = 9.0;
        own.insert(0, row("wise_srnet", 1));
        let (kept, is_aside) = kept(&own, &[]);
        assert_eq!(kept.rows, rows("gap", &[1, 2, 3, 4]));
        let told = [
            "gap-seed0/history.csv: 1 of its rows are of other runs and were left out",
            "gap-seed0/history.csv: epoch 2 is there more than once; the later row counts",
            "gap-seed0/history.csv: epoch 5 is left out: the checkpoint is from before, and they are trained again",
        ];
        assert_eq!(kept.told, told);
        assert!(is_aside);
    }

    #[test]
    fn the_checkpoints_row_counts_where_the_history_has_another() {
        let mut own = rows("gap", &[1, 2, 3, 4]);
        own[3].test_accuracy = 1.0;
        let (kept, _) = kept(&own, &[]);
        assert_eq!(kept.rows, rows("gap", &[1, 2, 3, 4]));
        assert_eq!(
            kept.told,
            ["gap-seed0/history.csv: the row of epoch 4 is restored from the checkpoint"]
        );
    }

    #[test]
    fn runs_that_are_left_out_keep_the_rows_that_either_history_has() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("gap-seed0").join(HISTORY);
        write_history(&System, &own, &rows("gap", &[1, 2])).unwrap();
        fs::write(folder.path().join(HISTORY), "no history").unwrap();
        let others = |runs: &[(&str, u64)]| Histories::of(folder.path()).unwrap().of_others(&System, runs).unwrap();
        let kept = others(&[("wise_srnet", 0)]);
        assert_eq!(kept.rows, rows("gap", &[1, 2]));
        assert!(kept.told[0].contains("not a history"), "{:?}", kept.told);
        assert_eq!(fs::read(folder.path().join(DAMAGED_HISTORY)).unwrap(), b"no history");
        write_history(&System, &folder.path().join(HISTORY), &rows("gap", &[1, 3])).unwrap();
        assert_eq!(others(&[]).rows, rows("gap", &[1, 2, 3]));
        assert_eq!(others(&[("gap", 0)]), Kept::default());
    }
}
