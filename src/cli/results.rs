//! The results of an experiment while it is trained: its rows, and its report, which is kept up to date.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::CommandError;
use super::output;
use crate::experiment::Run;
use crate::report::{EpochRow, ExperimentFacts, write_histories, write_report};
use crate::runner::folder::BEST;
use crate::runner::{Histories, Lock, Reached};
use crate::training::{BestWeights, EpochResult, NoProgress, Position, Scores};

/// The rows of all runs, and the folder with their report.
pub struct Results<'a> {
    lock: &'a Lock<'a>,
    facts: ExperimentFacts,
    chance: f64,
    rows: Vec<EpochRow>,
    /// When the report was last drawn.
    drawn: Option<Instant>,
    /// Warnings that a person has seen.
    told: BTreeSet<String>,
    /// Runs whose best weights are lost, with what is said about them.
    best_lost: Vec<(Run, String)>,
}

/// A report of short epochs is drawn this often while they run: its charts can take longer than they do.
const DRAW_EVERY: Duration = Duration::from_secs(10);

impl<'a> Results<'a> {
    /// Nothing but the rows of runs that aren't trained now. `chance` is the accuracy of always guessing the most frequent
    /// class.
    pub fn new(lock: &'a Lock<'a>, facts: ExperimentFacts, chance: f64, rows: Vec<EpochRow>) -> Self {
        Self {
            lock,
            facts,
            chance,
            rows,
            drawn: None,
            told: BTreeSet::new(),
            best_lost: Vec::new(),
        }
    }

    /// Where they are.
    pub fn folder(&self) -> &'a Path {
        self.lock.folder()
    }

    /// What lets this process alone write there.
    pub fn lock(&self) -> &'a Lock<'a> {
        self.lock
    }

    /// What has to be said wherever they appear.
    pub fn notes(&self) -> &[String] {
        &self.facts.notes
    }

    /// Takes up an epoch's row.
    pub fn push(&mut self, row: EpochRow) {
        self.rows.push(row);
    }

    /// Takes over a run's stored rows up to its checkpoint's epoch, and gives what is to be told about them.
    pub fn keep_rows(
        &mut self,
        run: Run,
        stored: &Histories,
        position: &Position,
    ) -> Result<Vec<String>, CommandError> {
        let reached = Reached {
            epochs: position.epochs,
            last: position.last.map(|result| row(run, &result)),
        };
        let kept = stored.of_run(self.lock, run.head.name(), run.seed, &reached)?;
        self.rows.extend(kept.rows);
        Ok(kept.told)
    }

    /// The first epoch of a run that was as good as its best, by whatever the best is chosen by.
    pub fn best_epoch(&self, run: Run, best: Option<f64>) -> Option<u64> {
        let chosen_by = |row: &EpochRow| row.validation_accuracy.unwrap_or(row.test_accuracy);
        let mut own = self.rows_of(run);
        own.find(|row| Some(chosen_by(row)) == best).map(|row| row.epoch)
    }

    /// Tells if the weights of a run's best epoch were lost. As long as they are, the report says so too.
    pub fn look_after_best(&mut self, run: Run, best: BestWeights) {
        match best {
            BestWeights::Intact => {}
            BestWeights::Restored { lost, from } => output::tell(format_args!(
                "warning: {run}: {BEST} {lost}; it is restored from {from}, which is of the same epoch"
            )),
            BestWeights::Lost { lost } => {
                let note = format!(
                    "{run}: {BEST} {lost}, and no other file has the weights of the best epoch so far; an epoch that is \
                     better writes it again"
                );
                output::tell(format_args!("warning: {note}"));
                self.best_lost.push((run, note));
            }
        }
    }

    /// Takes note of a new best epoch, whose weights are being written.
    pub fn found_best(&mut self, run: Run) {
        self.best_lost.retain(|(lost, _)| *lost != run);
    }

    fn rows_of(&self, run: Run) -> impl Iterator<Item = &EpochRow> {
        let own = self.rows.iter();
        own.filter(move |row| row.head == run.head.name() && row.seed == run.seed)
    }

    /// The epochs of a run so far.
    pub fn epochs_of(&self, run: Run) -> u64 {
        self.rows_of(run).map(|row| row.epoch).max().unwrap_or(0)
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

    /// Writes the histories and draws the report; says its warnings, each once.
    pub fn write(&mut self) -> Result<(), CommandError> {
        self.lock.check()?;
        for warning in write_report(self.lock, self.folder(), &self.noted_facts(), &self.rows)? {
            if self.told.insert(warning.clone()) {
                output::tell(format_args!("warning: {warning}"));
            }
        }
        self.drawn = Some(Instant::now());
        Ok(())
    }

    /// Writes the histories after an epoch, and draws the report if it is time to.
    pub fn write_epoch(&mut self) -> Result<(), CommandError> {
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY) {
            self.lock.check()?;
            return Ok(write_histories(
                self.lock,
                self.folder(),
                &self.noted_facts(),
                &self.rows,
            )?);
        }
        self.write()
    }

    /// The facts, with notes on the runs that make no progress or whose best weights are lost.
    fn noted_facts(&self) -> ExperimentFacts {
        let mut facts = self.facts.clone();
        facts.notes.extend(self.best_lost.iter().map(|(_, note)| note.clone()));
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
