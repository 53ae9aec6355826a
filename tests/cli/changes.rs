//! The same folder again, with something changed.

use std::fs;

use image::{Rgb, RgbImage};

use super::failing::photographs;
use super::lab::{Lab, RUN};

const SMALL: [&str; 4] = ["--limit-train", "6", "--limit-test", "6"];

#[test]
fn more_epochs_continue_a_finished_run_and_keep_its_rows() {
    let lab = Lab::new();
    lab.train(&[&SMALL[..], &["--epochs", "1"]].concat());
    let before = lab.read("reports/tiny/history.csv");
    let ended = lab.train(&[&SMALL[..], &["--epochs", "3"]].concat());
    assert!(ended.stderr.contains("resumes at epoch 2\n"), "{}", ended.stderr);
    let after = lab.read("reports/tiny/history.csv");
    assert!(after.starts_with(&before), "{after}");
    assert_eq!(after.lines().count(), 4);
}

#[test]
fn changed_settings_are_refused_with_their_names_and_leave_everything_as_it_was() {
    let lab = Lab::new();
    lab.train(&[&SMALL[..], &["--epochs", "1"]].concat());
    let (history, settings) = (
        lab.read("reports/tiny/history.csv"),
        lab.read("reports/tiny/resolved.ron"),
    );
    let ended = lab.run(&[&["tiny.ron", "--batch-size", "3"], &SMALL[..]].concat());
    let said = [
        "made with other settings",
        "batch_size: was 16, now 3",
        "--out",
        "--fresh",
    ];
    ended.assert_refused(1, &said);
    // A head that isn't there yet would stand beside results that can't be compared with it.
    let other_head = lab.run(&["tiny.ron", "--heads", "gap", "--limit-train", "12", "--limit-test", "6"]);
    other_head.assert_refused(1, &["data.limit_train: was 6, now 12"]);
    assert_eq!(lab.read("reports/tiny/history.csv"), history);
    assert_eq!(lab.read("reports/tiny/resolved.ron"), settings);
    let fresh = lab.train(&[&["--fresh", "--epochs", "1", "--batch-size", "3"], &SMALL[..]].concat());
    assert!(!fresh.stderr.contains("resumes"), "{}", fresh.stderr);
}

#[test]
fn runs_that_a_command_leaves_out_stay_in_the_report() {
    let lab = Lab::new();
    let one = |head: &str| lab.train(&[&SMALL[..], &["--epochs", "1", "--heads", head]].concat());
    one("gap");
    let before = lab.read("reports/tiny/history.csv");
    one("wise_srnet");
    let after = lab.read("reports/tiny/history.csv");
    assert!(after.starts_with(&before) && after.lines().count() == 3, "{after}");
    let page = lab.read("reports/tiny/report.html");
    assert!(page.contains("GAP") && page.contains("Wise-SrNet"));
}

#[test]
fn a_damaged_checkpoint_is_named_and_left_alone() {
    let lab = Lab::new();
    let checkpoint = format!("reports/tiny/{RUN}/last.safetensors");
    lab.write(&checkpoint, "no checkpoint");
    lab.run(&["tiny.ron"])
        .assert_refused(1, &[&checkpoint, "not a readable safetensors file"]);
    assert_eq!(lab.read(&checkpoint), "no checkpoint");
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let lab = Lab::new();
    // It can't end before the second one has asked for the folder.
    let long = ["--epochs", "100000"];
    let mut first = lab.start(&long);
    first.wait_for_epochs(1);
    let second = lab.run(&[&["tiny.ron"], &long[..]].concat());
    first.kill();
    second.assert_refused(1, &["another process is writing to reports/tiny", "--out"]);
}

/// Photographs that two epochs of the run were trained on.
fn trained_on_photographs() -> Lab {
    let lab = photographs();
    lab.train(&["--epochs", "2"]);
    lab
}

fn replace(lab: &Lab, image: &str) {
    let pixels = RgbImage::from_pixel(20, 20, Rgb([7, 7, 7]));
    pixels.save(lab.path(&format!("photos/{image}"))).unwrap();
}

#[test]
fn images_that_were_replaced_between_two_starts_are_named_and_the_run_is_left_as_it_was() {
    let lab = trained_on_photographs();
    let before = lab.read("reports/tiny/history.csv");
    replace(&lab, "train/sea/3.png");
    replace(&lab, "test/hill/1.png");
    for more in [&["tiny.ron", "--epochs", "3"], &["tiny.ron", "--heads", "gap"]] {
        let said = [
            "images were replaced since the results in reports/tiny were begun (train/sea/3.png, test/hill/1.png)",
            "--accept-changed-images",
            "--fresh",
        ];
        lab.run(more).assert_refused(1, &said);
    }
    assert_eq!(lab.read("reports/tiny/history.csv"), before);
}

#[test]
fn a_run_goes_on_with_replaced_images_that_are_accepted_and_its_report_says_so_from_then_on() {
    let lab = trained_on_photographs();
    replace(&lab, "train/sea/3.png");
    lab.train(&["--epochs", "3", "--accept-changed-images"]);
    let note = "1 image took another's place under the same name after training had begun";
    assert!(lab.read("reports/tiny/report.html").contains(note));
    let ended = lab.train(&["--epochs", "4"]);
    assert!(ended.stderr.contains(&format!("note: {note}")), "{}", ended.stderr);
    let fresh = lab.train(&["--epochs", "1", "--fresh"]);
    assert!(!fresh.stderr.contains(note), "{}", fresh.stderr);
}

#[test]
fn images_that_were_written_again_with_the_same_bytes_or_moved_elsewhere_are_the_same() {
    let lab = trained_on_photographs();
    let copied = fs::read(lab.path("photos/train/sea/3.png")).unwrap();
    fs::remove_file(lab.path("photos/train/sea/3.png")).unwrap();
    fs::write(lab.path("photos/train/sea/3.png"), copied).unwrap();
    lab.train(&["--epochs", "3"]);
    fs::rename(lab.path("photos"), lab.path("elsewhere")).unwrap();
    lab.train(&["--epochs", "4", "--data", "elsewhere"]);
}

#[test]
fn without_the_note_of_the_images_a_checkpoint_still_knows_that_one_was_replaced() {
    let lab = trained_on_photographs();
    for damage in ["", "image,bytes\nsea,many\n"] {
        lab.write("reports/tiny/images.csv", damage);
        lab.train(&["--epochs", "2"]);
        assert!(lab.read("reports/tiny/images.csv").contains("train/sea/3.png"));
    }
    replace(&lab, "train/sea/3.png");
    fs::remove_file(lab.path("reports/tiny/images.csv")).unwrap();
    let said = [
        "last.safetensors was trained on images with other contents",
        "--accept-changed-images",
    ];
    lab.run(&["tiny.ron", "--epochs", "3"]).assert_refused(1, &said);
    lab.train(&["--epochs", "3", "--accept-changed-images"]);
}
