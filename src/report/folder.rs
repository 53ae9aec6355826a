//! All files of one results folder: written from rows while an experiment runs, and drawn again from what is stored.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::ReportError;
use super::curves_files::write_curves;
use super::epoch_row::EpochRow;
use super::facts::ExperimentFacts;
use super::head_names::run_folder;
use super::history::{read_history, write_history};
use super::keras_csv::{read_keras_csv, write_keras_csv};
use super::page::Page;
use super::palette::styles;
use super::panels::{accuracy_panels, learning_rate_panels, loss_panels};
use super::runs::group;
use super::tensorboard::{EVENTS, write_events};

const HISTORY: &str = "history.csv";
const KERAS_HISTORY: &str = "keras_history.csv";
const FACTS: &str = "experiment.json";
const IMAGE: &str = "accuracy.png";
const PAGE: &str = "report.html";

/// Whether a file of this name in a run's folder is one of its histories.
pub fn is_run_history(name: &str) -> bool {
    name == HISTORY || name == KERAS_HISTORY || name == EVENTS
}

/// What [`redraw`] wrote, and what it could not use.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrawn {
    /// The accuracy curves.
    pub image: PathBuf,
    /// The page.
    pub page: PathBuf,
    /// Sentences about lines or files that were left out; the page shows them too.
    pub warnings: Vec<String>,
}

/// Writes every file of an experiment's folder `dir`: `history.csv`, `experiment.json`, `report.html`, the curves as
/// PNG and SVG, and per run in `<head>-seed<seed>/` `history.csv`, `keras_history.csv` and TensorBoard's event file, the only one that
/// is appended to; each other file is replaced in one step.
///
/// # Errors
/// A head name that cannot name a folder, before anything is written; a file that cannot be written.
pub fn write_report(dir: &Path, facts: &ExperimentFacts, rows: &[EpochRow]) -> Result<(), ReportError> {
    let heads = group([], rows);
    let runs = heads
        .iter()
        .flat_map(|head| head.runs.iter().map(|run| Ok((run_folder(&head.head, run.seed)?, run))));
    for (folder, run) in runs.collect::<Result<Vec<_>, ReportError>>()? {
        write_history(&dir.join(&folder).join(HISTORY), &run.rows)?;
        write_keras_csv(&dir.join(&folder).join(KERAS_HISTORY), &run.rows)?;
        write_events(&dir.join(&folder).join(EVENTS), &run.rows)?;
    }
    write_history(&dir.join(HISTORY), rows)?;
    facts.write(&dir.join(FACTS))?;
    let stored = Stored {
        name: facts.name.clone(),
        facts: Some(facts.clone()),
        rows: rows.to_vec(),
        warnings: vec![],
    };
    stored.draw(dir).map(drop)
}

