//! The parts of the page that tell about the experiment itself: its data, its settings, how far it has come.

use maud::{Markup, html};

use super::facts::ExperimentFacts;
use super::runs::HeadRuns;

/// Network, data and size in one line.
pub fn headline(facts: &ExperimentFacts) -> String {
    let validation = facts
        .validation_images
        .map(|count| format!(", {count} validation"))
        .unwrap_or_default();
    format!(
        "{} at {size} × {size} px · {} · {} training{validation} and {} test images",
        facts.network,
        counted(facts.classes.len(), "class", "classes"),
        facts.train_images,
        facts.test_images,
        size = facts.image_size,
    )
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Said while runs are missing or short; silent once every planned run has all its epochs.
pub fn progress(facts: &ExperimentFacts, heads: &[HeadRuns]) -> Option<String> {
    let planned = facts.heads.len() * facts.seeds.len();
    let complete = |head: &HeadRuns| head.runs.iter().filter(|run| run.last_epoch() >= facts.epochs).count();
    let finished: usize = heads.iter().map(complete).sum();
    (finished < planned).then(|| {
        let runs = counted(planned, "planned run", "planned runs");
        format!(
            "Not complete: {finished} of {runs} finished all {} epochs.",
            facts.epochs
        )
    })
}

/// The settings, name and value.
pub fn settings(facts: &ExperimentFacts) -> Markup {
    let seeds: Vec<String> = facts.seeds.iter().map(u64::to_string).collect();
    let own = [
        ("Network", facts.network.clone()),
        ("Image size", format!("{size} × {size} px", size = facts.image_size)),
        ("Epochs", facts.epochs.to_string()),
        ("Batch size", facts.batch_size.to_string()),
        ("Seeds", seeds.join(", ")),
    ];
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Settings" }
            dl {
                @for (name, value) in &own { div { dt { (name) } dd { (value) } } }
                @for (name, value) in &facts.settings { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// The classes, in the order of their indices.
pub fn classes(classes: &[String]) -> Markup {
    html! {
        @if !classes.is_empty() {
            section aria-labelledby="classes" {
                h2 id="classes" { "Classes" }
                ul.classes { @for class in classes { li { (class) } } }
            }
        }
    }
}
