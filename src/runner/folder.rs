//! The names in the folder of an experiment's results, in those of its runs and in that of its thumbnails. No other
//! file knows them.

use std::path::{Path, PathBuf};

/// Keeps a second process out of the folder.
pub const LOCK: &str = ".lock";

/// All settings of the results, after base, variant and command line: an experiment file that gives the same results.
pub const SETTINGS: &str = "resolved.ron";

/// The contents of the images that the results were made with.
pub const CONTENTS: &str = "images.csv";

/// The machines that the results were computed on.
pub const ENVIRONMENT: &str = "environment.json";

/// The report's facts about the experiment, beside its histories.
pub const FACTS: &str = "experiment.json";

/// The epochs of a run, in its folder, and those of all runs.
pub const HISTORY: &str = "history.csv";

/// A history that could not be used as it was, set aside.
pub const DAMAGED_HISTORY: &str = "history.csv.damaged";

/// The page of an experiment, or of several.
pub const PAGE: &str = "report.html";

/// All figures of a page.
pub const FIGURES: &str = "report.json";

/// The accuracy curves; like every chart `<name>.png` and `<name>.svg`.
pub const ACCURACY: &str = "accuracy";

/// The loss curves.
pub const LOSS: &str = "loss";

/// The learning rate over epochs.
pub const LEARNING_RATE: &str = "learning_rate";

/// The confusion matrices.
pub const CONFUSION: &str = "confusion";

/// Each class's gain or loss.
pub const CLASSES: &str = "classes";

/// The weights that the heads learned for each place.
pub const KERNELS: &str = "kernels";

/// The folder with small pictures of test images.
pub const THUMBNAILS: &str = "thumbnails";

/// A run's state: weights, velocities, position.
pub const LAST: &str = "last.safetensors";

/// The state before that one: the run goes on from it if the last can't be read.
pub const PREVIOUS: &str = "previous.safetensors";

/// The weights of a run's best epoch.
pub const BEST: &str = "best.safetensors";

/// A state that could not be read, set aside.
pub const DAMAGED_STATE: &str = "last.safetensors.damaged";

/// A run's history in the form of the paper's notebooks.
pub const KERAS_HISTORY: &str = "keras_history.csv";

/// A run's history for TensorBoard, which reads every file with `tfevents` in its name.
pub const EVENTS: &str = "events.out.tfevents.wise-srnet";

/// The classes that a run's test images were taken for after its last epoch.
pub const LAST_PREDICTIONS: &str = "last_predictions.csv";

/// The same after its best epoch.
pub const BEST_PREDICTIONS: &str = "best_predictions.csv";

/// The head's kernel after a run's last epoch.
pub const KERNEL: &str = "kernel.csv";

/// The folder of the run of a head that can name a folder.
pub fn run(head: &str, seed: u64) -> String {
    format!("{head}-seed{seed}")
}

/// The weights of an epoch that is kept for good.
pub fn kept(epoch: u64) -> String {
    format!("epoch-{epoch:04}.safetensors")
}

/// The thumbnail of a test image in a results folder.
pub fn thumbnail(folder: &Path, index: usize) -> PathBuf {
    folder.join(THUMBNAILS).join(format!("{index}.jpg"))
}

/// Whether a file of this name in the folder of thumbnails is one.
pub fn is_thumbnail(name: &str) -> bool {
    let index = name.strip_suffix(".jpg").and_then(|index| index.parse().ok());
    index.is_some_and(|index: usize| format!("{index}.jpg") == name)
}

/// Whether a file of this name in a results folder is one of the program's.
pub fn is_experiment_file(name: &str) -> bool {
    let charts = [ACCURACY, LOSS, LEARNING_RATE, CONFUSION, CLASSES, KERNELS];
    let chart = name.strip_suffix(".png").or(name.strip_suffix(".svg"));
    let others = [
        LOCK,
        SETTINGS,
        CONTENTS,
        ENVIRONMENT,
        FACTS,
        HISTORY,
        DAMAGED_HISTORY,
        PAGE,
        FIGURES,
    ];
    others.contains(&name) || chart.is_some_and(|chart| charts.contains(&chart))
}

/// The head and the seed of a run by the name of its folder.
pub fn run_of(name: &str) -> Option<(&str, u64)> {
    let (head, seed) = name.rsplit_once("-seed")?;
    let seed = seed.parse().ok()?;
    (!head.is_empty() && run(head, seed) == name).then_some((head, seed))
}

/// Whether a folder of this name in a results folder is one of a run.
pub fn is_run_folder(name: &str) -> bool {
    run_of(name).is_some()
}

/// Whether a file of this name in a run's folder is one of the program's.
pub fn is_run_file(name: &str) -> bool {
    is_checkpoint(name) || is_run_history(name)
}

/// Whether a file of this name in a run's folder is one of its checkpoints.
pub fn is_checkpoint(name: &str) -> bool {
    let epoch = name
        .strip_prefix("epoch-")
        .and_then(|rest| rest.strip_suffix(".safetensors"));
    let is_kept = epoch.and_then(|epoch| epoch.parse().ok()).map(kept).as_deref() == Some(name);
    [LAST, PREVIOUS, BEST, DAMAGED_STATE].contains(&name) || is_kept
}

/// Whether a file of this name in a run's folder tells of its epochs.
pub fn is_run_history(name: &str) -> bool {
    [
        HISTORY,
        DAMAGED_HISTORY,
        KERAS_HISTORY,
        EVENTS,
        LAST_PREDICTIONS,
        BEST_PREDICTIONS,
        KERNEL,
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_this_program_gives_are_its_own() {
        for name in [LAST, BEST, "epoch-0001.safetensors", "epoch-12345.safetensors"] {
            assert!(is_checkpoint(name), "{name}");
        }
        for name in [
            "mine.safetensors",
            "epoch-1.safetensors",
            "epoch-best.safetensors",
            "epoch-+001.safetensors",
        ] {
            assert!(!is_checkpoint(name), "{name}");
        }
        assert!(is_thumbnail("0.jpg") && is_thumbnail("1234.jpg"));
        for name in ["photo.jpg", "01.jpg", "+1.jpg", "-1.jpg", ".jpg", "1.jpeg"] {
            assert!(!is_thumbnail(name), "{name}");
        }
    }
}
