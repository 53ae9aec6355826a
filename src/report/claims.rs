//! The paper's claims beside what was measured here, with a plain word where the two can't be compared.

use maud::{Markup, html};

use super::facts::ExperimentFacts;
use super::numbers::{duration, signed_points};
use super::summary::{AgainstGap, GAP, HeadSummary, Summary, WISE_SRNET};

/// The paper trained its networks at least this long; see the experiment files of its notebooks.
const PAPER_EPOCHS: u64 = 130;
const PAPER_NETWORKS: [&str; 4] = ["resnet50", "densenet169", "xception", "nasnet_large"];

/// A claim, and what was measured.
struct Claim {
    claim: &'static str,
    measured: String,
}

/// The table; nothing where Wise-SrNet and GAP were not both measured on known data.
pub fn table(summary: &Summary, facts: Option<&ExperimentFacts>) -> Markup {
    let wise = summary.heads.iter().find(|head| head.head == WISE_SRNET);
    let gap = summary.heads.iter().find(|head| head.head == GAP);
    let (Some(facts), Some(wise), Some(gap)) = (facts, wise, gap) else {
        return html! {};
    };
    let Some(against) = &wise.against_gap else {
        return html! {};
    };
    html! {
        section aria-labelledby="claims" {
            h2 id="claims" { "The paper’s claims" }
            table.claims {
                thead { tr { th scope="col" { "Wise-SrNet against GAP, in the paper" } th scope="col" { "measured here" } } }
                tbody {
                    @for claim in claims(wise, gap, against, facts) {
                        tr { th scope="row" { (claim.claim) } td data-label="Here" { (claim.measured) } }
                    }
                }
            }
            p.remark { (comparability(against, facts)) }
        }
    }
}

fn claims(wise: &HeadSummary, gap: &HeadSummary, against: &AgainstGap, facts: &ExperimentFacts) -> [Claim; 5] {
    let at_size = |size: usize| match facts.image_size {
        own if own == size => difference(against),
        own => format!("not measured: the images here have {own} px"),
    };
    [
        Claim {
            claim: "Top-1 2 to 8 points higher at 224 px",
            measured: at_size(224),
        },
        Claim {
            claim: "Top-1 3 to 26 points higher at 512 px (MIT Indoor Scenes)",
            measured: at_size(512),
        },
        Claim {
            claim: "Faster convergence",
            measured: convergence(against),
        },
        Claim {
            claim: "Almost the same computational cost",
            measured: cost(wise, gap, facts),
        },
        Claim {
            claim: "Gains grow with image size and number of classes",
            measured: "not measured: it takes several experiments, see “report” with several folders".to_owned(),
        },
    ]
}

fn difference(against: &AgainstGap) -> String {
    let points = signed_points(against.last.mean);
    match against.test {
        Some(test) => {
            let (low, high) = (signed_points(test.interval.0), signed_points(test.interval.1));
            format!("{points} points (95 % interval {low} to {high})")
        }
        None => format!("{points} points"),
    }
}

fn convergence(against: &AgainstGap) -> String {
    let faster = against
        .reached
        .iter()
        .filter(|reached| reached.head.is_some_and(|head| head < reached.gap));
    let slower = against
        .reached
        .iter()
        .filter(|reached| reached.head.is_none_or(|head| head > reached.gap));
    let (faster, slower, all) = (faster.count(), slower.count(), against.reached.len());
    let seeds = if all == 1 { "seed" } else { "seeds" };
    format!(
        "GAP’s best accuracy is reached earlier than by GAP in {faster} of {all} {seeds}, later or never in {slower}"
    )
}

fn cost(wise: &HeadSummary, gap: &HeadSummary, facts: &ExperimentFacts) -> String {
    let mut sentences = Vec::new();
    if let (Some(wise), Some(gap)) = (facts.head(&wise.head), facts.head(&gap.head)) {
        let more = 100.0 * (wise.multiply_adds as f64 / gap.multiply_adds.max(1) as f64 - 1.0);
        let parameters = 100.0 * (wise.parameters as f64 / gap.parameters.max(1) as f64 - 1.0);
        sentences.push(format!("multiply-adds {more:+.2} %, parameters {parameters:+.2} %"));
    }
    if let (Some(wise), Some(gap)) = (wise.seconds, gap.seconds) {
        sentences.push(format!("{} an epoch against {}", duration(wise), duration(gap)));
    }
    sentences.join("; ")
}

/// What must be known before the two columns are compared.
fn comparability(against: &AgainstGap, facts: &ExperimentFacts) -> String {
    let mut reasons = Vec::new();
    if against.epochs.1 < PAPER_EPOCHS {
        reasons.push(format!(
            "{} epochs are too short to compare: the paper trained for {PAPER_EPOCHS} to 220",
            against.epochs.1
        ));
    }
    if !PAPER_NETWORKS.contains(&facts.network.as_str()) {
        reasons.push(format!("{} is not one of the paper’s networks", facts.network));
    }
    match &reasons[..] {
        [] => "Data set, network and settings decide how far the two columns can be compared; the paper’s figures are \
               best epochs of single runs, chosen on the test split."
            .to_owned(),
        reasons => format!("{}.", reasons.join(", and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::{facts, row};
    use super::super::runs::group;
    use super::super::summary::summarise;
    use super::*;

    fn html(facts: &ExperimentFacts, rows: &[EpochRow]) -> String {
        table(&summarise(&group([], rows), &[]), Some(facts)).into_string()
    }

    fn rows(epochs: u64) -> Vec<EpochRow> {
        let epoch = |epoch| [row("gap", 0, epoch, 0.5), row("wise_srnet", 0, epoch, 0.53)];
        (1..=epochs).flat_map(epoch).collect()
    }

    #[test]
    fn a_short_run_of_another_network_is_not_set_beside_the_paper_without_a_word() {
        let html = html(&facts(&["gap", "wise_srnet"]), &rows(3));
        for text in [
            "3 epochs are too short to compare",
            "mini_resnet is not one of the paper’s networks",
            "the images here have 64 px",
            "multiply-adds +0.00 %",
        ] {
            assert!(html.contains(text), "{text} in {html}");
        }
    }

    #[test]
    fn the_difference_stands_in_the_line_of_its_image_size() {
        let mut facts = facts(&["gap", "wise_srnet"]);
        (facts.image_size, facts.network) = (224, "xception".to_owned());
        let html = html(&facts, &rows(200));
        assert!(
            html.contains("+3.0 points") && html.contains("the images here have 224 px"),
            "{html}"
        );
        assert!(!html.contains("too short") && html.contains("single runs"));
        assert!(html.contains("0 of 1 seed"), "{html}");
    }

    #[test]
    fn without_both_heads_there_is_no_table() {
        let rows = [row("gap", 0, 1, 0.5), row("flatten_fc", 0, 1, 0.5)];
        assert!(html(&facts(&["gap", "flatten_fc"]), &rows).is_empty());
    }
}
