//! A trained network from its checkpoint, which knows what it is of.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::CommandError;
use super::text::printable;
use crate::experiment::{Registry, head_named};
use crate::plan::Precision;
use crate::runner::folder::BEST;
use crate::training::{Checkpoint, Misfit, Model};

/// A checkpoint that a command was asked to use.
pub struct Trained {
    /// Its file.
    pub path: PathBuf,
    /// What is in it.
    pub checkpoint: Checkpoint,
}

impl Trained {
    /// Reads a checkpoint; where `path` is a run's folder, the one of its best epoch.
    pub fn open(path: &Path) -> Result<Self, CommandError> {
        let path = if path.is_dir() { best_of(path)? } else { path.to_owned() };
        let checkpoint = Checkpoint::load(&path)?;
        Ok(Self { path, checkpoint })
    }

    /// Builds the checkpoint's network, gives it the checkpoint's weights, and has it run in this precision, or else in that of its
    /// training.
    pub fn model(&self, registry: &Registry, precision: Option<Precision>) -> Result<Box<dyn Model>, CommandError> {
        let Checkpoint { identity, snapshot, .. } = &self.checkpoint;
        let head = head_named(&identity.head).map_err(|error| self.unusable(&error.to_string()))?;
        let classes = identity.classes.len();
        if classes == 0 {
            return Err(self.unusable("it names no classes"));
        }
        let build = |classes| {
            registry
                .build_named(&identity.network, identity.image_size, head, 0, classes)
                .map_err(|problem| self.unusable(&problem.to_string()))
        };
        let misfit = |misfit: Misfit| self.unusable(&misfit.to_string());
        snapshot.fits(&mut *build(0)?, classes).map_err(misfit)?;
        let mut model = build(classes)?;
        snapshot.restore(&mut *model, None).map_err(misfit)?;
        let chosen = precision.unwrap_or(identity.precision);
        if !model.set_precision(chosen) {
            let reason = format!(
                "its network has operations of dfdx itself, which are f32, not {}",
                chosen.name()
            );
            return Err(match precision {
                Some(_) => CommandError::Usage(format!("--precision: {reason}")),
                None => self.unusable(&reason),
            });
        }
        Ok(model)
    }

    /// For an image whose logits are not finite.
    pub fn not_finite(&self, image: &str) -> CommandError {
        self.unusable(&format!(
            "with its weights, what the network says of '{image}' is not a finite number; use another checkpoint, or \
             train again with a lower learning rate"
        ))
    }

    fn unusable(&self, reason: &str) -> CommandError {
        CommandError::Usage(format!("'{}' can't be used: {reason}", printable(&self.path)))
    }
}

/// The best checkpoint in a run's folder.
fn best_of(folder: &Path) -> Result<PathBuf, CommandError> {
    let best = folder.join(BEST);
    if best.is_file() {
        return Ok(best);
    }
    let inner = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut runs: Vec<PathBuf> = inner.filter(|inner| inner.join(BEST).is_file()).collect();
    runs.sort();
    let advice = match runs.first() {
        Some(run) => format!("name the folder of one run, such as '{}'", printable(run)),
        None => "name the folder of a run that has finished an epoch, or a checkpoint (.safetensors)".to_owned(),
    };
    let name = best.file_name().unwrap_or_default().to_string_lossy();
    Err(CommandError::Usage(format!(
        "'{}' holds no {name}: {advice}",
        printable(folder)
    )))
}
