//! What a run writes.

use std::fs;

use super::lab::{Lab, files};

const COLUMNS: &str = "head,seed,epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,seconds,validation_loss,\
                       validation_accuracy,test_top5_accuracy";

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let lab = Lab::new();
    for pipe in ["pipe.ron", "pipe.h5", "pipe.safetensors", "pipe.csv", "pipe.npy"] {
        let made = std::process::Command::new("mkfifo").arg(lab.path(pipe)).status();
        assert!(made.unwrap().success());
    }
    lab.write("based.ron", "Experiment(base: \"pipe.ron\", name: \"based\")");
    let features = [
        "--network",
        "mini_resnet",
        "--size",
        "64",
        "--weights",
        "none",
        "--output",
        "maps.npy",
    ];
    for arguments in [
        &["check", "pipe.ron"][..],
        &["check", "based.ron"],
        &["check", "tiny.ron", "--weights", "pipe.h5"],
        &["predict", "--checkpoint", "pipe.safetensors", "a.png"],
        &["report", "pipe.csv"],
        &[&["features", "--input", "pipe.npy"], &features[..]].concat(),
    ] {
        lab.run(arguments)
            .assert_refused(1, &["it is a pipe or a device, not a file"]);
    }
}

#[test]
fn a_run_writes_the_promised_files_and_no_others() {
    let lab = Lab::new();
    let ended = lab.train(&[
        "--heads",
        "gap,wise_srnet",
        "--seeds",
        "0,3",
        "--epochs",
        "1",
        "--out",
        "results",
    ]);
    assert_eq!(ended.stdout, "report: results/tiny/report.html\n");
    let mut expected = vec![
        ".lock".to_owned(),
        "experiment.json".to_owned(),
        "environment.json".to_owned(),
        "history.csv".to_owned(),
        "images.csv".to_owned(),
        "report.html".to_owned(),
        "report.json".to_owned(),
        "wise_srnet-seed0/kernel.csv".to_owned(),
        "wise_srnet-seed3/kernel.csv".to_owned(),
        "resolved.ron".to_owned(),
    ];
    for chart in ["accuracy", "classes", "confusion", "kernels", "learning_rate", "loss"] {
        expected.extend([format!("{chart}.png"), format!("{chart}.svg")]);
    }
    for run in ["gap-seed0", "gap-seed3", "wise_srnet-seed0", "wise_srnet-seed3"] {
        for file in [
            "best.safetensors",
            "best_predictions.csv",
            "events.out.tfevents.wise-srnet",
            "history.csv",
            "keras_history.csv",
            "last.safetensors",
            "last_predictions.csv",
            // An epoch shorter than `save_every_steps` is saved before its evaluation is kept, and after.
            "previous.safetensors",
        ] {
            expected.push(format!("{run}/{file}"));
        }
    }
    let page = lab.read("results/tiny/report.html");
    let shown = page.matches("<img src=\"data:image/jpeg;base64,").count();
    let all = files(&lab.path("results/tiny"));
    let (thumbnails, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|file| file.starts_with("thumbnails/"));
    assert!(
        shown > 0 && thumbnails.len() == shown,
        "{shown} of {thumbnails:?} are shown"
    );
    expected.sort();
    assert_eq!(others, expected);
    assert_eq!(
        files(&lab.path("")).len(),
        expected.len() + thumbnails.len() + 1,
        "nothing beside the results and tiny.ron"
    );

    let history = lab.read("results/tiny/history.csv");
    assert!(history.starts_with(COLUMNS), "{history}");
    let runs: Vec<String> = history
        .lines()
        .skip(1)
        .map(|line| line.split(',').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(runs, ["gap 0 1", "wise_srnet 0 1", "gap 3 1", "wise_srnet 3 1"]);
    let own = lab.read("results/tiny/wise_srnet-seed3/history.csv");
    assert_eq!(
        own.lines().collect::<Vec<_>>(),
        [history.lines().next().unwrap(), history.lines().last().unwrap()]
    );

    let keras = lab.read("results/tiny/gap-seed0/keras_history.csv");
    let metrics: Vec<&str> = keras.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(metrics, ["loss", "accuracy", "val_loss", "val_accuracy"]);
    assert!(
        fs::read(lab.path("results/tiny/accuracy.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );

    for said in ["tiny", "Wise-SrNet", "chosen on the test split", "drawn by the program"] {
        assert!(page.contains(said), "no `{said}` on the page");
    }
}

#[test]
fn epochs_that_the_file_asks_to_keep_are_kept() {
    let lab = Lab::changed("epochs: 5,", "epochs: 2, checkpoints: EveryEpochs(1),");
    lab.train(&["--limit-train", "6", "--limit-test", "6"]);
    let kept = files(&lab.results("wise_srnet_dropout-seed0"));
    assert!(
        kept.contains(&"epoch-0001.safetensors".to_owned()) && kept.contains(&"epoch-0002.safetensors".to_owned()),
        "{kept:?}"
    );
}

#[test]
fn starting_over_deletes_the_programs_own_files_and_nothing_else() {
    let lab = Lab::changed("epochs: 5,", "epochs: 2, checkpoints: EveryEpochs(1),");
    let small = ["--limit-train", "6", "--limit-test", "6"];
    lab.train(&small);
    let mine = [
        "mine.safetensors",
        "notes.csv",
        "epoch-best.safetensors",
        "epoch-1.safetensors",
    ];
    for name in mine {
        lab.write(&format!("reports/tiny/wise_srnet_dropout-seed0/{name}"), "mine");
    }
    let ended = lab.train(&[&["--fresh", "--epochs", "1"], &small[..]].concat());
    assert!(!ended.stderr.contains("resumes"), "{}", ended.stderr);
    let left = files(&lab.results("wise_srnet_dropout-seed0"));
    assert!(mine.iter().all(|name| left.contains(&(*name).to_owned())), "{left:?}");
    assert!(!left.contains(&"epoch-0002.safetensors".to_owned()), "{left:?}");
    assert_eq!(lab.read("reports/tiny/history.csv").lines().count(), 2);
}
