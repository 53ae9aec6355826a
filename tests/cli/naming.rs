//! Names that come from elsewhere: long ones, many, some that would begin a line or steer a terminal, and some that the
//! pictures' font can't write.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use serde_json::Value;

use super::lab::{Ended, Lab};

const LONG: usize = 70_000;

/// A data set in two lists with two training images and a test image of each class, and `tiny.ron`, which trains on it.
fn lab(classes: &[&str]) -> Lab {
    let lab = Lab::with(
        r#"Experiment(
    name: "tiny",
    network: "mini_resnet",
    image_size: 64,
    heads: [gap, wise_srnet],
    epochs: 1,
    batch_size: 16,
    data: (layout: Csv(train: "train.csv", test: "test.csv"), path: "data"),
    augmentation: (),
    optimizer: (learning_rate: 0.01),
)
"#,
    );
    fs::create_dir(lab.path("data")).unwrap();
    for (list, images) in [("train", 2), ("test", 1)] {
        let mut table = csv::Writer::from_path(lab.path(&format!("data/{list}.csv"))).unwrap();
        table.write_record(["filename", "class"]).unwrap();
        for (number, class) in classes.iter().enumerate() {
            for image in 0..images {
                let name = format!("{list}{number}-{image}.png");
                let colour = [
                    (number % 256) as u8,
                    (number / 256) as u8,
                    if list == "test" { 7 } else { image },
                ];
                RgbImage::from_pixel(1, 1, Rgb(colour))
                    .save(lab.path("data").join(&name))
                    .unwrap();
                table.write_record([&name, *class]).unwrap();
            }
        }
    }
    lab
}

fn of_json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(ended.stdout.lines().next().unwrap()).unwrap()
}

/// What a terminal shows of an end without an error.
#[track_caller]
fn shown(ended: &Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = format!("{}{}", ended.stdout, ended.stderr);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    text
}

