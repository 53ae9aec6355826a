//! `precision: Bf16`, from `run` to `predict`.

use std::fs;

use super::lab::{Lab, RUN, TINY};

fn lab() -> Lab {
    Lab::with(&TINY.replacen("optimizer:", "precision: Bf16,\n    optimizer:", 1))
}

#[test]
fn a_run_in_bf16_goes_on_to_the_same_bits_for_any_number_of_threads_and_not_in_f32() {
    let whole = lab();
    whole.train(&["--threads", "2"]);
    let parts = lab();
    parts.train(&["--threads", "1", "--epochs", "2"]);
    let other = parts.run(&["tiny.ron", "--precision", "f32"]);
    other.assert_refused(1, &["precision: was Bf16, now F32"]);
    parts.train(&["--threads", "3"]);
    parts.assert_same_results(&whole);

    let exact = Lab::new();
    exact.train(&["--precision", "f32"]);
    let weights = |lab: &Lab| fs::read(lab.results(&format!("{RUN}/last.safetensors"))).unwrap();
    assert_ne!(weights(&exact), weights(&whole), "bf16 is another computation");
}

#[test]
fn predictions_are_made_as_the_run_was_trained_unless_another_precision_is_asked_for() {
    let lab = lab();
    lab.train(&["--epochs", "1"]);
    lab.write_image("image.png");
    let checkpoint = format!("reports/tiny/{RUN}/last.safetensors");
    let predicted = |more: &[&str]| {
        let ended = lab.run(&[&["predict", "image.png", "--json", "--checkpoint", &checkpoint], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let as_trained = predicted(&[]);
    assert_eq!(as_trained, predicted(&["--precision", "bf16"]));
    assert_ne!(as_trained, predicted(&["--precision", "f32"]));
}

#[test]
fn an_unknown_precision_is_answered_with_those_that_there_are() {
    let lab = Lab::new();
    lab.run(&["tiny.ron", "--precision", "f16"])
        .assert_refused(2, &["unknown precision `f16`: expected one of `f32`, `bf16`"]);
}
