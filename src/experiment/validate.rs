//! The range of every value of an experiment. All that are out of range are found, not only the first.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::path::{Component, Path};

use super::diagnostics::Problem;
use super::syntax::BACKSLASHES;
use super::{
    Augmentation, Checkpoints, DataSection, Experiment, GeneratedSpec, Layout, OnBadImage, Schedule, Validation,
};
use crate::text::{is_device_on_windows, printable};

/// The longest training that is accepted, in epochs; the paper's longest has 220.
const MOST_EPOCHS: usize = 100_000;
/// The most steps between two checkpoints.
const MOST_STEPS: usize = 1_000_000_000;
/// The largest batch, in images.
const LARGEST_BATCH: usize = 65_536;
/// The largest image side, in pixels.
const LARGEST_IMAGE: usize = 4_096;
/// The most images of a limit, or of a class that is generated.
const MOST_IMAGES: usize = 100_000_000;
/// The longest name, in bytes; file systems allow 255 for a name with its additions.
const LONGEST_NAME: usize = 100;

/// All values of `experiment` that are out of range.
pub(super) fn problems(experiment: &Experiment) -> Vec<Problem> {
    let mut checks = Checks::default();
    checks.folder_name("name", &experiment.name);
    if experiment.network.is_empty() {
        checks.refuse("network", "a network's name", "\"\"");
    }
    checks.whole("image_size", experiment.image_size, 1..=LARGEST_IMAGE);
    checks.unique("heads", &experiment.heads);
    checks.unique("seeds", &experiment.seeds);
    checks.whole("epochs", experiment.epochs, 1..=MOST_EPOCHS);
    checks.whole("batch_size", experiment.batch_size, 1..=LARGEST_BATCH);
    checks.data(&experiment.data);
    checks.augmentation(&experiment.augmentation);
    // Weights are updated in single precision.
    let rate = experiment.optimizer.learning_rate;
    checks.number(
        "optimizer.learning_rate",
        rate,
        rate as f32 > 0.0 && (rate as f32).is_finite(),
        "a finite number above 0",
    );
    let momentum = experiment.optimizer.momentum;
    checks.number(
        "optimizer.momentum",
        momentum,
        (0.0..1.0).contains(&momentum),
        "at least 0 and below 1",
    );
    if let Schedule::Staircase { decay, every_epochs } = experiment.schedule {
        checks.number(
            "schedule.decay",
            decay,
            decay > 0.0 && decay <= 1.0,
            "above 0 and at most 1",
        );
        checks.whole("schedule.every_epochs", every_epochs, 1..=MOST_EPOCHS);
    }
    checks.path("weights", experiment.weights.as_deref());
    if let Validation::Fraction(share) = experiment.validation {
        checks.number(
            "validation",
            share,
            share > 0.0 && share < 1.0,
            "a fraction above 0 and below 1",
        );
        if let Layout::Folders {
            validation: Some(folder),
            ..
        } = &experiment.data.layout
        {
            let message =
                "the best epoch can't be chosen by both a share of the training images and the layout's `validation`";
            let problem = Problem::in_field("validation", message).label(format!("the layout names {folder:?}"));
            checks.problems.push(problem.help("remove one of the two"));
        }
    }
    if let Checkpoints::EveryEpochs(epochs) = experiment.checkpoints {
        checks.whole("checkpoints", epochs, 1..=MOST_EPOCHS);
    }
    checks.whole("save_every_steps", experiment.save_every_steps, 1..=MOST_STEPS);
    if let OnBadImage::Skip(limit) = experiment.on_bad_image {
        checks.whole("on_bad_image", limit, 0..=MOST_IMAGES);
    }
    checks.problems
}

#[derive(Default)]
struct Checks {
    problems: Vec<Problem>,
}

impl Checks {
    fn refuse(&mut self, field: &str, expected: &str, found: impl Display) {
        let problem = Problem::in_field(field, format!("`{field}` must be {expected}"));
        self.problems.push(problem.label(format!("found {found}")));
    }

    fn whole(&mut self, field: &str, value: usize, range: RangeInclusive<usize>) {
        if !range.contains(&value) {
            self.refuse(field, &format!("from {} to {}", range.start(), range.end()), value);
        }
    }

    fn number(&mut self, field: &str, value: f64, good: bool, expected: &str) {
        if !good {
            self.refuse(field, expected, value);
        }
    }

    /// A range of factors such as `zoom`: neither end below `least`, none above 10, the first not above the second.
    fn factors(&mut self, field: &str, (low, high): (f64, f64), good_low: bool, expected: &str) {
        if !(good_low && low <= high && high <= 10.0) {
            let expected = format!("(lowest, highest) with {expected}, lowest ≤ highest and highest at most 10");
            self.refuse(field, &expected, format!("({low}, {high})"));
        }
    }

    /// A list that is not empty and holds nothing twice; twice would train the same run twice.
    fn unique<T: Eq + Hash + Display>(&mut self, field: &str, values: &[T]) {
        if values.is_empty() {
            self.problems
                .push(Problem::in_field(field, format!("`{field}` must not be empty")).label("found none"));
        }
        let mut seen = HashSet::new();
        if let Some((at, value)) = values.iter().enumerate().find(|(_, value)| !seen.insert(*value)) {
            let problem = Problem::in_field(
                format!("{field}[{at}]"),
                format!("`{value}` is listed twice in `{field}`"),
            );
            self.problems.push(problem.label("a second time here"));
        }
    }