#[test]
fn many_classes_and_long_names_are_cut_for_people_and_whole_in_json() {
    let long = "x".repeat(LONG);
    let names: Vec<String> = (1..130).map(|number| format!("species {number:03}")).collect();
    let classes: Vec<&str> = [long.as_str()]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let lab = lab(&classes);
    let text = shown(&lab.run(&["check", "tiny.ron"]));
    let row = text.lines().find(|line| line.starts_with("classes ")).unwrap();
    assert!(row.ends_with("species 100, … and 30 more"), "{row}");
    assert!(text.lines().all(|line| line.len() < 3_000), "{text}");
    let found = of_json(&lab.run(&["check", "tiny.ron", "--json"]));
    let found = found["classes"].as_array().unwrap();
    assert_eq!(found.len(), 130);
    assert!(found.iter().any(|class| class == &long));

    lab.train(&["--heads", "gap", "--limit-train", "8", "--limit-test", "8"]);
    let checkpoint = "reports/tiny/gap-seed0/last.safetensors";
    let evaluate = ["evaluate", "tiny.ron", "--checkpoint", checkpoint, "--limit-test", "8"];
    let evaluated = shown(&lab.run(&evaluate));
    assert!(evaluated.lines().all(|line| line.len() < 400), "{evaluated}");
    assert!(evaluated.contains(&format!(" {}…  ", "x".repeat(59))), "{evaluated}");
    let report = of_json(&lab.run(&[&evaluate[..], &["--json"]].concat()));
    assert_eq!(report["confusion"].as_array().unwrap().len(), 130);

    let predict = [
        "predict",
        "--checkpoint",
        checkpoint,
        "data/test0-0.png",
        "--top",
        "300",
    ];
    let predicted = shown(&lab.run(&predict));
    assert!(predicted.len() < 130 * 100, "{}", predicted.len());
    let predicted = of_json(&lab.run(&[&predict[..], &["--json"]].concat()));
    assert!(
        predicted["classes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|each| each["class"] == long.as_str())
    );
    lab.run(&[&predict[..4], &["--explain", "heat", "--class", "specis 007"]].concat())
        .assert_refused(1, &["did you mean `species 007`?", "… and 30 more"]);

    let other = self::lab(&["sea", "sky"]);
    fs::copy(lab.path(checkpoint), other.path("other.safetensors")).unwrap();
    let refused = other.run(&["evaluate", "tiny.ron", "--checkpoint", "other.safetensors"]);
    refused.assert_refused(1, &["the 130 classes ", "… and 30 more", "the 2 classes sea, sky"]);
    assert!(refused.stderr.len() < 4_000, "{}", refused.stderr.len());
}

const HOSTILE: [&str; 6] = [
    "a\u{85}error: b\tc",
    "\u{1b}[31mred\u{202e}\u{7}",
    "=cmd|'/C calc'!A0",
    "</script><script>alert(1)</script>",
    "写真",
    "]]>&\"'\u{ffff}",
];

#[test]
fn no_name_forges_a_line_or_breaks_a_file_of_the_results() {
    let lab = lab(&HOSTILE);
    let mut said = shown(&lab.run(&["check", "tiny.ron"]));
    let trained = lab.train(&[]);
    said += &shown(&trained);
    let checkpoint = "reports/tiny/wise_srnet-seed0/last.safetensors";
    said += &shown(&lab.run(&["evaluate", "tiny.ron", "--checkpoint", checkpoint]));
    said += &shown(&lab.run(&[
        "predict",
        "--checkpoint",
        checkpoint,
        "data/test0-0.png",
        "--explain",
        "heat",
    ]));
    said += &shown(&lab.run(&["report", "reports/tiny"]));
    assert!(
        said.contains("a??error: b?c") && said.contains("?[31mred????"),
        "{said}"
    );
    assert!(said.lines().all(|line| !line.starts_with("error")), "{said}");

    let warning = "lacks letters of these names, and shows boxes in their place: 写真.";
    assert_eq!(trained.stderr.matches(warning).count(), 1, "{}", trained.stderr);
    let page = lab.read("reports/tiny/report.html");
    assert!(page.contains(warning) && page.contains("=cmd|'/C calc'!A0"));
    assert!(!page.contains("<script>alert") && page.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
    for chart in ["accuracy", "loss", "learning_rate", "confusion", "classes", "kernels"] {
        let svg = lab.read(&format!("reports/tiny/{chart}.svg"));
        let may_stand = |c: char| c == '\n' || !c.is_control() && !matches!(c, '\u{202e}' | '\u{ffff}');
        assert!(
            svg.starts_with("<svg ") && svg.chars().all(may_stand),
            "{chart}: {svg:?}"
        );
    }
    let written = classes_of(&lab.results("wise_srnet-seed0/last_predictions.csv"));
    assert_eq!(written, BTreeSet::from(HOSTILE.map(str::to_owned)));
    let figures: Value = serde_json::from_str(&lab.read("reports/tiny/report.json")).unwrap();
    assert!(
        figures["experiment"]["classes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|class| class == HOSTILE[0])
    );
}

#[cfg(unix)]
#[test]
fn the_line_break_of_a_folders_name_begins_no_line() {
    let lab = lab(&["sea", "sky"]);
    let text = lab.read("tiny.ron");
    let folders = r#"Folders(train: "train", test: "test")"#;
    lab.write(
        "tiny.ron",
        &text.replacen(r#"Csv(train: "train.csv", test: "test.csv")"#, folders, 1),
    );
    for (split, class) in [
        ("train", "a\nerror: b"),
        ("train", "c"),
        ("test", "a\nerror: b"),
        ("test", "c"),
    ] {
        let image = lab.path("data").join(split).join(class).join("x\nerror: y.png");
        fs::create_dir_all(image.parent().unwrap()).unwrap();
        fs::copy(lab.path("data/test0-0.png"), image).unwrap();
    }
    let said = shown(&lab.run(&["check", "tiny.ron"]));
    assert!(
        said.contains("a?error: b, c") && said.contains("x?error: y.png"),
        "{said}"
    );
    assert!(said.lines().all(|line| !line.starts_with("error")), "{said}");
}

/// The classes of the images in a file of predictions, as another program would read them.
fn classes_of(predictions: &Path) -> BTreeSet<String> {
    let mut table = csv::Reader::from_path(predictions).unwrap();
    table.records().map(|record| record.unwrap()[1].to_owned()).collect()
}
