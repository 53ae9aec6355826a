//! The page's tables: one line per head, and every single run on demand.

use maud::{Markup, html};

use super::facts::ExperimentFacts;
use super::page::key;
use super::palette::HeadStyle;
use super::runs::{HeadRuns, Run};
use super::summary::{AgainstGap, Estimate, GAP, HeadSummary, Selection, Summary, WISE_SRNET, best_until, last_until};

const ABSENT: &str = "–";

/// Best and last accuracy, difference to GAP and cost of each head.
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
                        th scope="col" { "accuracy" } th scope="col" { "to GAP" }
                        th scope="col" { "accuracy" } th scope="col" { "to GAP" }
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
    let against = |of: fn(&AgainstGap) -> Estimate| match &head.against_gap {
        Some(against) => points(of(against)),
        None if head.head == GAP => "baseline".to_string(),
        None => ABSENT.to_string(),
    };
    html! {
        tr {
            th scope="row" { (key(style)) (style.title) }
            td data-label="Last accuracy" { (percent(head.last)) }
            td data-label="Last, to GAP" { (against(|against| against.last)) }
            td data-label="Best accuracy" { (percent(head.best)) }
            td data-label="Best, to GAP" { (against(|against| against.best)) }
            td data-label="Parameters" { (cost.map_or(ABSENT.to_string(), |cost| thousands(cost.parameters))) }
            td data-label="Multiply-adds" { (cost.map_or(ABSENT.to_string(), |cost| metric_prefix(cost.multiply_adds))) }
            td data-label="Epoch time" { (head.seconds.map_or(ABSENT.to_string(), duration)) }
        }
    }
}

fn remarks(summary: &Summary, facts: Option<&ExperimentFacts>) -> Vec<String> {
    let mut remarks = vec![match summary.selection {
        Selection::TestSplit => {
            "Accuracies are Top-1 on the test split. “Best” is chosen on the test split itself, as \
                                 the paper’s code does, and is therefore optimistic; “last” is not chosen at all."
                .to_string()
        }
        Selection::ValidationSplit => {
            "Accuracies are Top-1 on the test split. “Best” is the test accuracy at the epoch \
                                       with the highest validation accuracy."
                .to_string()
        }
    }];
    if summary
        .heads
        .iter()
        .any(|head| head.last.is_some_and(|last| last.deviation.is_some()))
    {
        remarks.push("Mean over seeds ± sample standard deviation; differences in points, seed by seed.".to_string());
    }
    if !summary.same_length {
        let text = "The runs have different lengths: “last” is each run’s own last epoch, and a difference is taken at \
                    the last epoch that both runs finished.";
        remarks.push(text.to_string());
    }
    if !summary.has_gap && summary.heads.iter().any(|head| head.last.is_some()) {
        remarks.push("There is no run with GAP, so differences to it are left out.".to_string());
    }
    if facts.is_some() {
        let text =
            "Parameters and multiply-adds are those of the whole network with this head, the latter for one image.";
        remarks.push(text.to_string());
    }
    if summary.heads.iter().any(|head| head.head.starts_with(WISE_SRNET)) {
        let text = "For comparison, the paper reports +2 to +8 points over GAP for Wise-SrNet at 224 px, and +3 to +26 \
                    points at 512 px on MIT Indoor Scenes.";
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

fn percent(estimate: Option<Estimate>) -> Markup {
    html! {
        @match estimate {
            Some(Estimate { mean, deviation: Some(deviation), .. }) => {
                (format!("{:.1}", mean * 100.0)) small { (format!(" ± {:.1}", deviation * 100.0)) } " %"
            },
            Some(Estimate { mean, .. }) => (format!("{:.1} %", mean * 100.0)),
            None => (ABSENT),
        }
    }
}

/// A difference in points, with its sign; one that rounds to nothing has none.
fn points(estimate: Estimate) -> String {
    let signed = match format!("{:.1}", estimate.mean.abs() * 100.0) {
        zero if zero == "0.0" => zero,
        amount => format!("{}{amount}", if estimate.mean > 0.0 { '+' } else { '−' }),
    };
    match estimate.deviation {
        Some(deviation) => format!("{signed} ± {:.1}", deviation * 100.0),
        None => signed,
    }
}

fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn metric_prefix(count: u64) -> String {
    let count = count as f64;
    match count {
        1e12.. => format!("{:.2} T", count / 1e12),
        1e9.. => format!("{:.2} G", count / 1e9),
        1e6.. => format!("{:.1} M", count / 1e6),
        1e3.. => format!("{:.1} k", count / 1e3),
        _ => format!("{count}"),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        3600.0.. => format!("{:.1} h", seconds / 3600.0),
        120.0.. => format!("{:.1} min", seconds / 60.0),
        _ => format!("{seconds:.1} s"),
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
        heads(&summarise(&runs), Some(&facts(&names)), &styles(names.iter().copied())).into_string()
    }

    #[test]
    fn a_head_shows_accuracy_difference_and_cost() {
        let html = table(&[
            epoch("gap", 0, 1, 0.50),
            epoch("gap", 1, 1, 0.60),
            epoch("wise_srnet", 0, 1, 0.48),
            epoch("wise_srnet", 1, 1, 0.56),
        ]);
        for text in [
            "55.0<small> ± 7.1</small> %",
            "−3.0 ± 1.4",
            "baseline",
            "12,652,870",
            "3.36 G",
            "12.5 s",
        ] {
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
    fn without_gap_differences_are_left_out_with_a_sentence() {
        let html = table(&[epoch("wise_srnet", 0, 1, 0.5)]);
        assert!(html.contains("differences to it are left out") && html.contains("<td data-label=\"Last, to GAP\">–"));
    }

    #[test]
    fn runs_of_different_lengths_are_named() {
        let html = table(&[epoch("gap", 0, 3, 0.5), epoch("wise_srnet", 0, 1, 0.5)]);
        assert!(html.contains("different lengths"));
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [thousands(7), thousands(1_000), thousands(23_587_712)],
            ["7", "1,000", "23,587,712"]
        );
        assert_eq!([metric_prefix(950), metric_prefix(12_300_000)], ["950", "12.3 M"]);
        assert_eq!(
            [duration(12.34), duration(300.0), duration(7200.0)],
            ["12.3 s", "5.0 min", "2.0 h"]
        );
    }
}
