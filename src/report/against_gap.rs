//! The page's table of differences to GAP: how large, how sure, and who was there first.

use maud::{Markup, html};

use super::head_names::title;
use super::numbers::{ABSENT, p_value, points, signed_points};
use super::palette::HeadStyle;
use super::plots::key;
use super::summary::{AgainstGap, GAP, HeadSummary, Method, Summary, Test};

/// A line for each head but GAP.
pub fn table(summary: &Summary, styles: &[HeadStyle]) -> Markup {
    let others = || summary.heads.iter().zip(styles).filter(|(head, _)| head.head != GAP);
    html! {
        @if summary.heads.iter().any(|head| head.against_gap.is_some()) {
            section aria-labelledby="against-gap" {
                h2 id="against-gap" { "Against GAP" }
                table {
                    thead {
                        tr {
                            th rowspan="2" scope="col" { "Head" }
                            th colspan="3" scope="colgroup" { "Last epoch, points of Top-1" }
                            th colspan="1" scope="colgroup" { "Best epoch" }
                            th colspan="2" scope="colgroup" { "Epochs to GAP’s best" }
                        }
                        tr {
                            th scope="col" { "difference" } th scope="col" { "95 % interval" } th scope="col" { "p" }
                            th scope="col" { "difference" }
                            th scope="col" { "head" } th scope="col" { "GAP" }
                        }
                    }
                    tbody { @for (head, style) in others() { (row(head, style)) } }
                }
                @for remark in remarks(summary) { p.remark { (remark) } }
            }
        } @else if summary.heads.iter().any(|head| head.head != GAP && head.last.is_some()) && !summary.has_gap {
            p.remark { "There is no run with GAP, so differences to it are left out." }
        }
    }
}

fn row(head: &HeadSummary, style: &HeadStyle) -> Markup {
    let against = head.against_gap.as_ref();
    let test = against.and_then(|against| against.test);
    let figure = |of: &dyn Fn(&AgainstGap) -> String| against.map_or(ABSENT.to_string(), of);
    html! {
        tr {
            th scope="row" { (key(style)) (style.title) }
            td data-label="Last, difference" { (figure(&|against| points(against.last))) }
            td data-label="95 % interval" { (test.map_or(ABSENT.to_string(), interval)) }
            td data-label="p" { (test.map_or(ABSENT.to_string(), |test| p_value(test.p))) }
            td data-label="Best, difference" { (figure(&|against| points(against.best))) }
            td data-label="Epochs to GAP’s best" { (figure(&|against| epochs(against, |reached| reached.head))) }
            td data-label="GAP’s own" { (figure(&|against| epochs(against, |reached| Some(reached.gap)))) }
        }
    }
}

/// The interval of a test, in points.
pub fn interval(test: Test) -> String {
    format!(
        "{} to {}",
        signed_points(test.interval.0),
        signed_points(test.interval.1)
    )
}

/// An epoch for each seed; a dash for one that never got there.
fn epochs(against: &AgainstGap, of: impl Fn(&super::summary::Reached) -> Option<u64>) -> String {
    let epochs = against.reached.iter().map(of);
    let written = epochs.map(|epoch| epoch.map_or(ABSENT.to_string(), |epoch| epoch.to_string()));
    written.collect::<Vec<_>>().join(", ")
}

fn remarks(summary: &Summary) -> Vec<String> {
    let compared = || summary.heads.iter().filter_map(|head| head.against_gap.as_ref());
    let tests = || compared().filter_map(|against| against.test);
    let mut remarks = vec![
        "Runs of one seed start from the same backbone and see the same images, so differences are \
                            taken seed by seed."
            .to_string(),
    ];
    if tests().any(|test| test.method == Method::PairedT) {
        remarks.push(
            "Interval and p are those of Student’s paired t test over the seeds: they tell of other seeds on the same \
             test images, and assume differences that are normally distributed."
                .to_string(),
        );
    }
    let mcnemar: Vec<String> = summary.heads.iter().filter_map(counted).collect();
    if !mcnemar.is_empty() {
        remarks.push(format!(
            "With one seed p is that of the exact McNemar test, the interval that of a paired bootstrap over the test \
             images: they tell of other images, not of other seeds. {}.",
            mcnemar.join("; ")
        ));
    }
    if tests().count() > 1 {
        remarks.push(
            "Several heads are tested; of twenty tests without any difference, one has p below 0.05 by chance."
                .to_string(),
        );
    }
    if !summary.same_length {
        remarks.push("A difference is taken at the last epoch that both runs finished.".to_string());
    }
    if compared().any(|against| !against.reached.is_empty()) {
        remarks.push(
            "Epochs to GAP’s best: for each seed the first epoch with the highest test accuracy that GAP ever had there."
                .to_string(),
        );
    }
    remarks
}

/// The images that McNemar's test of a head counts.
fn counted(head: &HeadSummary) -> Option<String> {
    match head.against_gap.as_ref()?.test?.method {
        Method::McNemar(counts) => Some(format!(
            "{}: {} of {} images right by it alone, {} by GAP alone",
            title(&head.head),
            counts.only_first,
            counts.images,
            counts.only_second
        )),
        Method::PairedT => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::row as epoch;
    use super::super::palette::styles;
    use super::super::runs::group;
    use super::super::summary::summarise;
    use super::*;

    fn html(rows: &[EpochRow]) -> String {
        let heads = group([], rows);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        table(&summarise(&heads, &[]), &styles).into_string()
    }

    #[test]
    fn several_seeds_have_a_difference_with_interval_and_test() {
        let gains = [(0, 0.02), (1, 0.015), (2, 0.04)];
        let rows: Vec<_> = gains
            .into_iter()
            .flat_map(|(seed, gain)| [epoch("gap", seed, 1, 0.5), epoch("wise_srnet", seed, 1, 0.5 + gain)])
            .collect();
        let html = html(&rows);
        for text in [
            "+2.5 ± 1.3",
            "−0.8 to +5.8",
            "0.082",
            "Student’s paired t test",
            ">1, 1, 1<",
        ] {
            assert!(html.contains(text), "{text} in {html}");
        }
        assert!(!html.contains("McNemar"));
    }

    #[test]
    fn without_gap_differences_are_left_out_with_a_sentence() {
        let html = html(&[epoch("wise_srnet", 0, 1, 0.5)]);
        assert!(html.contains("differences to it are left out") && !html.contains("<table"));
    }

    #[test]
    fn a_seed_that_never_has_gaps_best_accuracy_has_a_dash() {
        let html = html(&[epoch("gap", 0, 1, 0.5), epoch("wise_srnet", 0, 1, 0.4)]);
        assert!(html.contains("data-label=\"Epochs to GAP’s best\">–<"), "{html}");
    }
}
