//! The same folder again, with something changed.

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
