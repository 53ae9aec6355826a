//! `report.html`: one file that needs nothing else, neither the network nor a server. Every name that comes from a file
//! or folder passes through the template's escaping, and a content policy forbids the page to load anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::curves_svg::{self, FRAME, curves};
use super::facts::ExperimentFacts;
use super::head_names::title;
use super::palette::HeadStyle;
use super::panels::{Panel, accuracy_panels, learning_rate_panels, loss_panels, shown};
use super::runs::HeadRuns;
use super::summary::{diverged, summarise};
use super::verdict::verdict;
use super::{ReportError, about, output, tables};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
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
    /// What was wrong with the files that were read; shown with the experiment's own notes.
    pub warnings: &'a [String],
}

impl Page<'_> {
    /// Writes the page in one step.
    ///
    /// # Errors
    /// [`ReportError::File`] when the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        output::replace(path, self.markup().into_string().as_bytes())
    }

    fn markup(&self) -> Markup {
        let summary = summarise(self.heads);
        let verdict = verdict(&summary, self.facts);
        let [train_accuracy, test_accuracy] = accuracy_panels(self.heads);
        let [train_loss, test_loss] = loss_panels(self.heads);
        let [learning_rate] = learning_rate_panels(self.heads);
        let panels = [test_accuracy, train_accuracy, test_loss, train_loss, learning_rate];
        html! {
            (DOCTYPE)
            html lang="en" {
                (self.document_head())
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
                        @if self.heads.iter().any(|head| !head.runs.is_empty()) { (self.curves(&panels)) }
                        (tables::heads(&summary, self.facts, self.styles))
                        (tables::runs(self.heads, self.styles, summary.selection))
                        @if let Some(facts) = self.facts { (about::settings(facts)) (about::classes(&facts.classes)) }
                    }
                    footer { (self.origin()) }
                    script type="application/json" id="curve-data" { (PreEscaped(self.curve_data(&panels))) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }

    fn document_head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { (self.title) " · GAP against Wise-SrNet" }
                link rel="icon" href="data:,";
                style {
                    (PreEscaped(STYLE))
                    @for place in 0..self.heads.len() {
                        "body:has(#show-" (place) ":not(:checked)) .head-" (place) "{display:none}"
                    }
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

    fn curves(&self, panels: &[Panel]) -> Markup {
        let several_seeds = self.heads.iter().any(|head| head.runs.len() > 1);
        html! {
            section aria-labelledby="curves" {
                h2 id="curves" { "Curves" }
                div.legend role="group" aria-label="Heads to show" {
                    @for (place, style) in self.styles.iter().enumerate() {
                        label {
                            input type="checkbox" id={ "show-" (place) } checked autocomplete="off";
                            (key(style))
                            span { (style.title) }
                        }
                    }
                }
                @if several_seeds {
                    div.legend role="group" aria-label="What to show of the seeds" {
                        label { input type="checkbox" id="show-bands" checked autocomplete="off"; span { "Range of seeds" } }
                        label { input type="checkbox" id="show-seeds" autocomplete="off"; span { "Every seed" } }
                    }
                    p.remark {
                        "Lines are means over seeds, for the epochs that all of them finished; the bands reach from the lowest "
                        "seed to the highest."
                    }
                }
                div.panels {
                    @for (number, panel) in panels.iter().enumerate() {
                        figure {
                            figcaption { (panel.title) span { (panel.y_label()) } }
                            (curves(panel, number, self.heads, self.styles))
                            @if panel.cut_off { p.remark { "Values above the scale are cut off." } }
                        }
                    }
                }
            }
        }
    }

    fn origin(&self) -> Markup {
        html! {
            p {
                "Drawn by wise-srnet " (env!("CARGO_PKG_VERSION"))
                @if let Some(facts) = self.facts { ", trained by version " (facts.program_version) }
                ". The method is that of Rahimzadeh et al., Wise-SrNet, arXiv 2104.12294."
            }
        }
    }

    /// The means behind the curves, for the values under the pointer. `<` is written as an escape, so that no name can
    /// end the script element that holds them.
    fn curve_data(&self, panels: &[Panel]) -> String {
        let epochs: BTreeSet<u64> = self
            .heads
            .iter()
            .flat_map(|head| &head.runs)
            .flat_map(|run| &run.rows)
            .map(|row| row.epoch)
            .collect();
        let rounded = |panel: &Panel, value: f64| (shown(panel.metric, value) * 1e6).round() / 1e6;
        let at_epochs =
            |values: BTreeMap<u64, Value>| -> Value { epochs.iter().map(|epoch| json!(values.get(epoch))).collect() };
        let means = |panel: &Panel| -> Value {
            let mean = |head| panel.mean(head).into_iter();
            let values = |head| mean(head).map(|(epoch, value)| (epoch, json!(rounded(panel, value))));
            self.heads
                .iter()
                .map(|head| at_epochs(values(head).collect()))
                .collect()
        };
        let ranges = |panel: &Panel| -> Value {
            let range = |head: &HeadRuns| head.range_curve(panel.metric).into_iter();
            let ends = |low, high| json!([rounded(panel, low), rounded(panel, high)]);
            let values = |head| range(head).map(|(epoch, low, high)| (epoch, ends(low, high)));
            self.heads
                .iter()
                .map(|head| at_epochs(values(head).collect()))
                .collect()
        };
        let style = |style: &HeadStyle| json!({ "title": style.title, "colour": style.css_colour() });
        let panel = |panel: &Panel| {
            let digits = panel.digits();
            json!({ "percent": panel.metric.is_accuracy(), "digits": digits, "means": means(panel), "ranges": ranges(panel) })
        };
        let data = json!({
            "left": FRAME.left, "width": FRAME.width, "canvas": curves_svg::WIDTH,
            "low": panels[0].x.low, "high": panels[0].x.high,
            "epochs": epochs,
            "heads": self.styles.iter().map(style).collect::<Vec<_>>(),
            "panels": panels.iter().map(panel).collect::<Vec<_>>(),
        });
        data.to_string().replace('<', "\\u003c")
    }
}

/// A short piece of a head's line, as the plots draw it.
pub(super) fn key(style: &HeadStyle) -> Markup {
    let dashes = style.dashed.then_some("7 4");
    html! {
        svg.key viewBox="0 0 26 10" aria-hidden="true" {
            line x1="1" x2="25" y1="5" y2="5" stroke=(style.css_colour()) stroke-dasharray=[dashes] {}
            polygon points=(curves_svg::points(style.marker.corners((13.0, 5.0), 3.4))) fill=(style.css_colour()) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::{facts, row};
    use super::super::palette::styles;
    use super::super::runs::group;
    use super::*;

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