/// Draws `report.html` and the curves' PNG and SVG files again from what is stored at `path`; the histories stay as they are.
///
/// | `path` | curves | drawn into |
/// |---|---|---|
/// | a folder with `history.csv`, perhaps `experiment.json` | its heads and seeds | that folder |
/// | a `history.csv` | the same | its folder |
/// | another CSV file, tidy or Keras-style | its heads, or one curve named after the file | a folder beside it, named after it |
/// | a folder of Keras-style CSV files | one per file | that folder |
///
/// # Errors
/// A path that holds none of these, a file that cannot be read, or a mistake in it, with its line.
pub fn redraw(path: &Path) -> Result<Redrawn, ReportError> {
    let metadata = fs::metadata(path).map_err(ReportError::file("read", path))?;
    if metadata.is_dir() {
        let history = path.join(HISTORY);
        let stored = if history.is_file() {
            Stored::tidy(&history, path)?
        } else {
            Stored::keras_folder(path)?
        };
        return stored.draw(path);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if path.file_name().is_some_and(|name| name == HISTORY) {
        return Stored::tidy(path, folder)?.draw(folder);
    }
    let target = folder.join(stem(path));
    if target == path {
        return Err(ReportError::content(path, "a history file's name must end in .csv"));
    }
    let stored = if is_tidy(path)? {
        Stored::tidy(path, &target)?
    } else {
        Stored::keras_file(path)?
    };
    stored.draw(&target)
}

/// What was found at a path.
struct Stored {
    name: String,
    facts: Option<ExperimentFacts>,
    rows: Vec<EpochRow>,
    warnings: Vec<String>,
}

impl Stored {
    fn tidy(history_file: &Path, folder: &Path) -> Result<Self, ReportError> {
        let facts_file = folder.join(FACTS);
        let facts = if facts_file.is_file() {
            Some(ExperimentFacts::read(&facts_file)?)
        } else {
            None
        };
        let history = read_history(history_file)?;
        let torn = history.torn_line.map(|_| {
            format!(
                "The last line of {} is incomplete and was left out.",
                file_name(history_file)
            )
        });
        let name = facts
            .as_ref()
            .map_or_else(|| folder_name(folder), |facts| facts.name.clone());
        Ok(Self {
            name,
            facts,
            rows: history.rows,
            warnings: torn.into_iter().collect(),
        })
    }

    fn keras_file(path: &Path) -> Result<Self, ReportError> {
        let name = stem(path);
        Ok(Self {
            rows: read_keras_csv(path, &name)?,
            name,
            facts: None,
            warnings: Vec::new(),
        })
    }

    fn keras_folder(folder: &Path) -> Result<Self, ReportError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(ReportError::file("read", folder))? {
            let path = entry.map_err(ReportError::file("read", folder))?.path();
            if path.is_file()
                && path
                    .extension()
                    .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
            {
                files.push(path);
            }
        }
        if files.is_empty() {
            let reason = "holds no history: neither history.csv nor a Keras-style CSV file";
            return Err(ReportError::content(folder, reason));
        }
        files.sort();
        let mut rows = Vec::new();
        for file in &files {
            rows.extend(read_keras_csv(file, &stem(file))?);
        }
        Ok(Self {
            name: folder_name(folder),
            facts: None,
            rows,
            warnings: Vec::new(),
        })
    }

    fn draw(self, dir: &Path) -> Result<Redrawn, ReportError> {
        let planned = self
            .facts
            .iter()
            .flat_map(|facts| &facts.heads)
            .map(|head| head.name.as_str());
        let heads = group(planned, &self.rows);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        let (image, page) = (dir.join(IMAGE), dir.join(PAGE));
        let charts = [
            ("accuracy", &accuracy_panels(&heads)[..]),
            ("loss", &loss_panels(&heads)[..]),
            ("learning_rate", &learning_rate_panels(&heads)[..]),
        ];
        for (name, panels) in charts {
            write_curves(&dir.join(name), &self.name, panels, &heads, &styles)?;
        }
        let facts = self.facts.as_ref();
        Page {
            title: &self.name,
            facts,
            heads: &heads,
            styles: &styles,
            warnings: &self.warnings,
        }
        .write(&page)?;
        debug!(page = %page.display(), epochs = self.rows.len(), "report drawn");
        Ok(Redrawn {
            image,
            page,
            warnings: self.warnings,
        })
    }
}

/// Whether a CSV file begins as a tidy history does; a Keras-style one begins with a metric.
fn is_tidy(path: &Path) -> Result<bool, ReportError> {
    let bytes = fs::read(path).map_err(ReportError::file("read", path))?;
    Ok(bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&bytes)
        .starts_with(b"head,"))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder's own name, also where the path is given as `.`.
