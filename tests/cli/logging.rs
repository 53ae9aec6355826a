//! Event files and diagnostics.

use std::fs;

use super::lab::{Lab, RUN, without_seconds};

const SMALL: [&str; 4] = ["--limit-train", "6", "--limit-test", "6"];

/// The event file's records: their number, if lengths add up to the file.
fn records(file: &[u8]) -> usize {
    let mut rest = file;
    let mut records = 0;
    while let Some((length, _)) = rest.split_first_chunk() {
        rest = &rest[8 + 4 + u64::from_le_bytes(*length) as usize + 4..];
        records += 1;
    }
    assert!(rest.is_empty(), "the file ends within a record");
    records
}

#[test]
fn a_resumed_run_has_each_epoch_once_in_its_event_file() {
    let lab = Lab::new();
    let events = || fs::read(lab.results(RUN).join("events.out.tfevents.wise-srnet")).unwrap();
    lab.train(&[&SMALL[..], &["--epochs", "1"]].concat());
    let one = events();
    assert_eq!(records(&one), 2, "the version, and an epoch");
    lab.train(&[&SMALL[..], &["--epochs", "3"]].concat());
    let three = events();
    assert!(three.starts_with(&one), "TensorBoard goes on reading where it was");
    assert_eq!(records(&three), 4);
    lab.train(&[&SMALL[..], &["--epochs", "2", "--fresh"]].concat());
    assert_eq!(records(&events()), 3);
}

#[test]
fn diagnostics_are_quiet_until_they_are_asked_for_and_change_no_result() {
    let (quiet, loud) = (Lab::new(), Lab::new());
    let arguments = [&SMALL[..], &["--epochs", "1", "--threads", "2"]].concat();
    let ended = quiet.train(&arguments);
    assert!(!ended.stderr.contains("INFO"), "{}", ended.stderr);
    let ended = loud.run_with(
        &[("RUST_LOG", "wise_srnet=debug")],
        &[&["tiny.ron"], &arguments[..]].concat(),
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for said in [
        "computing threads=2 instructions=",
        "data set listed classes=6 train=6 test=6",
        "best epoch so far epoch=1",
        "checkpoint written file=reports/tiny/wise_srnet_dropout-seed0/last.safetensors",
        "report drawn page=reports/tiny/report.html",
    ] {
        assert!(ended.stderr.contains(said), "no `{said}` in: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "report: reports/tiny/report.html\n");
    let [quiet, loud] = [quiet, loud].map(|lab| without_seconds(&lab.results("history.csv")));
    assert_eq!(quiet, loud);
}
