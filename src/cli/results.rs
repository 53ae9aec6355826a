//! The results of an experiment while it is trained: its rows, and its report, which is kept up to date.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::CommandError;
use super::results_folder::{run_path, stored_rows};
use crate::experiment::Run;
use crate::report::{EpochRow, ExperimentFacts, write_histories, write_report};
use crate::runner::folder::HISTORY;
use crate::training::{EpochResult, NoProgress, Scores};

/// The rows of all runs, and the folder with their report.
pub struct Results<'a> {
    folder: &'a Path,
    facts: ExperimentFacts,
    chance: f64,
    rows: Vec<EpochRow>,
    /// When the report was last drawn.
    drawn: Option<Instant>,
}

/// A report of short epochs is drawn this often while they run: its charts can take longer than they do.
const DRAW_EVERY: Duration = Duration::from_secs(10);

impl<'a> Results<'a> {
    /// Nothing but the rows of runs that aren't trained now. `chance` is the accuracy of always guessing the most frequent
    /// class.
    pub fn new(folder: &'a Path, facts: ExperimentFacts, chance: f64, rows: Vec<EpochRow>) -> Self {
        Self {
            folder,
            facts,
            chance,
            rows,
            drawn: None,
        }
    }

    /// Where they are.
    pub fn folder(&self) -> &'a Path {
        self.folder
    }

    /// What has to be said wherever they appear.
    pub fn notes(&self) -> &[String] {
        &self.facts.notes
    }

    /// Takes up an epoch's row.
    pub fn push(&mut self, row: EpochRow) {
        self.rows.push(row);
    }

    /// Takes over a run's stored rows up to its checkpoint's epoch. The program can have ended between the checkpoint and
    /// the row, so the last row is in the checkpoint too.
    pub fn keep_rows(&mut self, run: Run, epochs: u64, last: Option<EpochResult>) -> Result<(), CommandError> {
        let stored = stored_rows(&run_path(self.folder, run)?.join(HISTORY))?;
        self.rows.extend(stored.into_iter().filter(|row| row.epoch < epochs));
        self.rows.extend(last.map(|result| row(run, &result)));
        Ok(())
    }

    /// The epochs of a run so far.
    pub fn epochs_of(&self, run: Run) -> u64 {
        let own = self.rows.iter();
        let own = own.filter(|row| row.head == run.head.name() && row.seed == run.seed);
        own.map(|row| row.epoch).max().unwrap_or(0)
    }

    /// Whether a run has stopped learning, or never began to.
    pub fn no_progress(&self, head: &str, seed: u64) -> Option<NoProgress> {
        let own = self.rows.iter().filter(|row| row.head == head && row.seed == seed);
        let scores = own.map(|row| Scores {
            loss: row.train_loss,
            accuracy: row.train_accuracy,
            top5_accuracy: None,
        });
        NoProgress::of(&scores.collect::<Vec<_>>(), self.facts.train_images, self.chance)
    }

    /// Writes the histories and draws the report.
    pub fn write(&mut self) -> Result<(), CommandError> {
        write_report(self.folder, &self.noted_facts(), &self.rows)?;
        self.drawn = Some(Instant::now());
        Ok(())
    }

    /// Writes the histories after an epoch, and draws the report if it is time to.
    pub fn write_epoch(&mut self) -> Result<(), CommandError> {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY) {
            return Ok(write_histories(self.folder, &self.noted_facts(), &self.rows)?);
        }
        self.write()
    }

    /// The facts, with notes on the runs that make no progress.
    fn noted_facts(&self) -> ExperimentFacts {
        let mut facts = self.facts.clone();
        let runs: BTreeSet<(&str, u64)> = self.rows.iter().map(|row| (row.head.as_str(), row.seed)).collect();
        for (head, seed) in runs {
            let told = self.no_progress(head, seed);
            facts
                .notes
                .extend(told.map(|told| format!("{head} seed {seed}: {told}")));
        }
        facts
    }
}

/// A finished epoch as a line of the history.
pub fn row(run: Run, result: &EpochResult) -> EpochRow {
    EpochRow {
        head: run.head.to_string(),
        seed: run.seed,
        epoch: result.epoch,
        learning_rate: result.learning_rate,
        train_loss: result.train.loss,
        train_accuracy: result.train.accuracy,
        test_loss: result.test.loss,
        test_accuracy: result.test.accuracy,
        seconds: result.seconds,
        validation_loss: result.validation.map(|scores| scores.loss),
        validation_accuracy: result.validation.map(|scores| scores.accuracy),
        test_top5_accuracy: result.test.top5_accuracy,
    }
}
