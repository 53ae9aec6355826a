//! All files of one results folder: written from rows while an experiment runs, and drawn again from what is stored.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::answers::Answers;
use super::curves_files::write_curves;
use super::disagreements::Disagreements;
use super::epoch_row::EpochRow;
use super::facts::ExperimentFacts;
use super::figures::Figures;
use super::grid::Grid;
use super::grid_files::write_grids;
use super::head_names::run_folder;
use super::history::write_history;
use super::keras_csv::write_keras_csv;
use super::kernels::{HeadKernel, SpatialKernel};
use super::overview;
use super::page::Page;
use super::palette::{HeadStyle, styles};
use super::panels::{accuracy_panels, learning_rate_panels, loss_panels};
use super::predictions::{PredictedImage, write_predictions};
use super::runs::{HeadRuns, group};
use super::stored::{Stored, is_tidy, stem};
use super::summary::{Summary, summarise};
use super::tensorboard::write_events;
use super::{ReportError, glyphs};
use crate::atomic_file::{Disk, folder_of};
use crate::runner::folder::{
    ACCURACY, BEST_PREDICTIONS, CLASSES, CONFUSION, EVENTS, FACTS, FIGURES, HISTORY, KERAS_HISTORY, KERNEL, KERNELS,
    LAST_PREDICTIONS, LEARNING_RATE, LOSS, PAGE,
};
use crate::runner::inspect;
use crate::text::printable;

/// Where a run stands at the end of an epoch, beside its history.
#[derive(Clone, Copy, Debug)]
pub struct RunState<'a> {
    /// What the test images were taken for.
    pub predictions: &'a [PredictedImage],
    /// Whether this is the best epoch so far.
    pub is_best: bool,
    /// The head's kernel, if it has one.
    pub kernel: Option<&'a SpatialKernel>,
}

/// Writes where a run stands into its folder: `last_predictions.csv`, `kernel.csv`, and `best_predictions.csv` where
/// the epoch is the best.
///
/// # Errors
/// A file that cannot be written.
pub fn write_run_state(disk: &dyn Disk, run: &Path, state: RunState<'_>) -> Result<(), ReportError> {
    if state.is_best {
        write_predictions(disk, &run.join(BEST_PREDICTIONS), state.predictions)?;
    }
    if let Some(kernel) = state.kernel {
        kernel.write(disk, &run.join(KERNEL))?;
    }
    write_predictions(disk, &run.join(LAST_PREDICTIONS), state.predictions)
}

/// What was drawn, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrawn {
    /// The accuracy curves.
    pub image: PathBuf,
    /// The page.
    pub page: PathBuf,
    /// Sentences about lines or files that were left out, and about names that the pictures can't show; the page has them
    /// too.
    pub warnings: Vec<String>,
}

/// Writes the histories of an experiment's folder `dir`: `history.csv`, `experiment.json`, and per run in
/// `<head>-seed<seed>/` `history.csv`, `keras_history.csv` and TensorBoard's event file, the only one that is appended
/// to; each other file is replaced in one step.
///
/// # Errors
/// A head name that cannot name a folder, before anything is written; a file that cannot be written.
pub fn write_histories(
    disk: &dyn Disk,
    dir: &Path,
    facts: &ExperimentFacts,
    rows: &[EpochRow],
) -> Result<(), ReportError> {
    let heads = group([], rows);
    let runs = heads
        .iter()
        .flat_map(|head| head.runs.iter().map(|run| Ok((run_folder(&head.head, run.seed)?, run))));
    for (folder, run) in runs.collect::<Result<Vec<_>, ReportError>>()? {
        write_history(disk, &dir.join(&folder).join(HISTORY), &run.rows)?;
        write_keras_csv(disk, &dir.join(&folder).join(KERAS_HISTORY), &run.rows)?;
        write_events(disk, &dir.join(&folder).join(EVENTS), &run.rows)?;
    }
    write_history(disk, &dir.join(HISTORY), rows)?;
    facts.write(disk, &dir.join(FACTS))
}

/// Writes every file of an experiment's folder `dir`: the histories, `report.html`, `report.json`, and the charts as
/// PNG and SVG.
///
/// Gives sentences about what the runs have left there and could not be used; the page shows them too.
///
/// # Errors
/// As [`write_histories`].
pub fn write_report(
    disk: &dyn Disk,
    dir: &Path,
    facts: &ExperimentFacts,
    rows: &[EpochRow],
) -> Result<Vec<String>, ReportError> {
    write_histories(disk, dir, facts, rows)?;
    Ok(draw(disk, Stored::running(dir, facts, rows), dir)?.warnings)
}

/// Results that were found at a path and read. Nothing is written before they are drawn.
///
/// | path | curves | drawn into |
/// |---|---|---|
/// | a folder with `history.csv`, perhaps `experiment.json` | its heads and seeds | that folder |
/// | a `history.csv` | the same | its folder |
/// | another CSV file, tidy or Keras-style | its heads, or one curve named after the file | a folder beside it, named after it |
/// | a folder of Keras-style CSV files | one per file | that folder |
pub struct Found {
    stored: Stored,
    folder: PathBuf,
}

