//! Several experiments on one page: Wise-SrNet and the other heads against GAP in each, and their curves beside each other.

use std::path::Path;

use maud::{DOCTYPE, Markup, html};
use serde::Serialize;

use super::against_gap::interval;
use super::answers::Answers;
use super::facts::ExperimentFacts;
use super::figures::Figures;
use super::head_names::title;
use super::numbers::{ABSENT, p_value, percent, points};
use super::page::{document_head, origin};
use super::palette::{HeadStyle, styles};
use super::panels::accuracy_panels;
use super::plots::{Plot, Plots, key};
use super::runs::{HeadRuns, group};
use super::stored::Stored;
use super::summary::{GAP, HeadSummary, Summary, summarise};
use super::{ReportError, about, files};
use crate::atomic_file::Disk;
use crate::runner::folder::{FIGURES, PAGE};

/// One of the experiments.
struct Entry {
    stored: Stored,
    /// A head for each style of the page, some of them without runs.
    heads: Vec<HeadRuns>,
    summary: Summary,
    answers: Answers,
}

/// Draws `report.html` and `report.json` of several experiments.
pub fn write(disk: &dyn Disk, dir: &Path, all: Vec<Stored>) -> Result<(), ReportError> {
    let names = all_heads(&all);
    let styles = styles(names.iter().map(String::as_str));
    let entries: Vec<Entry> = all.into_iter().map(|stored| Entry::new(stored, &names)).collect();
    files::replace_page(disk, &dir.join(PAGE), markup(&entries, &styles))?;
    let figures = Experiments {
        experiments: entries
            .iter()
            .map(|entry| Figures::new(&entry.stored, &entry.summary, &entry.answers))
            .collect(),
    };
    files::replace_json(disk, &dir.join(FIGURES), &figures)
}

#[derive(Serialize)]
struct Experiments<'a> {
    experiments: Vec<Figures<'a>>,
}

impl Entry {
    fn new(stored: Stored, names: &[String]) -> Self {
        let measured = stored.heads();
        Self {
            summary: summarise(&measured, &stored.predictions),
            answers: Answers::of(measured.iter().map(|head| head.head.as_str()), &stored.predictions),
            heads: group(names.iter().map(String::as_str), &stored.rows),
            stored,
        }
    }
}

/// The heads of all experiments, in the order of their appearance; GAP, the baseline, comes first.
fn all_heads(all: &[Stored]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for head in all.iter().flat_map(Stored::heads) {
        if !names.contains(&head.head) {
            names.push(head.head);
        }
    }
    names.sort_by_key(|name| name != GAP);
    names
}

fn markup(entries: &[Entry], styles: &[HeadStyle]) -> Markup {
    let plot = |entry| {
        let Entry { stored, heads, .. }: &Entry = entry;
        let [_, panel] = accuracy_panels(heads);
        let title = &stored.name;
        Plot { title, panel, heads }
    };
    let plots = Plots {
        plots: entries.iter().map(plot).collect(),
        styles,
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (document_head("Experiments", styles.len()))
            body {
                main {
                    header {
                        p.kind { "Experiments" }
                        h1 { (entries.len()) " experiments" }
                    }
                    (table(entries, styles))
                    (plots.section())
                    (warnings(entries))
                }
                footer { (origin(None)) }
                (plots.script())
            }
        }
    }
}

