//! `report.html`: one file that needs nothing else, neither the network nor a server. Every name that comes from a file
//! or folder passes through the template's escaping, and a content policy forbids the page to load anything.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::disagreements::Disagreements;
use super::facts::ExperimentFacts;
use super::grid::Grid;
use super::head_names::title;
use super::palette::HeadStyle;
use super::panels::{accuracy_panels, learning_rate_panels, loss_panels};
use super::plots::{Plot, Plots};
use super::runs::HeadRuns;
use super::summary::{Summary, diverged};
use super::verdict::verdict;
use super::{ReportError, about, against_gap, claims, files, grid, tables};
use crate::atomic_file::Disk;

const STYLE: &str = include_str!("page.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// What the page is made from.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The experiment's name.
    pub title: &'a str,
    /// What is known beside the histories.
    pub facts: Option<&'a ExperimentFacts>,
    /// The histories.
    pub heads: &'a [HeadRuns],
    /// One style per head.
    pub styles: &'a [HeadStyle],
    /// The figures of the histories.
    pub summary: &'a Summary,
    /// What was taken for what, for each head.
    pub matrices: &'a [Grid],
    /// Each class's gain or loss.
    pub gains: &'a [Grid],
    /// What the heads' kernels learned.
    pub kernels: &'a [Grid],
    /// The images on which two heads disagree.
    pub disagreements: Option<&'a Disagreements>,
    /// The folder with the images' thumbnails.
    pub folder: &'a Path,
    /// What was wrong with the files that were read; shown with the experiment's own notes.
    pub warnings: &'a [String],
}

impl Page<'_> {
    /// Writes the page in one step.
    ///
    /// # Errors
    /// [`ReportError::File`] when the file cannot be written.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), ReportError> {
        files::replace_page(disk, path, self.markup())
    }

    fn markup(&self) -> Markup {
        let summary = self.summary;
        let verdict = verdict(summary, self.facts);
        let [train_accuracy, test_accuracy] = accuracy_panels(self.heads);
        let [train_loss, test_loss] = loss_panels(self.heads);
        let [learning_rate] = learning_rate_panels(self.heads);
        let panels = [test_accuracy, train_accuracy, test_loss, train_loss, learning_rate];
        let plots = Plots {
            plots: panels.map(|panel| Plot::new(panel, self.heads)).to_vec(),
            styles: self.styles,
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                (document_head(self.title, self.heads.len()))
                body {
                    main {
                        header {
                            p.kind { "Experiment report" }
                            h1 { (self.title) }
                            @if let Some(facts) = self.facts { p.about { (about::headline(facts)) } }
                        }
                        section.result {
                            p.verdict { (verdict.result) }
                            @if !verdict.caveat.is_empty() { p.caveat { (verdict.caveat) } }
                        }
                        (self.notes())
                        (plots.section())
                        (tables::heads(summary, self.facts, self.styles))
                        (against_gap::table(summary, self.styles))
                        (claims::table(summary, self.facts))
                        (grids("class-gains", "Classes", self.gains))
                        @if !self.matrices.is_empty() {
                            details { summary { "What was taken for what" } div.grids { @for grid in self.matrices { (grid::figure(grid)) } } }
                        }
                        (grids("kernels", "What the heads learned about places", self.kernels))
                        @if let Some(disagreements) = self.disagreements { (disagreements.section(self.folder)) }
                        (tables::runs(self.heads, self.styles, summary.selection))
                        @if let Some(facts) = self.facts { (about::settings(facts)) (about::classes(&facts.classes)) }
                    }
                    footer { (origin(self.facts.map(|facts| facts.program_version.as_str()))) }
                    (plots.script())
                }
            }
        }
    }

    fn notes(&self) -> Markup {
        let own = self
            .facts
            .map_or(&[][..], |facts| &facts.notes)
            .iter()
            .chain(self.warnings)
            .cloned();
        let progress = self.facts.and_then(|facts| about::progress(facts, self.heads));
        let diverged = diverged(self.heads).into_iter().map(|(head, seed)| {
            format!(
                "{}, seed {seed}, ended in values that are not finite; means leave those out.",
                title(head)
            )
        });
        let notes: Vec<String> = own.chain(progress).chain(diverged).collect();
        html! {
            @if !notes.is_empty() {
                aside.notes aria-label="Notes" { @for note in &notes { p { (note) } } }
            }
        }
    }
}

/// The head of a page about so many heads.
pub(super) fn document_head(title: &str, heads: usize) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="color-scheme" content="light dark";
            title { (title) " · GAP against Wise-SrNet" }
            link rel="icon" href="data:,";
            style {
                (PreEscaped(STYLE))
                @for place in 0..heads {
                    "body:has(#show-" (place) ":not(:checked)) .head-" (place) "{display:none}"
                }
            }
        }
    }
}

/// What drew the page, and which version trained.
pub(super) fn origin(trained_by: Option<&str>) -> Markup {
    html! {
        p {
            "Drawn by wise-srnet " (env!("CARGO_PKG_VERSION"))
            @if let Some(version) = trained_by { ", trained by version " (version) }
            ". The method is that of Rahimzadeh et al., Wise-SrNet, arXiv 2104.12294."
        }
    }
}