    /// A name that every file system takes as one folder's.
    fn folder_name(&mut self, field: &str, name: &str) {
        let reserved = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
        let found = match name {
            "" => "an empty name".to_owned(),
            _ if name.len() > LONGEST_NAME => format!("{} bytes", name.len()),
            _ => match name.chars().find(|c| reserved(*c)) {
                Some(c) => format!("{c:?}"),
                None if name.starts_with(['.', ' ', '-']) => "a dot, space or hyphen at its beginning".to_owned(),
                None if name.ends_with(['.', ' ']) => "a dot or space at its end".to_owned(),
                None if is_device_on_windows(name) => format!("`{name}`, which Windows keeps for a device"),
                None => return,
            },
        };
        let expected =
            format!("usable as a folder's name: 1 to {LONGEST_NAME} bytes, such as letters, digits, `_` and `-`");
        self.refuse(field, &expected, found);
    }

    fn path(&mut self, field: &str, path: Option<&Path>) {
        match path {
            Some(path) if path.as_os_str().is_empty() => self.refuse(field, "a path, or `None`", "\"\""),
            Some(path) if path.to_string_lossy().contains(char::is_control) => self.control_characters(field, path),
            Some(path) if path.to_str().is_none() => self.refuse(field, "a path in UTF-8", printable(path)),
            _ => {}
        }
    }

    /// Where `\t` or `\n` of a Windows path was read as a tab or a line break.
    fn control_characters(&mut self, field: &str, path: &Path) {
        let problem = Problem::in_field(field, format!("`{field}` holds control characters"));
        self.problems
            .push(problem.label(format!("read as {path:?}")).help(BACKSLASHES));
    }

    fn data(&mut self, data: &DataSection) {
        self.path("data.path", data.path.as_deref());
        match &data.layout {
            Layout::Intel | Layout::MitIndoor | Layout::SubImageNet => {}
            Layout::Folders {
                train,
                validation,
                test,
            } => {
                self.splits("folder", train, test);
                if let Some(validation) = validation {
                    self.inside("data.layout.validation", "folder", validation);
                    if [train, test].contains(&validation) {
                        let found = format!("{validation:?} for both");
                        self.refuse(
                            "data.layout.validation",
                            "another folder than `train` and `test`",
                            found,
                        );
                    }
                }
            }
            Layout::OneFolder {
                folder,
                classes,
                test_fraction,
                ..
            } => {
                if let Some(folder) = folder {
                    self.inside("data.layout.folder", "folder", folder);
                }
                if let Some(classes) = classes {
                    self.unique("data.layout.classes", classes);
                }
                self.number(
                    "data.layout.test_fraction",
                    *test_fraction,
                    *test_fraction > 0.0 && *test_fraction < 1.0,
                    "a fraction above 0 and below 1",
                );
            }
            Layout::Lists { train, test, images } | Layout::Csv { train, test, images } => {
                self.splits("file", train, test);
                if let Some(images) = images {
                    self.inside("data.layout.images", "folder", images);
                }
            }
            Layout::Generated(spec) => self.generated(spec, data.path.as_deref()),
        }
        if let Some(limit) = data.limit_train {
            self.whole("data.limit_train", limit, 1..=MOST_IMAGES);
        }
        if let Some(limit) = data.limit_test {
            self.whole("data.limit_test", limit, 1..=MOST_IMAGES);
        }
    }

    /// The folders or list files of both splits; `kind` is what they are.
    fn splits(&mut self, kind: &str, train: &str, test: &str) {
        self.inside("data.layout.train", kind, train);
        self.inside("data.layout.test", kind, test);
        if train == test {
            self.refuse(
                "data.layout.test",
                &format!("another {kind} than `train`"),
                format!("{test:?} for both"),
            );
        }
    }

    fn inside(&mut self, field: &str, kind: &str, name: &str) {
        let inside = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if name.contains(char::is_control) {
            self.control_characters(field, Path::new(name));
        } else if name.is_empty() || !inside {
            let expected = format!("a {kind} inside the data set, without `..`");
            self.refuse(field, &expected, format!("{name:?}"));
        }
    }

    fn generated(&mut self, spec: &GeneratedSpec, path: Option<&Path>) {
        self.whole("data.layout.train_per_class", spec.train_per_class, 1..=MOST_IMAGES);
        self.whole("data.layout.test_per_class", spec.test_per_class, 1..=MOST_IMAGES);
        self.whole("data.layout.image_size", spec.image_size as usize, 16..=1024);
        if let Some(path) = path {
            self.refuse(
                "data.path",
                "left out: the program generates this data set",
                printable(path),
            );
        }
    }

    fn augmentation(&mut self, augmentation: &Augmentation) {
        let Augmentation {
            rotation_degrees,
            width_shift,
            height_shift,
            zoom,
            channel_shift,
            brightness,
            ..
        } = *augmentation;
        let turn = (0.0..=360.0).contains(&rotation_degrees);
        self.number("augmentation.rotation_degrees", rotation_degrees, turn, "from 0 to 360");
        for (field, shift) in [
            ("augmentation.width_shift", width_shift),
            ("augmentation.height_shift", height_shift),
        ] {
            self.number(
                field,
                shift,
                (0.0..1.0).contains(&shift),
                "a fraction of the image, at least 0 and below 1",
            );
        }
        self.factors("augmentation.zoom", zoom, zoom.0 > 0.0, "lowest above 0");
        let shift = (0.0..=255.0).contains(&channel_shift);
        self.number("augmentation.channel_shift", channel_shift, shift, "from 0 to 255");
        if let Some(factors) = brightness {
            self.factors(
                "augmentation.brightness",
                factors,
                factors.0 >= 0.0,
                "lowest at least 0",
            );
        }
    }
}