impl Found {
    /// Reads what is stored at a path.
    ///
    /// # Errors
    /// A path that holds none of these, a file that cannot be read, or a mistake in it, with its line; links or
    /// anything else but files in the place of a results folder's files.
    pub fn at(path: &Path) -> Result<Self, ReportError> {
        let metadata = fs::metadata(path).map_err(ReportError::file("read", path))?;
        if metadata.is_dir() {
            inspect(path)?;
            let history = path.join(HISTORY);
            let stored = if history.is_file() {
                Stored::tidy(&history, path)?
            } else {
                Stored::keras_folder(path)?
            };
            let folder = path.to_path_buf();
            return Ok(Self { stored, folder });
        }
        let beside = path.parent().unwrap_or(Path::new(""));
        let is_results = path.file_name().is_some_and(|name| name == HISTORY);
        let folder = if is_results {
            beside.to_path_buf()
        } else {
            beside.join(stem(path))
        };
        if folder == path {
            return Err(ReportError::content(path, "a history file's name must end in .csv"));
        }
        inspect(folder_of(&folder.join(PAGE)))?;
        let stored = if is_results || is_tidy(path)? {
            Stored::tidy(path, &folder)?
        } else {
            Stored::keras_file(path)?
        };
        Ok(Self { stored, folder })
    }

    /// The folder that they are drawn into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Draws `report.html` and the curves' PNG and SVG files; the histories stay as they are.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn draw(self, disk: &dyn Disk) -> Result<Redrawn, ReportError> {
        draw(disk, self.stored, &self.folder)
    }

    /// Draws `report.html` and `report.json` alone.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn draw_page(self, disk: &dyn Disk) -> Result<PathBuf, ReportError> {
        Drawing::of(self.stored).write_page(disk, &self.folder)
    }

    /// Draws one page of several results into `dir`: `report.html` and `report.json`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn draw_together(disk: &dyn Disk, all: Vec<Self>, dir: &Path) -> Result<PathBuf, ReportError> {
        overview::write(disk, dir, all.into_iter().map(|found| found.stored).collect())?;
        Ok(dir.join(PAGE))
    }

    /// Sentences about lines or files that were left out.
    pub fn warnings(&self) -> &[String] {
        &self.stored.warnings
    }
}

/// The test images on which heads of the experiment in `dir` disagree, by their places in the test split.
///
/// # Errors
/// A history or predictions that cannot be read.
pub fn disagreeing_images(dir: &Path) -> Result<Vec<usize>, ReportError> {
    let stored = Stored::tidy(&dir.join(HISTORY), dir)?;
    let disagreements = Disagreements::of(&stored.predictions);
    Ok(disagreements.iter().flat_map(Disagreements::images).collect())
}

/// Draws everything that the page and the files beside it show.
fn draw(disk: &dyn Disk, stored: Stored, dir: &Path) -> Result<Redrawn, ReportError> {
    let drawing = Drawing::of(stored);
    drawing.write_pictures(disk, dir)?;
    let page = drawing.write_page(disk, dir)?;
    debug!(page = %printable(&page), epochs = drawing.stored.rows.len(), "report drawn");
    Ok(Redrawn {
        image: dir.join(ACCURACY).with_extension("png"),
        page,
        warnings: drawing.stored.warnings,
    })
}

/// What is shown of an experiment.
struct Drawing {
    stored: Stored,
    heads: Vec<HeadRuns>,
    styles: Vec<HeadStyle>,
    summary: Summary,
    answers: Answers,
    matrices: Vec<Grid>,
    gains: Vec<Grid>,
    kernels: Vec<Grid>,
}

impl Drawing {
    fn of(mut stored: Stored) -> Self {
        let heads = stored.heads();
        let names = || heads.iter().map(|head| head.head.as_str());
        let styles = styles(names());
        let answers = Answers::of(names(), &stored.predictions);
        let classes = stored.facts.as_ref().map_or(&answers.classes, |facts| &facts.classes);
        let drawn = [&stored.name]
            .into_iter()
            .chain(styles.iter().map(|style| &style.title));
        let warning = glyphs::warning(drawn.chain(classes).map(String::as_str));
        stored.warnings.extend(warning);
        Self {
            summary: summarise(&heads, &stored.predictions),
            matrices: answers.matrices(),
            gains: answers.gains().into_iter().collect(),
            kernels: stored.kernels.iter().flat_map(HeadKernel::grids).collect(),
            stored,
            heads,
            styles,
            answers,
        }
    }

