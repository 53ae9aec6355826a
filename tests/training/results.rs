//! A command in a process that can be told which disk to write to, and what its results must have in common with others.
//!
//! Each way in which a disk can fail them takes a training or two to try. A usual test run has time for a few, evenly
//! spread; the environment variable `DISK_FAULTS` asks each test for another number of them, all if it is large enough:
//! `DISK_FAULTS=10000 cargo test --test training command -- --nocapture`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;
use wise_srnet::atomic_file::{Disk, System};
use wise_srnet::cli::train_on;
use wise_srnet::experiment::Registry;
use wise_srnet::runner::folder::{
    BEST, DAMAGED_HISTORY, DAMAGED_STATE, ENVIRONMENT, EVENTS, FIGURES, HISTORY, LAST, LOCK, PAGE, PREVIOUS,
};
use wise_srnet::training::Outcome;

use super::state::{files, state, without_seconds};

/// Two heads, one of them with a kernel, each with two epochs of two steps, all of which are saved.
const TINY: &str = r#"Experiment(
    name: "tiny",
    network: "mini_resnet",
    image_size: 64,
    heads: [gap, wise_srnet],
    epochs: 2,
    batch_size: 4,
    save_every_steps: 1,
    checkpoints: EveryEpochs(1),
    data: (
        layout: Generated(train_per_class: 1, test_per_class: 1, image_size: 64, seed: 0),
    ),
    augmentation: (horizontal_flip: true),
    optimizer: (learning_rate: 0.01),
)"#;

/// Faults or power cuts of a test in a usual test run.
const TRIED: usize = 4;

const RUNS: [&str; 2] = ["gap-seed0", "wise_srnet-seed0"];

/// Results that nothing has disturbed.
pub static WHOLE: LazyLock<Place> = LazyLock::new(|| {
    let whole = Place::new();
    whole.train().unwrap();
    whole
});

/// A place with the experiment and a disk for its results.
pub struct Place {
    folder: TempDir,
    disk: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.ron"), TINY).unwrap();
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        Self { folder, disk }
    }

    /// Another place, with what this one's disk holds.
    fn copy(&self) -> Self {
        let copy = Self::new();
        for name in files(&self.disk) {
            let path = copy.disk.join(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(self.disk.join(name), path).unwrap();
        }
        copy
    }

    /// The folder that results come into, with the experiment's name.
    pub fn disk(&self) -> &Path {
        &self.disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.disk.join("tiny").join(name)
    }

    /// Trains as the command does, or goes on.
    pub fn train(&self) -> Result<(), String> {
        self.train_on(&System)
    }

    pub fn train_on(&self, disk: &dyn Disk) -> Result<(), String> {
        let words: [OsString; 3] = [
            self.folder.path().join("tiny.ron").into(),
            "--out".into(),
            (&self.disk).into(),
        ];
        let outcome = train_on(disk, words, &Registry::builtin())?;
        assert_eq!(outcome, Outcome::Finished);
        Ok(())
    }

    /// With finished results that a command has to mend: one run's last state is cut short, so that the one before takes
    /// over, its best weights are lost, and no history has its rows; another's history is no history.
    pub fn damaged() -> Self {
        let place = WHOLE.copy();
        place.damage();
        place
    }

    fn damage(&self) {
        let [other, run] = RUNS;
        let last = self.path(run).join(LAST);
        let whole = fs::read(&last).unwrap();
        fs::write(last, &whole[..whole.len() / 2]).unwrap();
        fs::remove_file(self.path(run).join(BEST)).unwrap();
        for history in [self.path(run).join(HISTORY), self.path(HISTORY)] {
            let text = fs::read_to_string(&history).unwrap();
            let others = text.lines().filter(|line| !line.starts_with("wise_srnet,"));
            fs::write(&history, others.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        }
        fs::write(self.path(other).join(HISTORY), "no history").unwrap();
    }

    /// Asserts that everything has ended here as in [`WHOLE`] results, but what tells of clocks and of interruptions.
    #[track_caller]
    pub fn assert_whole_results(&self, after: &dyn Debug) {
        for run in RUNS {
            assert!(
                state(&self.path(run)) == state(&WHOLE.path(run)),
                "other bits in {run} after {after:?}"
            );
        }
        let [found, expected] = [self, &WHOLE].map(|place| told(&place.path("")));
        let names = |told: &BTreeMap<String, Vec<u8>>| told.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "after {after:?}");
        for (name, bytes) in &found {
            assert!(*bytes == expected[name], "another {name} after {after:?}");
        }
    }
}

/// A path's last part.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Every n-th, so that no more remain than a test run has time for. A write has six steps: the distance has no divisor in
/// common with them, so that each of them has its turn.
pub fn every_nth<T: Clone>(all: &[T]) -> Vec<T> {
    let wanted = std::env::var("DISK_FAULTS").map_or(TRIED, |number| number.parse().unwrap());
    let mut distances = all.len().div_ceil(wanted)..;
    let distance = distances.find(|distance| distance % 2 != 0 && distance % 3 != 0);
    all.iter().step_by(distance.unwrap_or(1)).cloned().collect()
}

/// All files of results but checkpoints, without clock times.
fn told(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut told = BTreeMap::new();
    for name in files(folder) {
        let path = folder.join(&name);
        let bytes = || fs::read(&path).unwrap();
        let text = || fs::read_to_string(&path).unwrap();
        let kept = match file_name(&name) {
            LOCK | PREVIOUS | DAMAGED_STATE | DAMAGED_HISTORY => continue,
            checkpoint if checkpoint.ends_with(".safetensors") => Vec::new(),
            ENVIRONMENT => {
                let value: Value = serde_json::from_str(&text()).unwrap();
                assert!(!value["sessions"].as_array().unwrap().is_empty());
                Vec::new()
            }
            EVENTS => lengths(&bytes()),
            FIGURES => {
                let mut value = serde_json::from_str(&text()).unwrap();
                forget_seconds(&mut value);
                value.to_string().into()
            }
            PAGE => without_durations(&text()).into(),
            table if table.ends_with(".csv") => without_seconds(&path).join("\n").into(),
            _ => bytes(),
        };
        told.insert(name, kept);
    }
    told
}

/// The lengths of an event file's records, whose checksums must be right.
fn lengths(mut file: &[u8]) -> Vec<u8> {
    let mut lengths = Vec::new();
    while !file.is_empty() {
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let (data, sum) = file[12..length + 16].split_at(length);
        let expected = crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(sum, expected.to_le_bytes(), "a damaged record");
        lengths.extend(length.to_le_bytes());
        file = &file[length + 16..];
    }
    lengths
}

fn forget_seconds(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| match name.as_str() {
            "seconds" => *value = Value::Null,
            _ => forget_seconds(value),
        }),
        Value::Array(values) => values.iter_mut().for_each(forget_seconds),
        _ => {}
    }
}

/// A page without durations, in whichever unit: one of a process that had to wait is in minutes.
fn without_durations(page: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let without = |page: String, unit: &str| {
        let mut parts: Vec<&str> = page.split(unit).collect();
        let last = parts.pop();
        let numberless = parts.into_iter().map(|part| part.trim_end_matches(is_number));
        numberless.chain(last).collect::<Vec<_>>().join(" s")
    };
    [" h", " min", " s"].into_iter().fold(page.to_owned(), without)
}
