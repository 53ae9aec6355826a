//! The page's tables: one line per head, and every single run on demand.

use maud::{Markup, html};

use super::facts::ExperimentFacts;
use super::numbers::{ABSENT, duration, metric_prefix, percent};
use super::palette::HeadStyle;
use super::plots::key;
use super::runs::{HeadRuns, Run};
use super::summary::{Estimate, HeadSummary, Selection, Summary, best_until, last_until};
use crate::text::grouped;

/// Best and last accuracy and cost of each head.
pub fn heads(summary: &Summary, facts: Option<&ExperimentFacts>, styles: &[HeadStyle]) -> Markup {
    html! {
        section aria-labelledby="heads" {
            h2 id="heads" { "Heads" }
            table {
                thead {
                    tr {
                        th rowspan="2" scope="col" { "Head" }
                        th colspan="2" scope="colgroup" { "Last epoch" }
                        th colspan="2" scope="colgroup" { "Best epoch" }
                        th colspan="3" scope="colgroup" { "Cost" }
                    }
                    tr {
                        th scope="col" { "Top-1" } th scope="col" { "Top-5" }
                        th scope="col" { "Top-1" } th scope="col" { "Top-5" }
                        th scope="col" { "parameters" } th scope="col" { "multiply-adds" } th scope="col" { "epoch time" }
                    }
                }
                tbody { @for (head, style) in summary.heads.iter().zip(styles) { (row(head, facts, style)) } }
            }
            @for remark in remarks(summary, facts) { p.remark { (remark) } }
        }
    }
}

fn row(head: &HeadSummary, facts: Option<&ExperimentFacts>, style: &HeadStyle) -> Markup {
    let cost = facts.and_then(|facts| facts.head(&head.head));
    html! {
        tr {
            th scope="row" { (key(style)) (style.title) }
            td data-label="Last Top-1" { (percent(head.last)) }
            td data-label="Last Top-5" { (percent(head.last_top5)) }
            td data-label="Best Top-1" { (percent(head.best)) }
            td data-label="Best Top-5" { (percent(head.best_top5)) }
            td data-label="Parameters" { (cost.map_or(ABSENT.to_string(), |cost| grouped(cost.parameters))) }
            td data-label="Multiply-adds" { (cost.map_or(ABSENT.to_string(), |cost| metric_prefix(cost.multiply_adds))) }
            td data-label="Epoch time" { (head.seconds.map_or(ABSENT.to_string(), duration)) }
        }
    }
}

fn remarks(summary: &Summary, facts: Option<&ExperimentFacts>) -> Vec<String> {
    let mut remarks = vec![match summary.selection {
        Selection::TestSplit => {
            "Accuracies are those on the test split. “Best” is chosen on the test split itself, as \
                                 the paper’s code does, and is therefore optimistic; “last” is not chosen at all."
                .to_string()
        }
        Selection::ValidationSplit => {
            "Accuracies are those on the test split. “Best” is the test accuracy at the epoch \
                                       with the highest validation accuracy."
                .to_string()
        }
    }];
    if summary
        .heads
        .iter()
        .any(|head| head.last.is_some_and(|last| last.deviation.is_some()))
    {
        remarks.push("Mean over seeds ± sample standard deviation.".to_string());
    }
    if !summary.same_length {
        remarks.push("The runs have different lengths: “last” is each run’s own last epoch.".to_string());
    }
    if facts.is_some() {
        let text =
            "Parameters and multiply-adds are those of the whole network with this head, the latter for one image.";
        remarks.push(text.to_string());
    }
    remarks
}

/// Every run by itself, folded away.
pub fn runs(heads: &[HeadRuns], styles: &[HeadStyle], selection: Selection) -> Markup {
    html! {
        @if heads.iter().any(|head| !head.runs.is_empty()) {
            details {
                summary { "Every run" }
                table {
                    thead {
                        tr {
                            @for name in ["Head", "Seed", "Epochs", "Last", "Best", "Training", "Test loss"] {
                                th scope="col" { (name) }
                            }
                        }
                    }
                    tbody {
                        @for (head, style) in heads.iter().zip(styles) {
                            @for run in &head.runs { (run_row(run, style, selection)) }
                        }
                    }
                }
                p.remark { "Training accuracy and test loss are those of the run’s last epoch." }
            }
        }
    }
}

fn run_row(run: &Run, style: &HeadStyle, selection: Selection) -> Markup {
    let single = |value: Option<f64>| percent(value.and_then(|value| Estimate::of([value])));
    let last = run.rows.last();
    let loss = last.map(|row| row.test_loss).filter(|loss| loss.is_finite());
    html! {
        tr {
            th scope="row" { (key(style)) (style.title) }
            td data-label="Seed" { (run.seed) }
            td data-label="Epochs" { (run.last_epoch()) }
            td data-label="Last" { (single(last_until(run, u64::MAX))) }
            td data-label="Best" { (single(best_until(run, u64::MAX, selection))) }
            td data-label="Training" { (single(last.map(|row| row.train_accuracy))) }
            td data-label="Test loss" { (loss.map_or(ABSENT.to_string(), |loss| format!("{loss:.3}"))) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{facts, row as epoch};
    use super::super::palette::styles;
    use super::super::runs::group;
    use super::super::summary::summarise;
    use super::*;

    fn table(rows: &[super::super::EpochRow]) -> String {
        let runs = group([], rows);
        let names: Vec<&str> = runs.iter().map(|head| head.head.as_str()).collect();
        heads(
            &summarise(&runs, &[]),
            Some(&facts(&names)),
            &styles(names.iter().copied()),
        )
        .into_string()
    }

    #[test]
    fn a_head_shows_accuracy_difference_and_cost() {
        let html = table(&[
            epoch("gap", 0, 1, 0.50),
            epoch("gap", 1, 1, 0.60),
            epoch("wise_srnet", 0, 1, 0.48),
            epoch("wise_srnet", 1, 1, 0.56),
        ]);
        for text in ["55.0<small> ± 7.1</small> %", "12,652,870", "3.36 G", "12.5 s"] {
            assert!(html.contains(text), "{text} in {html}");
        }
    }

    #[test]
    fn the_table_says_on_which_split_best_was_chosen() {
        assert!(table(&[epoch("gap", 0, 1, 0.5)]).contains("chosen on the test split itself"));
        let mut row = epoch("gap", 0, 1, 0.5);
        row.validation_accuracy = Some(0.4);
        assert!(table(&[row]).contains("highest validation accuracy"));
    }

    #[test]
    fn runs_of_different_lengths_are_named() {
        let html = table(&[epoch("gap", 0, 3, 0.5), epoch("wise_srnet", 0, 1, 0.5)]);
        assert!(html.contains("different lengths"));
    }
}