    /// Writes the charts as PNG and SVG.
    fn write_pictures(&self, disk: &dyn Disk, dir: &Path) -> Result<(), ReportError> {
        let (title, heads) = (&self.stored.name, &self.heads);
        let charts = [
            (ACCURACY, &accuracy_panels(heads)[..]),
            (LOSS, &loss_panels(heads)[..]),
            (LEARNING_RATE, &learning_rate_panels(heads)[..]),
        ];
        for (name, panels) in charts {
            write_curves(disk, &dir.join(name), title, panels, heads, &self.styles)?;
        }
        for (name, grids) in [
            (CONFUSION, &self.matrices),
            (CLASSES, &self.gains),
            (KERNELS, &self.kernels),
        ] {
            if !grids.is_empty() {
                write_grids(disk, &dir.join(name), title, grids)?;
            }
        }
        Ok(())
    }

    /// Writes the figures and the page.
    fn write_page(&self, disk: &dyn Disk, dir: &Path) -> Result<PathBuf, ReportError> {
        let (stored, page) = (&self.stored, dir.join(PAGE));
        Figures::new(stored, &self.summary, &self.answers).write(disk, &dir.join(FIGURES))?;
        Page {
            title: &stored.name,
            facts: stored.facts.as_ref(),
            heads: &self.heads,
            styles: &self.styles,
            summary: &self.summary,
            matrices: &self.matrices,
            gains: &self.gains,
            kernels: &self.kernels,
            disagreements: Disagreements::of(&stored.predictions).as_ref(),
            folder: dir,
            warnings: &stored.warnings,
        }
        .write(disk, &page)?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{facts, row};
    use super::super::history::read_history;
    use super::super::stored::file_name;
    use super::*;
    use crate::atomic_file::System;

    fn redraw(path: &Path) -> Result<Redrawn, ReportError> {
        Found::at(path)?.draw(&System)
    }

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
        write_report(&System, &dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
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
            "report.json",
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
        write_report(&System, dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        let files = [PAGE, "accuracy.png", HISTORY].map(|name| dir.join(name));
        let before = files.each_ref().map(|file| fs::read(file).unwrap());
        for path in [dir.to_path_buf(), dir.join(HISTORY)] {
            let redrawn = redraw(&path).unwrap();
            assert_eq!(
                redrawn,
                Redrawn {
                    image: dir.join("accuracy.png"),
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
        write_history(&System, &history, &rows()).unwrap();
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
    fn what_beside_the_histories_cannot_be_read_is_left_out_with_a_warning_on_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        write_report(&System, dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        let damaged = [
            "experiment.json",
            "gap-seed0/last_predictions.csv",
            "wise_srnet-seed0/kernel.csv",
        ];
        for name in damaged {
            fs::write(dir.join(name), "no such thing").unwrap();
        }
        let redrawn = redraw(dir).unwrap();
        let page = fs::read_to_string(redrawn.page).unwrap();
        assert_eq!(redrawn.warnings.len(), 3, "{:?}", redrawn.warnings);
        for (warning, name) in redrawn.warnings.iter().zip(damaged) {
            assert!(warning.contains(name) && warning.contains("left out"), "{warning}");
            assert!(page.contains(&maud::html! { (warning) }.into_string()), "{warning}");
        }
        let again = write_report(&System, dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        assert_eq!(again, redrawn.warnings[1..], "the facts are written again");
    }

    #[cfg(unix)]
    #[test]
    fn a_report_reads_no_file_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        write_report(&System, dir, &facts(&["gap", "wise_srnet"]), &rows()).unwrap();
        fs::create_dir(dir.join("thumbnails")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.join("thumbnails/1.jpg")).unwrap();
        for path in [dir.to_path_buf(), dir.join(HISTORY)] {
            let message = redraw(&path).unwrap_err().to_string();
            assert!(
                message.contains("thumbnails/1.jpg must be a file and is a link"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_folder_of_keras_histories_has_one_curve_per_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["GAP", "Wise & <b>SrNet"] {
            write_keras_csv(&System, &folder.path().join(format!("{name}.csv")), &rows()).unwrap();
        }
        let page = fs::read_to_string(redraw(folder.path()).unwrap().page).unwrap();
        assert!(page.contains("Wise &amp; &lt;b&gt;SrNet") && !page.contains("<b>SrNet"));
    }

    #[test]
    fn a_single_file_is_drawn_into_a_folder_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (keras, tidy) = (folder.path().join("Xception_GAP.csv"), folder.path().join("mine.csv"));
        write_keras_csv(&System, &keras, &rows()).unwrap();
        write_history(&System, &tidy, &rows()).unwrap();
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
            message.starts_with(&format!("cannot read {}", absent.to_string_lossy())),
            "{message}"
        );
    }

    #[test]
    fn a_head_name_cannot_write_outside_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("out");
        write_report(
            &System,
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
        write_report(&System, folder.path(), &facts(&["gap", "wise_srnet"]), &[]).unwrap();
        let page = fs::read_to_string(folder.path().join(PAGE)).unwrap();
        assert!(page.contains("No epoch with a test accuracy has finished yet."));
    }
}
