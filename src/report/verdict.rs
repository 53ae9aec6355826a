//! The result in plain sentences: which head is ahead, by how much, and how little that may mean.

use super::facts::ExperimentFacts;
use super::head_names::title;
use super::numbers::{p_value, signed_points};
use super::summary::{AgainstGap, HeadSummary, Method, Summary, Test, WISE_SRNET};

/// Fewer epochs than this say little about where a network ends.
const FEW_EPOCHS: u64 = 10;
/// Fewer seeds than this are an indication at most.
const FEW_SEEDS: usize = 5;
/// A difference with a smaller p is called rare.
const SIGNIFICANT: f64 = 0.05;
/// A difference in points below this reads 0.0.
const VISIBLE: f64 = 0.05;

/// What the histories say.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The result, one or two sentences.
    pub result: String,
    /// Why to be careful with it; may be empty.
    pub caveat: String,
}

/// Puts the summary into words. Never claims more than a difference between the runs at hand.
pub fn verdict(summary: &Summary, facts: Option<&ExperimentFacts>) -> Verdict {
    let measured: Vec<&HeadSummary> = summary.heads.iter().filter(|head| head.last.is_some()).collect();
    let compared: Vec<(&str, &AgainstGap)> = measured
        .iter()
        .filter_map(|head| Some((head.head.as_str(), head.against_gap.as_ref()?)))
        .collect();
    let leader = compared.iter().max_by(|a, b| a.1.last.mean.total_cmp(&b.1.last.mean));
    match leader {
        Some((head, against)) => Verdict {
            result: comparison(head, against, &compared),
            caveat: caveat(against, facts),
        },
        None => Verdict {
            result: without_comparison(&measured, summary.has_gap),
            caveat: String::new(),
        },
    }
}

fn comparison(leader: &str, against: &AgainstGap, compared: &[(&str, &AgainstGap)]) -> String {
    let points = against.last.mean * 100.0;
    let name = title(leader);
    let standing = if points >= VISIBLE {
        format!("{name} is ahead of GAP by {}", amount(points))
    } else if points > -VISIBLE {
        format!("{name} and GAP are level")
    } else if compared.len() > 1 {
        format!(
            "GAP is ahead of every other head; the nearest, {name}, is behind by {}",
            amount(points)
        )
    } else {
        format!("{name} is behind GAP by {}", amount(points))
    };
    let result = format!(
        "After {} {standing} of test accuracy: {:.1} % against {:.1} % (last epoch, {}).",
        epochs(against),
        against.accuracy * 100.0,
        against.gap_accuracy * 100.0,
        seeds(against.last.seeds),
    );
    let result = result.replace("are level of test accuracy", "are level in test accuracy");
    match compared
        .iter()
        .find(|(head, _)| *head == WISE_SRNET && leader != WISE_SRNET)
    {
        Some((head, wise)) => {
            let doubt = if wise.last.seeds > 1 && !wise.seeds_agree {
                ", but its seeds disagree"
            } else {
                ""
            };
            format!(
                "{result} {} is {} GAP{doubt}.",
                title(head),
                side(wise.last.mean * 100.0)
            )
        }
        None => result,
    }
}

fn side(points: f64) -> String {
    if points.abs() < VISIBLE {
        "level with".to_string()
    } else {
        format!(
            "{} {}",
            amount(points),
            if points > 0.0 { "ahead of" } else { "behind" }
        )
    }
}

fn amount(points: f64) -> String {
    let points = format!("{:.1}", points.abs());
    if points == "1.0" {
        "1.0 point".to_string()
    } else {
        format!("{points} points")
    }
}

fn epochs(against: &AgainstGap) -> String {
    match against.epochs {
        (1, 1) => "1 epoch".to_string(),
        (first, last) if first == last => format!("{last} epochs"),
        (first, last) => format!("{first} to {last} epochs"),
    }
}

fn seeds(count: usize) -> String {
    if count == 1 {
        "one seed".to_string()
    } else {
        format!("mean of {count} seeds")
    }
}

fn caveat(against: &AgainstGap, facts: Option<&ExperimentFacts>) -> String {
    let mut sentences = Vec::new();
    match against.last.seeds {
        1 => sentences.push(
            "One seed is too little to conclude: part of any difference between two single runs is chance.".to_string(),
        ),
        _ if !against.seeds_agree => sentences.push(
            "The seeds do not agree on which of the two is better, so this difference shows nothing yet.".to_string(),
        ),
        count if count < FEW_SEEDS => {
            let all = if count == 2 {
                "Both".to_string()
            } else {
                format!("All {count}")
            };
            sentences.push(format!(
                "{all} seeds point the same way; so few are an indication, not a proof."
            ));
        }
        _ => {}
    }
    sentences.extend(against.test.map(|test| tested(&test, against.last.seeds)));
    if against.epochs.0 < FEW_EPOCHS {
        sentences.push(format!(
            "{} are too few to tell where the heads end up.",
            capital(&epochs(against))
        ));
    }
    if let Some(facts) = facts.filter(|facts| (1..1000).contains(&facts.test_images)) {
        let images = facts.test_images as f64 / 100.0;
        sentences.push(format!(
            "One point is {} of the {} test images.",
            compact(images),
            facts.test_images
        ));
    }
    let text = sentences.join(" ");
    text.replace("1 epoch are too few", "1 epoch is too little")
}

/// What the test says, with its name.
fn tested(test: &Test, seeds: usize) -> String {
    let judgement = if test.p < SIGNIFICANT {
        "A difference this large would be rare if there were none"
    } else {
        "A difference this large is not rare where there is none"
    };
    let name = match test.method {
        Method::McNemar(_) => "exact McNemar test over the test images".to_string(),
        Method::PairedT => format!("paired t test over {seeds} seeds"),
    };
    let (low, high) = (signed_points(test.interval.0), signed_points(test.interval.1));
    let p = match p_value(test.p) {
        small if small.starts_with('<') => format!("p {small}"),
        p => format!("p = {p}"),
    };
    format!("{judgement}: {p}, 95 % interval {low} to {high} points ({name}).")
}

