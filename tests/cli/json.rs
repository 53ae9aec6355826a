//! What scripts read, against the tables of `docs/json.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::bad_images::check_of_spoilt_images;
use super::lab::{Ended, Lab, RUN};

/// Keys that a healthy machine, whole results and a small network don't print.
const NOT_SEEN: [&str; 8] = [
    "backbone.operations[].offset",
    "warnings[]",
    "experiment",
    "heads[].last",
    "heads[].best",
    "heads[].last_top5",
    "heads[].best_top5",
    "heads[].against_gap.test",
];

/// The documented types of a section's keys.
fn documented(section: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).unwrap();
    let is_title = |line: &str| line.starts_with('#') && line.contains(&format!("`{section}`"));
    let lines = text.lines().skip_while(|line| !is_title(line)).skip(1);
    let rows = lines
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let types = cells[2].split(" or ").map(str::to_owned).collect();
        (cells[1].trim_matches('`').to_owned(), types)
    })
    .collect()
}

/// Every value that is no object or list, by its path.
fn leaves<'v>(path: &str, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(&path, value, found);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| leaves(&format!("{path}[]"), value, found)),
        _ => found.push((path.to_owned(), value)),
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => panic!("docs/json.md names the type `{kind}`"),
    }
}

/// Asserts that these objects together have the documented keys, each of its type, and no others.
#[track_caller]
fn assert_documented(section: &str, objects: &[Value]) {
    let documented = documented(section);
    assert!(!documented.is_empty(), "docs/json.md has no table for `{section}`");
    let mut found = Vec::new();
    objects.iter().for_each(|object| leaves("", object, &mut found));
    for (path, value) in &found {
        let types = documented
            .get(path)
            .unwrap_or_else(|| panic!("`{path}` of `{section}` is not documented"));
        assert!(
            types.iter().any(|kind| is_of(value, kind)),
            "`{path}` of `{section}` is {value}, not {types:?}"
        );
    }
    for path in documented.keys().filter(|path| !NOT_SEEN.contains(&path.as_str())) {
        assert!(
            found.iter().any(|(seen, _)| seen == path),
            "`{path}` of `{section}` is documented but not printed"
        );
    }
}

/// The objects of an output that has nothing else; nothing is said beside them.
fn objects(ended: &Ended) -> Vec<Value> {
    ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[track_caller]
fn one_object(lab: &Lab, arguments: &[&str]) -> Vec<Value> {
    let ended = lab.run(arguments);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stderr);
    let objects = objects(&ended);
    assert_eq!(objects.len(), 1, "{}", ended.stdout);
    objects
}

