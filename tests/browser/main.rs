//! The report's page in headless Chromium: what a reader sees, points at and switches. Skipped, with a message, where
//! no Chromium is installed.
//!
//! The page is loaded in a frame of the size to be tried, beside a script that uses it as a reader would and writes what it
//! found into its own document; Chromium prints that document.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use image::RgbImage;
use wise_srnet::atomic_file::System;
use wise_srnet::report::{
    EpochRow, ExperimentFacts, HeadFacts, PredictedImage, RunState, SpatialKernel, run_folder, write_report,
    write_run_state, write_thumbnail,
};

const HOSTILE: &str = "<script>alert(1)</script>";

/// Chromium's program, under whichever name it is installed.
fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find(|name| {
        let version = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    })
}

/// Two heads with three seeds each, and a class that would run as a script.
fn write_example(folder: &Path) {
    let head = |name: &str| HeadFacts {
        name: name.to_string(),
        parameters: 1000,
        trainable: 900,
        multiply_adds: 2_000_000,
    };
    let facts = ExperimentFacts {
        name: "browser".to_string(),
        network: "mini_resnet".to_string(),
        image_size: 64,
        classes: vec!["forest".to_string(), HOSTILE.to_string()],
        epochs: 8,
        seeds: vec![0, 1, 2],
        heads: vec![head("gap"), head("wise_srnet")],
        ..ExperimentFacts::default()
    };
    let row = |head: &str, seed: u64, epoch: u64, gain: f64| EpochRow {
        head: head.to_string(),
        seed,
        epoch,
        learning_rate: 0.045,
        train_loss: 2.0 / epoch as f64,
        train_accuracy: 0.1 * epoch as f64,
        test_loss: 2.1 / epoch as f64,
        test_accuracy: 0.4 + 0.01 * (epoch + seed) as f64 + gain,
        seconds: 1.0,
        validation_loss: None,
        validation_accuracy: None,
        test_top5_accuracy: None,
    };
    let heads = [("gap", 0.0), ("wise_srnet", 0.2)];
    let rows: Vec<EpochRow> = heads
        .iter()
        .flat_map(|(head, gain)| (0..3).flat_map(move |seed| (1..=8).map(move |epoch| row(head, seed, epoch, *gain))))
        .collect();
    for (head, _) in heads {
        for seed in 0..3 {
            write_state(&folder.join(run_folder(head, seed).unwrap()), head == "wise_srnet");
        }
    }
    write_thumbnail(&System, folder, 0, &RgbImage::new(96, 96)).unwrap();
    write_report(&System, folder, &facts, &rows).unwrap();
}

/// What two images were taken for: one head gets both right, the other none, by its hostile name too. One has a kernel.
fn write_state(run: &Path, is_right: bool) {
    let image = |(index, class): (usize, &str)| PredictedImage {
        image: format!("{index}{HOSTILE}.jpg"),
        class: class.to_string(),
        taken_for: vec![if is_right { class } else { "sea" }.to_string(), HOSTILE.to_string()],
        probability: 0.75,
    };
    let weights: Vec<f32> = (0..32).map(|weight| (weight % 5) as f32).collect();
    let kernel = SpatialKernel::of(&[4, 4, 2], &weights).filter(|_| is_right);
    let predictions: Vec<PredictedImage> = ["forest", HOSTILE].into_iter().enumerate().map(image).collect();
    let state = RunState {
        predictions: &predictions,
        is_best: true,
        kernel: kernel.as_ref(),
    };
    write_run_state(&System, run, state).unwrap();
}

/// The findings of `reader.html` on the page in a frame of this width.
fn findings(chromium: &str, folder: &Path, width: u32) -> serde_json::Value {
    let reader = include_str!("reader.html").replace("WIDTH", &width.to_string());
    let file = folder.join("reader.html");
    fs::write(&file, reader).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                 --disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=8000 \
                 --window-size=1400,1000 --dump-dom";
    let output = Command::new(chromium)
        .args(flags.split_whitespace())
        .arg(format!("--user-data-dir={}", profile.path().to_string_lossy()))
        .arg(format!("file://{}", file.to_string_lossy()))
        .output()
        .unwrap();
    let document = String::from_utf8_lossy(&output.stdout);
    let found = document
        .split_once("<pre id=\"found\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let Some((found, _)) = found else {
        panic!(
            "Chromium printed no findings: {document}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let text = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_page_renders_answers_and_switches_at_phone_and_desktop_width() {
    let Some(chromium) = chromium() else {
        println!("skipped: no Chromium is installed (Debian's package `chromium`)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    write_example(folder.path());
    for width in [390, 1280] {
        let found = findings(chromium, folder.path(), width);
        assert_eq!(found["errors"], serde_json::json!([]), "at {width} px: {found}");
        assert_eq!(found["charts"], 5, "at {width} px: {found}");
        assert!(
            found["page_width"].as_f64().unwrap() <= f64::from(width),
            "scrolls sideways at {width} px: {found}"
        );
        for way in ["pointer", "keyboard"] {
            let text = found[way].as_str().unwrap();
            assert!(
                text.starts_with("Epoch ") && text.contains("Wise-SrNet"),
                "{way} at {width} px: {found}"
            );
        }
        let last = found["keyboard"].as_str().unwrap();
        assert!(
            last.contains("Epoch 8") && last.contains("69.0 (68.0–70.0) %"),
            "{found}"
        );
        assert!(
            !found["without_wise"].as_str().unwrap().contains("Wise-SrNet"),
            "{found}"
        );
        let switches = serde_json::json!({
            "head": [true, false], "bands": [true, false], "seeds": [false, true],
        });
        assert_eq!(found["switches"], switches, "at {width} px: {found}");
        assert_eq!(found["hidden_after_escape"], true, "{found}");
        let classes = found["classes"].as_array().unwrap();
        assert!(classes.iter().any(|class| class == HOSTILE), "{found}");
        let titles = [
            "Recall by class",
            "GAP",
            "Wise-SrNet",
            "Wise-SrNet: mean weight",
            "Wise-SrNet: weights at zero",
        ];
        assert_eq!(found["grids"], serde_json::json!(titles), "{found}");
        assert_eq!(
            found["thumbnails"],
            serde_json::json!(["image of 96 px", format!("1{HOSTILE}.jpg")]),
            "{found}"
        );
        let matrix = found["matrix"].as_array().unwrap();
        assert!(matrix.iter().any(|class| class == HOSTILE), "{found}");
        let contrast = found["lowest_contrast"].as_f64().unwrap();
        assert!(contrast >= 4.5, "text in a cell has a contrast of {contrast}: {found}");
        assert_eq!(found["scripts"], 2, "only the page's own data and script: {found}");
    }
}
