//! `evaluate`: a trained network on its test split.

use serde_json::Value;

use super::lab::{Lab, RUN};

fn trained() -> Lab {
    let lab = Lab::new();
    lab.train(&["--epochs", "2", "--limit-train", "12"]);
    lab
}

fn checkpoint() -> String {
    format!("reports/tiny/{RUN}/last.safetensors")
}

#[test]
fn the_last_checkpoint_classifies_as_the_history_says() {
    let lab = trained();
    let ended = lab.run(&["evaluate", "tiny.ron", "--checkpoint", &checkpoint(), "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let history = lab.read("reports/tiny/history.csv");
    let columns: Vec<&str> = history.lines().next().unwrap().split(',').collect();
    let last: Vec<&str> = history.lines().last().unwrap().split(',').collect();
    let stored = |column: &str| -> f64 {
        let place = columns.iter().position(|name| *name == column).unwrap();
        last[place].parse().unwrap()
    };
    assert_eq!(report["top1"].as_f64().unwrap(), stored("test_accuracy"));
    assert_eq!(report["loss"].as_f64().unwrap(), stored("test_loss"));
    assert_eq!((&report["epochs"], &report["images"]), (&2.into(), &24.into()));

    let rows = report["confusion"].as_array().unwrap();
    let count = |row: &Value, class: usize| row[class].as_u64().unwrap();
    let right: u64 = rows.iter().enumerate().map(|(class, row)| count(row, class)).sum();
    assert_eq!(right as f64 / 24.0, stored("test_accuracy"));
    for row in rows {
        let images: u64 = (0..6).map(|class| count(row, class)).sum();
        assert_eq!(images, 4, "images of a class");
    }

    let table = lab.run(&[
        "evaluate",
        "tiny.ron",
        "--checkpoint",
        &checkpoint(),
        "--head",
        "wise_srnet_dropout",
    ]);
    assert_eq!(table.code, Some(0), "{}", table.stderr);
    let top1 = format!("Top-1 {:.2} %", 100.0 * stored("test_accuracy"));
    assert!(table.stdout.contains(&top1), "{}", table.stdout);
    assert!(table.stdout.contains("disc_above_square"), "{}", table.stdout);
}

#[test]
fn a_checkpoint_of_something_else_is_refused_with_the_difference() {
    let lab = trained();
    let evaluate = |file: &str, more: &[&str]| {
        let checkpoint = checkpoint();
        let arguments = [&["evaluate", file, "--checkpoint", &checkpoint], more].concat();
        lab.run(&arguments)
    };
    let said = ["with the head wise_srnet_dropout", "with the head gap"];
    evaluate("tiny.ron", &["--head", "gap"]).assert_refused(1, &said);
    let text = lab.read("tiny.ron");
    lab.write(
        "large.ron",
        &text.replace("image_size: 64,\n    heads", "image_size: 96,\n    heads"),
    );
    evaluate("large.ron", &[]).assert_refused(1, &["with 64 pixels", "with 96 pixels"]);
    lab.run(&["evaluate", "tiny.ron", "--checkpoint", "tiny.ron"])
        .assert_refused(1, &["tiny.ron", "not a readable safetensors file"]);
}
