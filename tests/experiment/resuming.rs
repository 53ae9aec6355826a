//! Which changes of an experiment make its stored runs another experiment's.

use std::fs;

use wise_srnet::experiment::{
    Checkpoints, Experiment, HeadKind, OnBadImage, Plan, Registry, Run, Schedule, Validation,
};
use wise_srnet::plan::Precision;

use super::correct;

type Change = fn(&mut Experiment);

fn changed(change: impl FnOnce(&mut Experiment)) -> Experiment {
    let mut experiment = correct();
    change(&mut experiment);
    experiment
}

#[test]
fn runs_continue_when_only_their_number_length_or_place_changes() {
    let more = changed(|experiment| {
        experiment.name = "renamed".to_owned();
        experiment.heads.push(HeadKind::FlattenFc);
        experiment.seeds.push(9);
        experiment.epochs += 10;
        experiment.checkpoints = Checkpoints::EveryEpochs(1);
        experiment.save_every_steps = 7;
        experiment.on_bad_image = OnBadImage::Skip(3);
        experiment.data.path = Some("moved".into());
    });
    assert_eq!(more.fingerprint().unwrap(), correct().fingerprint().unwrap());
    assert_eq!(more.differences(&correct()).unwrap(), []);
}

#[test]
fn every_setting_that_changes_results_changes_the_fingerprint_and_is_named() {
    let changes: [(&str, Change); 11] = [
        ("network", |experiment| experiment.network.push('x')),
        ("image_size", |experiment| experiment.image_size = 96),
        ("batch_size", |experiment| experiment.batch_size = 16),
        ("data.limit_train", |experiment| experiment.data.limit_train = Some(100)),
        ("augmentation.zoom", |experiment| experiment.augmentation.zoom.0 = 0.9),
        ("augmentation.brightness", |experiment| {
            experiment.augmentation.brightness = Some((0.5, 1.0))
        }),
        ("optimizer.momentum", |experiment| experiment.optimizer.momentum = 0.0),
        ("schedule", |experiment| experiment.schedule = Schedule::Constant),
        ("weights", |experiment| experiment.weights = Some("w: (1)".into())),
        ("validation", |experiment| {
            experiment.validation = Validation::Fraction(0.1)
        }),
        ("precision", |experiment| experiment.precision = Precision::Bf16),
    ];
    for (field, change) in changes {
        let other = changed(change);
        assert_ne!(
            other.fingerprint().unwrap(),
            correct().fingerprint().unwrap(),
            "{field}"
        );
        let differences = correct().differences(&other).unwrap();
        let fields: Vec<_> = differences.iter().map(|difference| difference.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
}

#[test]
fn a_difference_reads_as_a_sentence() {
    let other = changed(|experiment| experiment.schedule = Schedule::Constant);
    let differences = correct().differences(&other).unwrap();
    assert_eq!(
        differences[0].to_string(),
        "schedule: was Staircase(decay: 0.94, every_epochs: 2), now Constant"
    );
}

#[test]
fn the_fingerprint_is_the_same_on_every_machine() {
    assert_eq!(correct().fingerprint().unwrap(), "fccf98a691b6c975");
}

/// What stands for a run's settings and images, with lists of these lines.
fn identity_of(train: &[&str], test: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for image in ["a.png", "b.png", "c.png", "d.png"] {
        fs::write(folder.path().join(image), "not decoded").unwrap();
    }
    for (list, lines) in [("train.csv", train), ("test.csv", test)] {
        fs::write(
            folder.path().join(list),
            format!("filename,class\n{}\n", lines.join("\n")),
        )
        .unwrap();
    }
    let text = r#"(name: "a", network: "mini_resnet", image_size: 64, heads: [gap], epochs: 1,
        data: (layout: Csv(train: "train.csv", test: "test.csv")))"#;
    let mut experiment = Experiment::parse(text, "a.ron").unwrap();
    experiment.data.path = Some(folder.path().to_owned());
    let registry = Registry::builtin();
    let plan = Plan::new(experiment, &registry).unwrap();
    let run = Run {
        head: HeadKind::Gap,
        seed: 0,
    };
    plan.fit(run, folder.path()).identity.fingerprint
}

#[test]
fn the_images_their_classes_and_their_splits_belong_to_what_a_run_is_of() {
    let train = ["a.png,sea", "b.png,sky"];
    let test = ["c.png,sea", "d.png,sky"];
    let own = identity_of(&train, &test);
    let reordered = identity_of(&["b.png,sky", "a.png,sea"], &test);
    assert_eq!(
        own, reordered,
        "wherever the images are, and in whatever order the lists name them"
    );
    let others: [(&str, [&[&str]; 2]); 4] = [
        ("classes", [&["a.png,sky", "b.png,sea"], &test]),
        ("classes of the test", [&train, &["c.png,sky", "d.png,sea"]]),
        ("splits", [&["a.png,sea", "b.png,sky", "c.png,sea"], &["d.png,sky"]]),
        ("images", [&["a.png,sea", "d.png,sky"], &["c.png,sea", "b.png,sky"]]),
    ];
    for (what, [train, test]) in others {
        assert_ne!(own, identity_of(train, test), "{what}");
    }
}