fn compact(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn without_comparison(measured: &[&HeadSummary], has_gap: bool) -> String {
    let best = measured
        .iter()
        .filter_map(|head| Some((head, head.last?)))
        .max_by(|a, b| a.1.mean.total_cmp(&b.1.mean));
    let Some((head, last)) = best else {
        return "No epoch with a test accuracy has finished yet.".to_string();
    };
    let reached = format!(
        "{} reached {:.1} % test accuracy (last epoch, {}).",
        title(&head.head),
        last.mean * 100.0,
        seeds(last.seeds)
    );
    let missing = match (has_gap, measured.len()) {
        (true, 1) => "No other head has finished an epoch, so there is nothing to compare yet.",
        (true, _) => "No other head shares a seed with GAP, so there is nothing to compare yet.",
        (false, _) => "There is no run with GAP, so no difference to it is stated.",
    };
    format!("{reached} {missing}")
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::{facts, row};
    use super::super::runs::group;
    use super::super::summary::summarise;
    use super::*;

    /// Last accuracies per head and seed, after `epochs` epochs.
    fn rows(epochs: u64, lasts: &[(&str, &[f64])]) -> Vec<EpochRow> {
        let runs = lasts
            .iter()
            .flat_map(|(head, seeds)| seeds.iter().zip(0..).map(move |(last, seed)| (head, seed, last)));
        runs.flat_map(|(head, seed, last)| (1..=epochs).map(move |epoch| row(head, seed, epoch, *last)))
            .collect()
    }

    fn of(rows: &[EpochRow]) -> Verdict {
        verdict(&summarise(&group([], rows), &[]), None)
    }

    #[test]
    fn the_leader_and_wise_srnet_are_both_named() {
        let verdict = of(&rows(
            20,
            &[
                ("gap", &[0.68, 0.70]),
                ("flatten_fc", &[0.70, 0.722]),
                ("wise_srnet", &[0.67, 0.69]),
            ],
        ));
        assert_eq!(
            verdict.result,
            "After 20 epochs Flatten + FC is ahead of GAP by 2.1 points of test accuracy: 71.1 % against 69.0 % \
             (last epoch, mean of 2 seeds). Wise-SrNet is 1.0 point behind GAP."
        );
        assert_eq!(
            verdict.caveat,
            "Both seeds point the same way; so few are an indication, not a proof. A difference this large would be rare if \
             there were none: p = 0.030, 95 % interval +0.8 to +3.4 points (paired t test over 2 seeds)."
        );
    }

    #[test]
    fn a_lead_of_gap_is_said_as_plainly() {
        let alone = of(&rows(20, &[("gap", &[0.70]), ("wise_srnet", &[0.65])]));
        assert!(
            alone.result.contains("Wise-SrNet is behind GAP by 5.0 points"),
            "{}",
            alone.result
        );
        let several = of(&rows(
            20,
            &[("gap", &[0.70]), ("wise_srnet", &[0.65]), ("depthwise", &[0.60])],
        ));
        assert!(
            several
                .result
                .contains("GAP is ahead of every other head; the nearest, Wise-SrNet,"),
            "{}",
            several.result
        );
    }

    #[test]
    fn equal_heads_are_level() {
        let verdict = of(&rows(20, &[("gap", &[0.70]), ("wise_srnet", &[0.70])]));
        assert!(
            verdict
                .result
                .contains("Wise-SrNet and GAP are level in test accuracy: 70.0 %"),
            "{}",
            verdict.result
        );
    }

    #[test]
    fn one_seed_few_epochs_and_few_images_are_named_as_reasons_for_care() {
        let history = rows(2, &[("gap", &[0.5]), ("wise_srnet", &[0.6])]);
        let facts = facts(&["gap", "wise_srnet"]);
        let caveat = verdict(&summarise(&group([], &history), &[]), Some(&facts)).caveat;
        for reason in [
            "One seed is too little",
            "2 epochs are too few",
            "One point is 6 of the 600 test images",
        ] {
            assert!(caveat.contains(reason), "{caveat}");
        }
    }

    #[test]
    fn seeds_that_disagree_show_nothing() {
        let verdict = of(&rows(20, &[("gap", &[0.5, 0.5]), ("wise_srnet", &[0.6, 0.45])]));
        assert!(verdict.caveat.contains("shows nothing yet"), "{}", verdict.caveat);
    }

    #[test]
    fn a_place_of_wise_srnet_on_which_its_seeds_disagree_is_marked() {
        let history = rows(
            20,
            &[
                ("gap", &[0.5, 0.5]),
                ("flatten_fc", &[0.7, 0.7]),
                ("wise_srnet", &[0.6, 0.45]),
            ],
        );
        let result = of(&history).result;
        assert!(
            result.ends_with("Wise-SrNet is 2.5 points ahead of GAP, but its seeds disagree."),
            "{result}"
        );
    }

    #[test]
    fn without_gap_or_without_rows_no_difference_is_stated() {
        assert_eq!(of(&[]).result, "No epoch with a test accuracy has finished yet.");
        let only = of(&rows(3, &[("wise_srnet", &[0.6])]));
        assert!(
            only.result
                .ends_with("There is no run with GAP, so no difference to it is stated."),
            "{}",
            only.result
        );
        let gap = of(&rows(3, &[("gap", &[0.6])]));
        assert!(gap.result.starts_with("GAP reached 60.0 %") && gap.result.contains("nothing to compare"));
    }
}