fn table(entries: &[Entry], styles: &[HeadStyle]) -> Markup {
    html! {
        section aria-labelledby="experiments" {
            h2 id="experiments" { "Against GAP" }
            table {
                thead {
                    tr {
                        th scope="col" { "Experiment" }
                        th.name scope="col" { "Head" }
                        @for name in ["Epochs", "Seeds", "Last Top-1", "to GAP", "95 % interval", "p"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody {
                    @for entry in entries {
                        @for head in &entry.summary.heads { (row(entry, head, styles)) }
                    }
                }
            }
            p.remark {
                "Test accuracy after the last epoch; differences in points, seed by seed. Interval and p come from Student’s "
                "paired t test over the seeds or, for a single seed, from a paired bootstrap and the exact McNemar test over its "
                "test images."
            }
        }
    }
}

fn row(entry: &Entry, head: &HeadSummary, styles: &[HeadStyle]) -> Markup {
    let against = head.against_gap.as_ref();
    let test = against.and_then(|against| against.test);
    let style = styles.iter().find(|style| style.title == title(&head.head));
    let runs = entry
        .heads
        .iter()
        .find(|runs| runs.head == head.head)
        .map_or(&[][..], |runs| &runs.runs);
    let epochs = runs.iter().map(|run| run.last_epoch()).max();
    html! {
        tr {
            th scope="row" {
                (entry.stored.name)
                @if let Some(facts) = &entry.stored.facts { small { (brief(facts)) } }
            }
            td.name data-label="Head" { @if let Some(style) = style { (key(style)) } (title(&head.head)) }
            td data-label="Epochs" { (epochs.map_or(ABSENT.to_string(), |epochs| epochs.to_string())) }
            td data-label="Seeds" { (runs.len()) }
            td data-label="Last Top-1" { (percent(head.last)) }
            td data-label="To GAP" {
                @match against {
                    Some(against) => (points(against.last)),
                    None if head.head == GAP => "baseline",
                    None => (ABSENT),
                }
            }
            td data-label="95 % interval" { (test.map_or(ABSENT.to_string(), interval)) }
            td data-label="p" { (test.map_or(ABSENT.to_string(), |test| p_value(test.p))) }
        }
    }
}

fn brief(facts: &ExperimentFacts) -> String {
    format!(
        "{}, {} px, {} classes",
        facts.network,
        facts.image_size,
        facts.classes.len()
    )
}

fn warnings(entries: &[Entry]) -> Markup {
    let of = |entry: &Entry| {
        let notes = entry.stored.facts.iter().flat_map(|facts| facts.notes.clone());
        let facts = entry.stored.facts.as_ref();
        let progress = facts.and_then(|facts| about::progress(facts, &entry.heads));
        let all = notes.chain(progress).chain(entry.stored.warnings.clone());
        all.map(|note| format!("{}: {note}", entry.stored.name))
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = entries.iter().flat_map(of).collect();
    html! {
        @if !all.is_empty() { aside.notes aria-label="Notes" { @for note in &all { p { (note) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{facts, row};
    use super::*;
    use crate::atomic_file::System;

    fn stored(name: &str, gain: f64, heads: &[&str]) -> Stored {
        let epoch = |epoch| {
            heads
                .iter()
                .zip(0..)
                .map(move |(head, place)| row(head, 0, epoch, 0.5 + gain * f64::from(place)))
        };
        Stored {
            name: name.to_owned(),
            facts: Some(facts(heads)),
            rows: (1..=3).flat_map(epoch).collect(),
            predictions: Vec::new(),
            kernels: Vec::new(),
            warnings: vec!["A warning.".to_owned()],
        }
    }

    #[test]
    fn every_experiment_has_its_lines_and_its_plot() {
        let folder = tempfile::tempdir().unwrap();
        let all = vec![
            stored("at <224>", 0.1, &["gap", "wise_srnet"]),
            stored("at 512", -0.1, &["flatten_fc", "gap"]),
        ];
        write(&System, folder.path(), all).unwrap();
        let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
        for text in [
            "2 experiments",
            "at &lt;224&gt;",
            "+10.0",
            "at 512: A warning.",
            "Flatten + FC",
            "at 512: Not complete: 0 of 4",
            "baseline",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert_eq!(page.matches("<svg class=\"curves").count(), 2);
        let head = document_head("Experiments", 3).into_string();
        assert!(
            page.contains(&head) && head.contains("Content-Security-Policy"),
            "{page}"
        );
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
        assert_eq!(json["experiments"][1]["name"], "at 512");
    }

    #[test]
    fn heads_have_one_style_on_the_whole_page_and_gap_is_first() {
        let all = [
            stored("a", 0.1, &["wise_srnet", "gap"]),
            stored("b", 0.1, &["flatten_fc"]),
        ];
        assert_eq!(all_heads(&all), ["gap", "wise_srnet", "flatten_fc"]);
    }
}
