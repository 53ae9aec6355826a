//! docs/combinations.md: every line of its table is true.

use dfdx::prelude::modules::Tanh;
use wise_srnet::experiment::{Experiment, HeadKind, Plan, Registry, Run};
use wise_srnet::layers::Conv2D;
use wise_srnet::plan::{MemoryUse, Precision};
use wise_srnet::shapes::Same;

const TABLE: &str = include_str!("../../docs/combinations.md");

const EXPERIMENT: &str = r#"Experiment(
    name: "combined", network: "NETWORK", image_size: 64, heads: [gap], epochs: 1, batch_size: 2,
    memory: MEMORY, precision: PRECISION,
    data: (layout: Generated(train_per_class: 1, test_per_class: 1, image_size: 64, seed: 0)),
)"#;

/// Trains a step, or says why not.
fn train(registry: &Registry, text: &str) -> Result<(), String> {
    let experiment = Experiment::parse(text, "combined.ron").unwrap();
    let plan = Plan::new(experiment.clone(), registry).unwrap();
    let head = HeadKind::Gap;
    let mut model = plan.build(Run { head, seed: 0 }).map_err(|error| error.to_string())?;
    assert_eq!(
        (model.memory(), model.precision()),
        (experiment.memory, experiment.precision)
    );
    let images = vec![0.5; 2 * 64 * 64 * 3];
    assert!(model.train(images, &[0, 1]).unwrap().loss.is_finite());
    Ok(())
}

#[test]
fn what_the_table_says_goes_together_and_what_it_refuses_is_refused_in_its_words() {
    let mut registry = Registry::builtin();
    registry.register_eager::<(Conv2D<3, 8, 3, 2, Same>, Tanh), 64, 32, 8>("with_tanh");
    let mut asked = Vec::new();
    for line in TABLE
        .lines()
        .filter(|line| line.contains(" yes ") || line.contains(" no "))
    {
        let [network, precision, memory, trains, reason] = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("five columns: {line}"));
        let name = if network.starts_with("built in") {
            "mini_resnet"
        } else {
            "with_tanh"
        };
        let text = EXPERIMENT.replace("NETWORK", name);
        let text = text.replace("MEMORY", memory).replace("PRECISION", precision);
        match train(&registry, &text) {
            Ok(()) => assert_eq!((trains, reason), ("yes", ""), "{line}"),
            Err(problem) => {
                assert_eq!(trains, "no", "{line}: {problem}");
                let (field, words) = reason.split_once("`: ").unwrap();
                let place = field.trim_start_matches('`');
                assert!(problem.contains(words), "{line}: {problem}");
                // The file's line, with a mark below the value.
                let shown = format!("{place}: {}", if place == "memory" { memory } else { precision });
                assert!(problem.contains(&shown) && problem.contains('^'), "{line}: {problem}");
            }
        }
        asked.push((name, precision, memory));
    }
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(
        asked.len(),
        2 * Precision::ALL.len() * [MemoryUse::Keep, MemoryUse::Recompute].len()
    );
}
