//! Experiment files as a person meets them: the shipped files, the messages for mistakes, the command line's changes.

mod bases;
mod documentation;
mod files;
mod messages;
mod overrides;
mod resuming;
mod settings;
mod variants;

use wise_srnet::experiment::Experiment;

/// A correct experiment with most fields, from which the tests make wrong ones.
const CORRECT: &str = r#"Experiment(
    name: "mine",
    network: "mini_resnet",
    image_size: 64,
    heads: [gap, wise_srnet],
    seeds: [0, 1],
    epochs: 20,
    batch_size: 32,
    data: (
        layout: Folders(train: "a", test: "b"),
        path: "data/mine",
    ),
    augmentation: (
        zoom: (0.8, 1.2),
    ),
    optimizer: (learning_rate: 0.01),
    schedule: Staircase(decay: 0.94, every_epochs: 2),
)
"#;

fn correct() -> Experiment {
    Experiment::parse(CORRECT, "mine.ron").expect("CORRECT is correct")
}

/// What is printed for `CORRECT` with `from` replaced.
fn message(from: &str, to: &str) -> String {
    assert!(CORRECT.contains(from), "{from} is not in CORRECT");
    let text = CORRECT.replacen(from, to, 1);
    match Experiment::parse(&text, "mine.ron") {
        Ok(_) => format!("accepted: {to}"),
        Err(error) => format!("error: {error}"),
    }
}