#[test]
fn summary_check_and_bench_print_what_is_documented_and_nothing_else() {
    let lab = Lab::new();
    assert_documented("summary --json", &one_object(&lab, &["summary", "tiny.ron", "--json"]));
    let mut programs = one_object(&lab, &["summary", "tiny.ron", "--program", "--json"]);
    let only_program = |part: &Value| json!({ "operations": part["operations"], "tensors": part["tensors"] });
    for summary in &mut programs {
        let heads: Vec<Value> = summary["heads"].as_array().unwrap().iter().map(only_program).collect();
        *summary = json!({ "backbone": only_program(&summary["backbone"]), "heads": heads });
    }
    assert_documented("summary --program --json", &programs);
    let mut checks = one_object(&lab, &["check", "tiny.ron", "--json"]);
    let validated = Lab::changed("optimizer:", "validation: Fraction(0.34), optimizer:");
    checks.extend(one_object(&validated, &["check", "tiny.ron", "--json"]));
    checks.push(check_of_spoilt_images());
    assert_documented("check --json", &checks);
    assert_eq!(
        (&checks[0]["images"]["train"], &checks[1]["images"]["validation"]),
        (&36.into(), &12.into())
    );
    let bench = "bench --network mini_resnet --size 64 --batch 1 --steps 1 --infer --json";
    let bench: Vec<&str> = bench.split(' ').collect();
    let mut measured = one_object(&lab, &bench);
    measured.extend(one_object(&lab, &[&bench[..], &["--by-layer", "--plan"]].concat()));
    assert_documented("bench --json", &measured);
    let kinds = measured[1]["layers"].as_array().unwrap();
    let shares: f64 = kinds.iter().map(|kind| kind["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-6, "{shares}");
    assert!(kinds.iter().any(|kind| kind["name"] == "Conv2D"), "{kinds:?}");
}

#[test]
fn the_figures_of_a_report_are_documented_and_no_others() {
    let lab = Lab::new();
    lab.train(&["--epochs", "1", "--heads", "gap,wise_srnet"]);
    let read = |path: &str| -> Value { serde_json::from_str(&lab.read(path)).unwrap() };
    let figures = read("reports/tiny/report.json");
    let last = lab.read("reports/tiny/history.csv").lines().last().unwrap().to_owned();
    let accuracy: f64 = last.split(',').nth(7).unwrap().parse().unwrap();
    assert_eq!(figures["heads"][1]["last"]["mean"].as_f64().unwrap(), accuracy);
    let counts = figures["answers"]["heads"][1]["confusion"].as_array().unwrap();
    let right: u64 = counts
        .iter()
        .enumerate()
        .map(|(class, row)| row[class].as_u64().unwrap())
        .sum();
    assert_eq!(
        right as f64 / 24.0,
        accuracy,
        "the confusion matrix and the history tell of the same epoch"
    );
    assert_documented("report.json", std::slice::from_ref(&figures));

    let ended = lab.run(&[
        "report",
        "reports/tiny",
        "reports/tiny/history.csv",
        "--out",
        "together",
    ]);
    assert_eq!(ended.stdout, "together/report.html\n", "{}", ended.stderr);
    assert_eq!(read("together/report.json")["experiments"][0], figures);
    assert!(lab.read("together/report.html").contains("2 experiments"));
}

#[test]
fn a_run_evaluate_and_predict_print_what_is_documented_and_nothing_else() {
    let lab = Lab::new();
    let run = lab.train(&[
        "--epochs",
        "2",
        "--limit-train",
        "12",
        "--limit-test",
        "6",
        "--log-format",
        "json",
    ]);
    assert!(!run.stderr.contains("next:"), "{}", run.stderr);
    let events = objects(&run);
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "experiment_started",
            "run_started",
            "epoch_finished",
            "epoch_finished",
            "run_finished",
            "report_written"
        ]
    );
    for (name, event) in names.iter().zip(&events) {
        assert_documented(name, std::slice::from_ref(event));
    }
    let history = lab.read("reports/tiny/history.csv");
    for (event, row) in events[2..4].iter().zip(history.lines().skip(1)) {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(event["epoch"].to_string(), fields[2]);
        assert_eq!(event["test_loss"].as_f64().unwrap(), fields[6].parse::<f64>().unwrap());
    }
    let again = lab.train(&[
        "--epochs",
        "2",
        "--limit-train",
        "12",
        "--limit-test",
        "6",
        "--log-format",
        "json",
    ]);
    assert_eq!(objects(&again)[1]["epochs_done"], 2);

    let checkpoint = format!("reports/tiny/{RUN}/best.safetensors");
    let evaluate = ["evaluate", "tiny.ron", "--checkpoint", &checkpoint, "--json"];
    assert_documented("evaluate --json", &one_object(&lab, &evaluate));

    image::RgbImage::new(8, 8).save(lab.path("black.png")).unwrap();
    lab.write("broken.png", "no image");
    let plain = lab.run(&[
        "predict",
        "--checkpoint",
        &checkpoint,
        "black.png",
        "broken.png",
        "--json",
    ]);
    assert_eq!(plain.code, Some(1));
    let mut predictions = objects(&plain);
    predictions.extend(one_object(
        &lab,
        &[
            "predict",
            "--checkpoint",
            &checkpoint,
            "black.png",
            "--explain",
            "heat",
            "--json",
        ],
    ));
    assert_documented("predict --json", &predictions);
}
