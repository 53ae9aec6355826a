//! `summary` and `bench`: figures for people and for programs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::lab::{Lab, TINY};

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    let ended = lab.run(arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.trim_end().lines().count(), 1, "one line");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn densenet(size: usize) -> Lab {
    let text =
        TINY.replacen("mini_resnet", "densenet169", 1)
            .replacen("image_size: 64", &format!("image_size: {size}"), 1);
    Lab::with(&text.replacen("[wise_srnet_dropout]", "[gap, wise_srnet]", 1))
}

#[test]
fn densenet169_has_keras_parameters_and_maps() {
    for (size, map) in [(224, 7), (512, 16)] {
        let summary = json(&densenet(size), &["summary", "tiny.ron", "--json"]);
        let backbone = &summary["backbone"];
        assert_eq!(backbone["parameters"], 12_642_880);
        assert_eq!(backbone["trainable"], 12_484_480);
        assert_eq!(backbone["feature_map"], serde_json::json!([map, map, 1664]));
    }
}

#[test]
fn a_summary_in_json_has_the_promised_keys() {
    let summary = json(&densenet(224), &["summary", "tiny.ron", "--json", "--classes", "67"]);
    let expected = [
        "experiment",
        "network",
        "image_size",
        "classes",
        "batch_size",
        "epochs",
        "seeds",
        "heads",
        "backbone",
    ];
    assert_eq!(keys(&summary), expected.into());
    let part = ["parameters", "trainable", "multiply_adds", "feature_map"];
    assert_eq!(keys(&summary["backbone"]), part.into());
    assert_eq!(
        keys(&summary["heads"][0]),
        [&part[..], &["name"]].concat().into_iter().collect()
    );
    assert_eq!(
        (&summary["network"], &summary["classes"]),
        (&"densenet169".into(), &67.into())
    );
    // 1664 × 67 weights and 67 biases; Wise-SrNet adds 3 × 3 weights and a bias for each of the 1664 channels.
    let [gap, wise_srnet] = [0, 1].map(|head| summary["heads"][head]["parameters"].as_u64().unwrap());
    assert_eq!(gap, 1664 * 67 + 67);
    assert_eq!(wise_srnet, gap + 10 * 1664);
}

#[test]
fn a_program_for_people_says_what_each_operation_reads_and_makes() {
    let ended = Lab::new().run(&["summary", "tiny.ron", "--program"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let rows = ended
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let rows: Vec<String> = rows.collect();
    for row in [
        "value operation reads output settings layer",
        "%0 images 64×64×3",
        "%1 Conv2D %0 32×32×32 kernel 3, stride 2, padding 0 0 backbone.0.0",
        "%7 Add + ReLU %6 %2 32×32×32",
        "head wise_srnet_dropout",
        "%24 Dropout %23 1×1×128 50 %",
        "%25 Dense %24 6 head.3",
    ] {
        assert!(rows.iter().any(|line| line == row), "no `{row}` in: {}", ended.stdout);
    }
}

#[test]
fn a_summary_for_people_lists_layers_shapes_and_sums() {
    let ended = Lab::new().run(&["summary", "tiny.ron"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for said in [
        "mini_resnet, 64 × 64 pixels, 6 classes; feature map 8 × 8 × 128",
        "head wise_srnet_dropout",
        "trainable",
    ] {
        assert!(ended.stdout.contains(said), "no `{said}` in: {}", ended.stdout);
    }
    let has_numbers = |line: &&str| line.ends_with(|end: char| end.is_ascii_digit()) && !line.starts_with(' ');
    let widths: Vec<usize> = ended
        .stdout
        .lines()
        .skip(1)
        .filter(has_numbers)
        .map(|line| line.chars().count())
        .collect();
    assert!(
        widths.len() > 10 && widths.iter().all(|width| *width == widths[0]),
        "{}",
        ended.stdout
    );
}

#[test]
fn bench_prints_one_line_of_json_with_the_promised_keys() {
    let lab = Lab::new();
    let common = [
        "bench",
        "--network",
        "mini_resnet",
        "--size",
        "64",
        "--batch",
        "2",
        "--steps",
        "2",
        "--json",
    ];
    for extra in [&["--head", "wise_srnet", "--threads", "1"][..], &["--infer"]] {
        let measured = json(&lab, &[&common[..], extra].concat());
        for key in ["seconds_per_step", "images_per_second", "gflops", "peak_memory_bytes"] {
            assert!(
                measured[key].as_f64().is_some_and(|value| value > 0.0),
                "{key} in {measured}"
            );
        }
    }
    let ended = lab.run(&common[..common.len() - 1]);
    let said = [
        "mini_resnet 64 px, gap, batch 2, train in f32 on ",
        " s a step, ",
        " images/s, ",
        " GFLOP/s\n",
    ];
    assert!(said.iter().all(|part| ended.stdout.contains(part)), "{}", ended.stdout);
    lab.run(&["bench", "--network", "mini", "--size", "64"])
        .assert_refused(1, &["unknown network `mini`: expected one of"]);
    lab.run(&["bench", "--network", "mini_resnet", "--size", "65"])
        .assert_refused(1, &["not registered", "`64`, `96`"]);
}

#[test]
fn bench_refuses_a_batch_that_cannot_fit_into_the_memory_with_one_that_does() {
    // 65,535 images of about 13 MB each, or of about 160 in training.
    let bench = "bench --network densenet169 --size 224 --steps 1 --batch 65535";
    let bench: Vec<&str> = bench.split(' ').collect();
    for (step, extra) in [("a training step", &[][..]), ("an inference step", &["--infer"])] {
        let said = [
            format!("{step} takes up to "),
            " are available: `--batch ".to_owned(),
            "`--ignore-memory` tries it as it is".to_owned(),
        ];
        let said = said.iter().map(String::as_str).collect::<Vec<_>>();
        Lab::new().run(&[&bench[..], extra].concat()).assert_refused(1, &said);
    }
}