fn grids(id: &str, title: &str, grids: &[Grid]) -> Markup {
    html! {
        @if !grids.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) }
                div.grids { @for grid in grids { (grid::figure(grid)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::{facts, row};
    use super::super::palette::styles;
    use super::super::runs::group;
    use super::super::summary::summarise;
    use super::*;
    use serde_json::Value;

    fn page(facts: Option<&ExperimentFacts>, rows: &[EpochRow]) -> String {
        let planned = facts
            .map_or(&[][..], |facts| &facts.heads)
            .iter()
            .map(|head| head.name.as_str());
        let heads = group(planned, rows);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        let title = facts.map_or("history", |facts| &facts.name);
        Page {
            title,
            facts,
            heads: &heads,
            styles: &styles,
            summary: &summarise(&heads, &[]),
            matrices: &[],
            gains: &[],
            kernels: &[],
            disagreements: None,
            folder: Path::new(""),
            warnings: &[],
        }
        .markup()
        .into_string()
    }

    #[test]
    fn no_name_can_add_an_element_or_leave_an_attribute() {
        let hostile = "\"'><script>alert(1)</script><!--";
        let mut facts = facts(&["gap", hostile]);
        facts.name = hostile.to_string();
        facts.network = hostile.to_string();
        facts.classes = vec![hostile.to_string()];
        facts.settings = vec![(hostile.to_string(), hostile.to_string())];
        facts.notes = vec![hostile.to_string()];
        facts.program_version = hostile.to_string();
        let html = page(Some(&facts), &[row("gap", 0, 1, 0.5), row(hostile, 0, 1, 0.6)]);
        let harmless = page(
            Some(&super::super::examples::facts(&["gap", "x"])),
            &[row("gap", 0, 1, 0.5)],
        );
        assert!(!html.contains("<script>alert") && !html.contains("<!--"));
        assert_eq!(html.matches("<script").count(), harmless.matches("<script").count());
        assert_eq!(html.matches("</script").count(), harmless.matches("</script").count());
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!html.contains("=\"\"'"), "an attribute was left");
    }

    #[test]
    fn the_curve_data_are_valid_json_whatever_the_names_hold() {
        let html = page(None, &[row("</script>\\\"\u{2028}", 0, 1, f64::NAN)]);
        let start = html.find("id=\"curve-data\">").unwrap() + "id=\"curve-data\">".len();
        let data = &html[start..start + html[start..].find("</script>").unwrap()];
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["heads"][0]["title"], "</script>\\\"\u{2028}");
        assert_eq!(data["panels"][0]["means"][0][0], Value::Null);
    }

    #[test]
    fn the_page_asks_for_no_other_file() {
        let html = page(Some(&facts(&["gap", "wise_srnet"])), &[row("gap", 0, 1, 0.5)]);
        for request in ["http://", "https://", "src=", "@import", "url(h"] {
            assert!(!html.contains(request), "{request}");
        }
    }

    #[test]
    fn a_policy_forbids_the_page_to_load_anything_before_it_holds_anything() {
        let html = page(Some(&facts(&["gap", "wise_srnet"])), &[row("gap", 0, 1, 0.5)]);
        let meta = "<meta http-equiv=\"Content-Security-Policy\" content=\"";
        let start = html.find(meta).expect("the page has no policy") + meta.len();
        let policy = &html[start..start + html[start..].find('"').unwrap()];
        let rules = policy.split(';').map(|rule| rule.trim().split_once(' ').unwrap());
        let expected = [
            ("default-src", "'none'"),
            ("style-src", "'unsafe-inline'"),
            ("script-src", "'unsafe-inline'"),
            ("img-src", "data:"),
            ("base-uri", "'none'"),
            ("form-action", "'none'"),
        ];
        assert_eq!(rules.collect::<Vec<_>>(), expected);
        for element in ["<title", "<link", "<style", "<script", "<body"] {
            assert!(html.find(element).unwrap() > start, "{element} comes before the policy");
        }
    }

    #[test]
    fn notes_and_missing_runs_stand_before_the_curves() {
        let mut facts = facts(&["gap", "wise_srnet"]);
        facts.notes = vec!["The images are generated.".to_string()];
        let html = page(Some(&facts), &[row("gap", 0, 20, 0.5)]);
        let curves = html.find("id=\"curves\"").unwrap();
        for text in [
            "The images are generated.",
            "1 of 4 planned runs finished all 20 epochs",
        ] {
            assert!(html.find(text).unwrap() < curves, "{text}");
        }
    }

    #[test]
    fn a_diverged_run_is_named() {
        let html = page(None, &[row("gap", 0, 1, 0.5), row("wise_srnet", 3, 1, f64::NAN)]);
        assert!(html.contains("Wise-SrNet, seed 3, ended in values that are not finite"));
    }

    #[test]
    fn a_report_without_rows_says_so() {
        let html = page(Some(&facts(&["gap"])), &[]);
        assert!(html.contains("No epoch with a test accuracy has finished yet."));
    }
}
