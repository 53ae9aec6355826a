//! Runs that are killed, interrupted or torn apart go on and end with the bits of one that was left alone.

use std::fs;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use super::lab::{Lab, RUN, files};

/// The tiny experiment, run to its end without an interruption on two threads.
fn reference() -> &'static Lab {
    static REFERENCE: OnceLock<Lab> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let lab = Lab::new();
        lab.train(&["--threads", "2"]);
        lab
    })
}

#[track_caller]
fn assert_same_results(lab: &Lab) {
    lab.assert_same_results(reference());
}

#[test]
fn a_run_killed_at_any_moment_goes_on_and_ends_with_the_same_bits() {
    let epoch_time = {
        let last = reference().position().last.unwrap();
        Duration::from_secs_f64(last.seconds)
    };
    for part in [0.0, 0.4, 0.8] {
        let lab = Lab::new();
        let mut running = lab.start(&[]);
        running.wait_for_epochs(2);
        sleep(epoch_time.mul_f64(part));
        running.kill();
        let finished = lab.position().epochs;
        assert!(finished >= 2);
        let histories = ["history.csv".to_owned(), format!("{RUN}/history.csv")];
        let before = histories
            .each_ref()
            .map(|history| fs::read(lab.results(history)).unwrap());

        let ended = lab.train(&[]);
        let said = format!("wise_srnet_dropout seed 0 resumes at epoch {}\n", finished + 1);
        assert!(ended.stderr.contains(&said), "{said} is not in: {}", ended.stderr);
        for (history, before) in histories.iter().zip(before) {
            let after = fs::read(lab.results(history)).unwrap();
            assert!(
                after.starts_with(&before),
                "{history} keeps its earlier rows as they were"
            );
        }
        assert_same_results(&lab);
    }
}

#[test]
fn a_run_whose_terminal_is_closed_saves_everything_and_one_that_nobody_hears_ends_like_any_other() {
    let lab = Lab::new();
    let mut running = lab.start(&[]);
    running.wait_for_epochs(2);
    running.stop_reading();
    running.signal("HUP");
    // Standard output can't be written to: an error, and no panic, whose code is 101.
    assert_eq!(running.end().code, Some(1));
    let position = lab.position();
    assert!(
        position.epochs < 5 && (position.epochs, position.batches) > (2, 0),
        "the steps of the epoch are kept"
    );

    let mut running = lab.start_with(&[("RUST_LOG", "wise_srnet=debug")], &["--threads", "1"]);
    running.stop_reading();
    assert_eq!(running.end().code, Some(1));
    assert_same_results(&lab);
}

#[test]
fn an_interrupted_run_saves_everything_says_so_and_goes_on_with_the_same_bits() {
    let lab = Lab::new();
    for epoch in [1, 3] {
        let mut running = lab.start(&[]);
        running.wait_for_epochs(epoch);
        let ended = running.interrupt();
        assert_eq!(ended.code, Some(130), "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains("stopping after this step; everything is being saved"),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stdout.starts_with("stopped; the same command goes on from here"),
            "{}",
            ended.stdout
        );
        let position = lab.position();
        assert!(
            (position.epochs, position.batches) > (epoch as u64, 0),
            "the steps of the epoch are kept"
        );
    }
    let ended = lab.train(&[]);
    assert!(ended.stderr.contains("resumes at epoch"), "{}", ended.stderr);
    assert_same_results(&lab);
}

#[test]
fn one_thread_gives_the_bits_of_two() {
    let lab = Lab::new();
    lab.train(&["--threads", "1"]);
    assert_same_results(&lab);
}

#[test]
fn a_run_that_goes_on_by_making_maps_again_has_the_same_bits() {
    let lab = Lab::new();
    lab.train(&["--epochs", "1"]);
    let ended = lab.train(&["--set", "memory=Recompute"]);
    assert!(ended.stderr.contains("resumes at epoch 2"), "{}", ended.stderr);
    assert_same_results(&lab);
}

#[test]
fn histories_that_lack_the_last_row_or_have_too_much_are_put_right_from_the_checkpoint() {
    let lab = Lab::new();
    lab.train(&["--epochs", "2"]);
    let own = lab.results(RUN).join("history.csv");
    let whole = fs::read_to_string(&own).unwrap();
    let mut lines: Vec<&str> = whole.lines().collect();
    let second = lines[2].to_owned();
    let third = second.replacen(",2,", ",3,", 1);
    let row_lost = lines[..2].join("\n") + "\n";
    lines.push(&third);
    let row_added = lines.join("\n") + "\n";
    let row_torn = whole.clone() + &third[..third.len() / 2];
    for damaged in [row_lost, row_added, row_torn] {
        fs::write(&own, &damaged).unwrap();
        fs::write(lab.results("history.csv"), &damaged).unwrap();
        let ended = lab.train(&["--epochs", "2"]);
        assert!(
            ended.stderr.contains("wise_srnet_dropout seed 0 has done 2 epochs"),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("warning: reports/tiny/"),
            "it is told: {}",
            ended.stderr
        );
        assert_eq!(fs::read_to_string(&own).unwrap(), whole, "after {damaged}");
        assert_eq!(fs::read_to_string(lab.results("history.csv")).unwrap(), whole);
    }
}

#[test]
fn what_a_killed_process_was_writing_is_swept_up() {
    let lab = Lab::new();
    lab.write(&format!("reports/tiny/{RUN}/.writing-abc"), "half a checkpoint");
    lab.write("reports/tiny/.writing-def", "half a report");
    lab.write("reports/tiny/thumbnails/.writing-ghi", "half a picture");
    lab.write(
        "reports/tiny/gap-seed7/.writing-jkl",
        "half a checkpoint of a run that is left out",
    );
    lab.train(&["--epochs", "1"]);
    let left = files(&lab.results(""));
    assert!(left.iter().all(|name| !name.contains(".writing-")), "{left:?}");
}
