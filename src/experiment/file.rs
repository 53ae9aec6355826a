//! From a path to a checked experiment, and back to text.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ron::Options;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;

use super::diagnostics::{Origin, Problem, Problems};
use super::outline::Outline;
use super::patchwork::Patchwork;
use super::{Experiment, ExperimentFile, syntax, validate};
use crate::input_file;
use crate::text::{nearest, one_line, one_of, printable, quoted};

/// Largest experiment file that is read, in bytes; real ones have a few thousand.
const LARGEST_FILE: u64 = 64 * 1024;

/// Why an experiment could not be read, or cannot be run as it is.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// There is no such file.
    #[error("there is no experiment file `{}`{present}", printable(path))]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
        /// The experiment files that stand beside it, and the nearest of them.
        present: String,
    },
    /// A folder stands where a file was expected.
    #[error("`{}` is a folder, not an experiment file{present}", printable(path))]
    Folder {
        /// The path that was asked for.
        path: PathBuf,
        /// The experiment files in it.
        present: String,
    },
    /// The file is too large to be an experiment.
    #[error(
        "`{}` is larger than {LARGEST_FILE} bytes: that is no experiment file{instead}",
        printable(path)
    )]
    TooLarge {
        /// The path that was asked for.
        path: PathBuf,
        /// What the file is, and the command for it.
        instead: String,
    },
    /// The file holds bytes that are not UTF-8.
    #[error("`{}` is not a text file: line {line} is not valid UTF-8{instead}", printable(path))]
    NotText {
        /// The path that was asked for.
        path: PathBuf,
        /// Line of the first byte that is not UTF-8, counted from 1.
        line: usize,
        /// What the file is, and the command for it.
        instead: String,
    },
    /// The operating system could not read the file.
    #[error("cannot read `{}`: {source}", printable(path))]
    Unreadable {
        /// The path that was asked for.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The experiment says something wrong; each mistake is shown at its place.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// A file that this one is based on could not be read.
    #[error("{source}\n  = it is the base of `{}`", printable(file))]
    Base {
        /// The file that names it.
        file: PathBuf,
        /// What is wrong with the other one.
        source: Box<ExperimentError>,
    },
    /// The file has no variant of this name.
    #[error(
        "`{}` has no variant `{}`{}",
        printable(file),
        printable(name),
        variants_instead(known, name)
    )]
    NoVariant {
        /// The file.
        file: String,
        /// The name that was asked for.
        name: String,
        /// The variants that there are.
        known: Vec<String>,
    },
    /// One experiment is needed, and the file has several variants.
    #[error("choose a variant with `--variant NAME`: {}", one_of(known.iter().map(String::as_str)))]
    SeveralVariants {
        /// The variants that there are.
        known: Vec<String>,
    },
    /// The experiment cannot be written as RON.
    #[error("the experiment cannot be written as RON: {0}")]
    Unwritable(#[source] ron::Error),
}

/// `Some` need not be written around a value that may be left out, and a variant's fields need only one pair of
/// parentheses.
pub(super) fn ron_options() -> Options {
    Options::default().with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

impl Experiment {
    /// Reads and checks the file of one experiment. Nothing but the file and those that it is based on is looked at:
    /// neither the data set nor the network's registration.
    ///
    /// # Errors
    /// Any [`ExperimentError`]; all values that are out of range are reported together.
    pub fn load(path: &Path) -> Result<Self, ExperimentError> {
        ExperimentFile::load(path, &[])?.into_only()
    }

    /// Reads and checks an experiment from its text; `file_name` is what messages call it.
    ///
    /// # Errors
    /// [`ExperimentError::Invalid`]: the first mistake in the RON, or else all values that are out of range. A text with
    /// several variants is [`ExperimentError::SeveralVariants`].
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ExperimentError> {
        ExperimentFile::parse(text, file_name, &[])?.into_only()
    }

    /// Checks that every value is in its range; [`load`](Self::load) and [`parse`](Self::parse) have done so.
    ///
    /// # Errors
    /// [`ExperimentError::Invalid`] with all values that are out of range.
    pub fn check(&self) -> Result<(), ExperimentError> {
        match validate::problems(self) {
            problems if problems.is_empty() => Ok(()),
            problems => Err(self.invalid(problems)),
        }
    }

    /// The error that shows `problems` at their places in this experiment's file.
    pub fn invalid(&self, problems: Vec<Problem>) -> ExperimentError {
        Problems::new(self.origin.clone(), problems).into()
    }

    /// The experiment as RON with every value written out: defaults, and what the command line changed.
    ///
    /// # Errors
    /// [`ExperimentError::Unwritable`] if a path is not UTF-8, which [`check`](Self::check) refuses.
    pub fn to_ron(&self) -> Result<String, ExperimentError> {
        let pretty = PrettyConfig::default()
            .depth_limit(2)
            .compact_arrays(true)
            .new_line("\n");
        let text = ron_options()
            .to_string_pretty(self, pretty)
            .map_err(ExperimentError::Unwritable)?;
        Ok(format!("Experiment{text}\n"))
    }
}

/// The checked experiment of a text that has neither a base nor variants.
pub(super) fn parse(text: Patchwork) -> Result<Experiment, ExperimentError> {
    let outline = Outline::of(text.text());
    match ron_options().from_str::<Experiment>(text.text()) {
        Ok(mut experiment) => {
            experiment.origin = Origin::new(text, outline);
            experiment.check()?;
            Ok(experiment)
        }
        Err(error) => {
            let problem = syntax::problem(text.text(), &outline, &error);
            Err(Problems::new(Origin::new(text, outline), vec![problem]).into())
        }
    }
}

pub(super) fn read(path: &Path) -> Result<String, ExperimentError> {
    let owned = || path.to_owned();
    if path.is_dir() {
        return Err(ExperimentError::Folder {
            path: owned(),
            present: present(path, None) + &instead_of_folder(path),
        });
    }
    let mut bytes = Vec::new();
    match input_file::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)) {
        Ok(length) if length as u64 > LARGEST_FILE => Err(ExperimentError::TooLarge {
            path: owned(),
            instead: instead(path, &bytes),
        }),
        Ok(_) => String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ExperimentError::NotText {
                path: owned(),
                line: 1 + valid.iter().filter(|byte| **byte == b'\n').count(),
                instead: match instead(path, error.as_bytes()) {
                    unknown if unknown.is_empty() => "\n  = help: save it as UTF-8".to_owned(),
                    known => known,
                },
            }
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            Err(ExperimentError::Missing {
                path: owned(),
                present: present(folder, path.file_name()),
            })
        }
        Err(source) => Err(ExperimentError::Unreadable { path: owned(), source }),
    }
}