fn folder_name(folder: &Path) -> String {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let full = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    file_name(&full)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{facts, row};
    use super::*;

    fn rows() -> Vec<EpochRow> {
        (1..=3)
            .flat_map(|e| {
                [
                    row("gap", 0, e, 0.5),
                    row("gap", 1, e, 0.52),
                    row("wise_srnet", 0, e, 0.6),
                ]
            })
            .collect()
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| file_name(&entry.unwrap().path()))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_report_folder_holds_all_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("intel");
        write_report(&dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        let expected = [
            "accuracy.png",
            "accuracy.svg",
            "experiment.json",
            "gap-seed0",
            "gap-seed1",
            "history.csv",
            "learning_rate.png",
            "learning_rate.svg",
            "loss.png",
            "loss.svg",
            "report.html",
            "wise_srnet-seed0",
        ];
        assert_eq!(names(&dir), expected);
        assert_eq!(
            names(&dir.join("gap-seed1")),
            [EVENTS, "history.csv", "keras_history.csv"]
        );
        let run = read_history(&dir.join("gap-seed1/history.csv")).unwrap().rows;
        assert!(run.len() == 3 && run.iter().all(|row| row.seed == 1));
        assert_eq!(read_history(&dir.join("history.csv")).unwrap().rows, rows());
    }

    #[test]
    fn redrawing_a_folder_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        write_report(dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        let files = [PAGE, IMAGE, HISTORY].map(|name| dir.join(name));
        let before = files.each_ref().map(|file| fs::read(file).unwrap());
        for path in [dir.to_path_buf(), dir.join(HISTORY)] {
            let redrawn = redraw(&path).unwrap();
            assert_eq!(
                redrawn,
                Redrawn {
                    image: dir.join(IMAGE),
                    page: dir.join(PAGE),
                    warnings: vec![]
                }
            );
            assert_eq!(files.each_ref().map(|file| fs::read(file).unwrap()), before);
        }
    }

    #[test]
    fn a_torn_line_is_left_out_with_a_warning_on_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let history = folder.path().join(HISTORY);
        write_history(&history, &rows()).unwrap();
        let whole = fs::read(&history).unwrap();
        fs::write(&history, &whole[..whole.len() - 7]).unwrap();
        let redrawn = redraw(folder.path()).unwrap();
        assert_eq!(
            redrawn.warnings,
            ["The last line of history.csv is incomplete and was left out."]
        );
        assert!(fs::read_to_string(redrawn.page).unwrap().contains(&redrawn.warnings[0]));
    }

    #[test]
    fn a_folder_of_keras_histories_has_one_curve_per_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["GAP", "Wise & <b>SrNet"] {
            write_keras_csv(&folder.path().join(format!("{name}.csv")), &rows()).unwrap();
        }
        let page = fs::read_to_string(redraw(folder.path()).unwrap().page).unwrap();
        assert!(page.contains("Wise &amp; &lt;b&gt;SrNet") && !page.contains("<b>SrNet"));
    }

    #[test]
    fn a_single_file_is_drawn_into_a_folder_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (keras, tidy) = (folder.path().join("Xception_GAP.csv"), folder.path().join("mine.csv"));
        write_keras_csv(&keras, &rows()).unwrap();
        write_history(&tidy, &rows()).unwrap();
        assert_eq!(
            redraw(&keras).unwrap().page,
            folder.path().join("Xception_GAP/report.html")
        );
        assert_eq!(redraw(&tidy).unwrap().page, folder.path().join("mine/report.html"));
    }

    #[test]
    fn a_path_without_a_history_is_answered_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let message = redraw(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("neither history.csv nor a Keras-style CSV file"),
            "{message}"
        );
        let absent = folder.path().join("absent.csv");
        let message = redraw(&absent).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("cannot read {}", absent.display())),
            "{message}"
        );
    }

    #[test]
    fn a_head_name_cannot_write_outside_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("out");
        write_report(
            &dir,
            &facts(&["gap"]),
            &[row("gap", 0, 1, 0.5), row("../../gap", 0, 1, 0.5)],
        )
        .unwrap_err();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_experiment_without_rows_has_a_report_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        write_report(folder.path(), &facts(&["gap", "wise_srnet"]), &[]).unwrap();
        let page = fs::read_to_string(folder.path().join(PAGE)).unwrap();
        assert!(page.contains("No epoch with a test accuracy has finished yet."));
    }
}
