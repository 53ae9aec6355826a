//! The same folder again, with something changed.

use std::fs;

use image::{Rgb, RgbImage};

use super::failing::photographs;
use super::lab::{Lab, RUN, files};

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
    let report = lab.run(&["report", "reports/tiny"]);
    let elsewhere = lab.run(&["report", "reports/tiny", "--out", "drawn"]);
    first.kill();
    for refused in [second, report] {
        refused.assert_refused(1, &["another process is writing to reports/tiny", "--out"]);
    }
    assert_eq!(elsewhere.code, Some(0), "{}", elsewhere.stderr);
    assert!(lab.path("drawn/report.html").exists());
}

#[test]
fn a_process_whose_folder_is_moved_or_unlocked_writes_nothing_more_there() {
    for lock_alone in [false, true] {
        let lab = Lab::new();
        let mut first = lab.start(&["--epochs", "100000"]);
        first.wait_for_epochs(1);
        if lock_alone {
            fs::remove_file(lab.results(".lock")).unwrap();
        } else {
            fs::rename(lab.results(""), lab.path("reports/moved")).unwrap();
        }
        let first = first.end();
        first.assert_refused(1, &["reports/tiny was moved, deleted or unlocked"]);
        assert_eq!(
            lab.results(RUN).exists(),
            lock_alone,
            "nothing is made again in its place"
        );
        lab.train(&["--epochs", "1"]);
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_results_folder_are_refused_and_what_they_lead_to_stays_as_it_is() {
    use std::os::unix::fs::symlink;
    for name in ["thumbnails", ".lock", RUN, "history.csv", "report.html"] {
        let lab = Lab::new();
        lab.write("precious/0.jpg", "a photograph");
        lab.write("file", "precious");
        fs::create_dir_all(lab.results("")).unwrap();
        let is_folder = ["thumbnails", RUN].contains(&name);
        let target = lab.path(if is_folder { "precious" } else { "file" });
        symlink(target, lab.results(name)).unwrap();
        let said = format!(
            "reports/tiny/{name} must be a {}",
            if is_folder { "folder" } else { "file" }
        );
        for more in [&[][..], &["--fresh"]] {
            let refused = lab.run(&[&["tiny.ron"], more].concat());
            refused.assert_refused(1, &[&said, "and is a link"]);
        }
        assert_eq!(files(&lab.path("precious")), ["0.jpg"], "{name}");
        assert_eq!(lab.read("file"), "precious", "{name}");
    }
}

#[cfg(unix)]
#[test]
fn the_folder_of_all_results_may_be_a_link() {
    let lab = Lab::new();
    fs::create_dir(lab.path("large_disk")).unwrap();
    std::os::unix::fs::symlink(lab.path("large_disk"), lab.path("reports")).unwrap();
    lab.train(&[&SMALL[..], &["--epochs", "1"]].concat());
    assert!(lab.path("large_disk/tiny/report.html").is_file());
}

#[test]
fn damaged_files_beside_the_checkpoints_never_keep_a_run_from_going_on() {
    let lab = Lab::new();
    let train = |epochs| lab.train(&[&SMALL[..], &["--heads", "gap,wise_srnet", "--epochs", epochs]].concat());
    train("1");
    let derived: Vec<String> = files(&lab.results(""))
        .into_iter()
        .filter(|name| !name.ends_with(".safetensors") && !name.ends_with("history.csv") && name != ".lock")
        .collect();
    assert!(
        derived.iter().any(|name| name.starts_with("thumbnails/")),
        "{derived:?}"
    );
    for name in &derived {
        fs::write(lab.results(name), b"\xff garbage").unwrap();
    }
    let ended = train("2");
    for name in [
        "gap-seed0/last_predictions.csv",
        "wise_srnet-seed0/kernel.csv",
        "environment.json",
    ] {
        assert!(ended.stderr.contains(name), "no warning of {name}: {}", ended.stderr);
    }
    for name in derived
        .iter()
        .filter(|name| lab.results(name).exists() && !name.contains("best_predictions"))
    {
        assert_ne!(
            fs::read(lab.results(name)).unwrap(),
            b"\xff garbage",
            "{name} is made again"
        );
    }
    assert!(!train("2").stderr.contains("warning"), "all is well again");
}

#[test]
fn a_history_that_cannot_be_read_is_made_again_from_the_other_one_and_kept() {
    let lab = Lab::new();
    lab.train(&[&SMALL[..], &["--epochs", "3"]].concat());
    let (own, shared) = (format!("reports/tiny/{RUN}/history.csv"), "reports/tiny/history.csv");
    let whole = lab.read(&own);
    for damaged in [&own[..], shared] {
        lab.write(damaged, "no history");
        let ended = lab.train(&[&SMALL[..], &["--epochs", "3"]].concat());
        assert!(
            ended.stderr.contains(&format!("warning: {damaged}: not a history")),
            "{}",
            ended.stderr
        );
        assert_eq!((lab.read(&own), lab.read(shared)), (whole.clone(), whole.clone()));
        assert_eq!(lab.read(&format!("{damaged}.damaged")), "no history");
    }
}

#[test]
fn a_run_whose_state_is_gone_does_not_start_over_unasked() {
    let lab = Lab::new();
    let again = [&["tiny.ron"], &SMALL[..], &["--epochs", "1"]].concat();
    lab.train(&again[1..]);
    let history = lab.read("reports/tiny/history.csv");
    for name in ["last.safetensors", "previous.safetensors"] {
        fs::remove_file(lab.results(RUN).join(name)).unwrap_or_default();
    }
    let said = [RUN, "state is lost", "best.safetensors, history.csv", "--fresh"];
    lab.run(&again).assert_refused(1, &said);
    fs::remove_dir_all(lab.results(RUN)).unwrap();
    let said = [RUN, "state is lost", "rows of it in reports/tiny/history.csv"];
    lab.run(&again).assert_refused(1, &said);
    assert_eq!(lab.read("reports/tiny/history.csv"), history);
    lab.train(&[&again[1..], &["--fresh"]].concat());
}

#[test]
fn lost_best_weights_are_restored_where_they_can_be_and_else_told() {
    let lab = Lab::new();
    let train = |epochs: usize| lab.train(&[&SMALL[..], &["--epochs", &epochs.to_string()]].concat());
    train(1);
    let best = lab.results(RUN).join("best.safetensors");
    let whole = fs::read(&best).unwrap();
    fs::remove_file(&best).unwrap();
    let ended = train(1);
    let said = "seed 0: best.safetensors is missing; it is restored from last.safetensors";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert_eq!(fs::read(&best).unwrap(), whole);

    // Six test images give seven accuracies: no run is better than before more than six times.
    let best_epoch = || wise_srnet::training::Checkpoint::load(&best).unwrap().position.epochs as usize;
    let mut epochs = 1;
    while best_epoch() + 2 > epochs {
        epochs = best_epoch() + 2;
        train(epochs);
    }
    fs::write(&best, "garbage").unwrap();
    for _ in 0..2 {
        let ended = train(epochs);
        let said = "seed 0: best.safetensors can't be used";
        assert!(
            ended.stderr.contains(&format!("warning: wise_srnet_dropout {said}")),
            "{}",
            ended.stderr
        );
        assert!(
            lab.read("reports/tiny/report.html")
                .contains("no other file has the weights of the best epoch")
        );
    }
    assert_eq!(fs::read(&best).unwrap(), b"garbage");
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