/// The command for a file that is no experiment.
fn instead(path: &Path, bytes: &[u8]) -> String {
    let word = quoted(&path.to_string_lossy());
    let help = if image::guess_format(bytes).is_ok() {
        format!("it is an image: `wise-srnet predict --checkpoint FILE {word}` says what a trained network sees in it")
    } else if bytes.starts_with(b"PK\x03\x04") {
        format!("it is a zip file: `wise-srnet new --data {word} mine.ron` writes an experiment for the data set in it")
    } else if path.extension().is_some_and(|ending| ending == "safetensors") {
        format!("it is named like a checkpoint: `wise-srnet predict --checkpoint {word} IMAGE` asks it about an image")
    } else {
        return String::new();
    };
    printed_help(&help)
}

/// The command for a folder without experiment files.
fn instead_of_folder(folder: &Path) -> String {
    if ron_files(folder).is_empty() {
        let word = quoted(&folder.to_string_lossy());
        printed_help(&format!(
            "if it holds photographs, `wise-srnet new --data {word} mine.ron` writes an experiment for them"
        ))
    } else {
        String::new()
    }
}

fn printed_help(help: &str) -> String {
    format!("\n  = help: {}", one_line(help))
}

fn ron_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.retain(|name| name.ends_with(".ron"));
    names.sort();
    names
}

/// Notes that list the experiment files of `folder`, or of `experiments/` if it has none, and suggest the one whose name is nearest to `wanted`.
fn present(folder: &Path, wanted: Option<&std::ffi::OsStr>) -> String {
    /// A folder may hold anything; a message should fit on a screen.
    const MOST_LISTED: usize = 20;
    let shipped = Path::new("experiments");
    let candidates = [folder, shipped].map(|folder| (folder, ron_files(folder)));
    let Some((folder, names)) = candidates.into_iter().find(|(_, names)| !names.is_empty()) else {
        return format!("\n  = there are no .ron files in `{}`", printable(folder));
    };
    let shown_folder = printable(folder);
    let more = if names.len() > MOST_LISTED { ", …" } else { "" };
    let listed = names
        .iter()
        .take(MOST_LISTED)
        .map(printable)
        .collect::<Vec<_>>()
        .join(", ");
    let wanted = wanted
        .map(|name| name.to_string_lossy().trim_end_matches(".ron").to_owned())
        .unwrap_or_default();
    let stems = names.iter().map(|name| name.trim_end_matches(".ron"));
    let suggestion = nearest(&wanted, stems).map(|stem| {
        let file = folder.join(format!("{stem}.ron"));
        format!("\n  = help: did you mean `{}`?", printable(file))
    });
    format!(
        "\n  = in `{shown_folder}`: {listed}{more}{}",
        suggestion.unwrap_or_default()
    )
}

/// What there is in the place of a variant that isn't there.
fn variants_instead(known: &[String], name: &str) -> String {
    if known.is_empty() {
        return ": it has none".to_owned();
    }
    let names = || known.iter().map(String::as_str);
    let suggestion = nearest(name, names()).map(|name| format!("; did you mean `{}`?", printable(name)));
    format!(": {}{}", one_of(names()), suggestion.unwrap_or_default())
}
