//! What a person sees while a run trains: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;
use super::text::duration;
use crate::training::{EpochResult, Progress};

/// How often a plain line is printed within an epoch.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// The bar that is on the terminal.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Runs something that prints, with the bar out of its way.
pub fn suspended<R>(print: impl FnOnce() -> R) -> R {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

fn show(bar: Option<ProgressBar>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

/// Shows the progress of one run.
pub struct RunProgress {
    bar: Option<ProgressBar>,
    name: String,
    epochs: u64,
    started: Instant,
    last_line: Instant,
    /// Images trained on since the run was started or resumed.
    images: u64,
    images_per_epoch: u64,
}

impl RunProgress {
    /// For a run of `epochs` epochs of `images_per_epoch` images.
    pub fn new(name: &str, epochs: u64, images_per_epoch: u64) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(images_per_epoch), ProgressDrawTarget::stderr());
            bar.set_style(style("{prefix} [{bar:24}] {percent:>3} %  {msg}"));
            bar
        });
        show(bar.clone());
        let name = name.to_owned();
        Self {
            bar,
            name,
            epochs,
            started: now,
            last_line: now,
            images: 0,
            images_per_epoch,
        }
    }

    /// A step is done.
    pub fn step(&mut self, progress: &Progress) {
        self.images += progress.images as u64;
        let done = ((progress.batch as u64) * self.images_per_epoch).div_ceil(progress.batches.max(1) as u64);
        let rate = self.images as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        let left = (self.epochs - progress.epoch) * self.images_per_epoch + self.images_per_epoch.saturating_sub(done);
        let message = format!(
            "loss {:.4}  accuracy {:.1} %  {rate:.1} images/s  {} left",
            progress.scores.loss,
            100.0 * progress.scores.accuracy,
            duration(left as f64 / rate)
        );
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{} epoch {}/{}", self.name, progress.epoch, self.epochs));
            bar.set_position(done);
            bar.set_message(message);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            let share = 100 * progress.batch / progress.batches.max(1);
            output::tell(format_args!(
                "{} epoch {}/{}: {share} %  {message}",
                self.name, progress.epoch, self.epochs
            ));
            self.last_line = Instant::now();
        }
    }

    /// An epoch is done.
    pub fn epoch(&mut self, result: &EpochResult) {
        let validation = result
            .validation
            .map(|scores| format!("  validation {:.1} %", 100.0 * scores.accuracy));
        let line = format!(
            "{} epoch {}/{}: train loss {:.4}, accuracy {:.1} %  test loss {:.4}, accuracy {:.1} %{}  ({:.1} s)",
            self.name,
            result.epoch,
            self.epochs,
            result.train.loss,
            100.0 * result.train.accuracy,
            result.test.loss,
            100.0 * result.test.accuracy,
            validation.unwrap_or_default(),
            result.seconds,
        );
        output::tell(line);
        self.last_line = Instant::now();
    }
}

/// Shows on a terminal how many images have been looked at.
pub struct ImagesProgress(Option<ProgressBar>);

impl ImagesProgress {
    /// Before the first.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            bar.set_style(style("looking at the images [{bar:24}] {pos} of {len}"));
            bar
        });
        show(bar.clone());
        Self(bar)
    }

    /// `done` of `all` images have been looked at.
    pub fn tell(&self, done: usize, all: usize) {
        if let Some(bar) = &self.0 {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }
}

impl Drop for ImagesProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            show(None);
            bar.finish_and_clear();
        }
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            show(None);
            bar.finish_and_clear();
        }
    }
}
