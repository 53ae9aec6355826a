//! `report`, and what a report says about the choice of the best epoch.

use std::fs;

use super::lab::{Lab, RUN, files};

#[test]
fn a_results_folder_is_drawn_again_from_what_is_stored() {
    let lab = Lab::new();
    lab.train(&["--epochs", "1", "--limit-train", "6", "--limit-test", "6"]);
    let drawn = ["accuracy.png", "report.html"].map(|name| lab.results(name));
    let before = drawn.each_ref().map(|path| fs::read(path).unwrap());
    drawn.iter().for_each(|path| fs::remove_file(path).unwrap());
    let ended = lab.run(&["report", "reports/tiny"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "reports/tiny/accuracy.png\nreports/tiny/report.html\n");
    assert_eq!(drawn.each_ref().map(|path| fs::read(path).unwrap()), before);

    let torn = lab.read("reports/tiny/history.csv") + "wise_srnet_dropout,0,2";
    lab.write("reports/tiny/history.csv", &torn);
    let told = lab.run(&["report", "reports/tiny"]).stderr;
    assert_eq!(told.matches("is incomplete and was left out").count(), 1, "{told}");
}

#[test]
fn a_keras_style_history_is_drawn_into_a_folder_beside_it() {
    let lab = Lab::new();
    lab.write(
        "notebooks/GAP.csv",
        "loss,2.0,1.5\naccuracy,0.2,0.4\nval_loss,2.1,1.8\nval_accuracy,0.1,0.3\n",
    );
    let ended = lab.run(&["report", "notebooks/GAP.csv"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let expected = [
        ".lock",
        "accuracy.png",
        "accuracy.svg",
        "learning_rate.png",
        "learning_rate.svg",
        "loss.png",
        "loss.svg",
        "report.html",
        "report.json",
    ];
    assert_eq!(files(&lab.path("notebooks/GAP")), expected);
    lab.write("notebooks/broken.csv", "loss,2.0,many\n");
    lab.run(&["report", "notebooks/broken.csv"])
        .assert_refused(1, &["notebooks/broken.csv, line 1", "\"many\""]);
    lab.run(&["report", "nowhere"]).assert_refused(1, &["nowhere"]);
}

#[test]
fn with_a_validation_fraction_the_best_epoch_is_chosen_on_it_and_the_report_says_so() {
    let lab = Lab::changed("optimizer:", "validation: Fraction(0.34), optimizer:");
    lab.train(&["--epochs", "3"]);
    let page = lab.read("reports/tiny/report.html");
    assert!(
        page.contains("highest validation accuracy") && page.contains("12 validation"),
        "{page}"
    );
    assert!(!page.contains("chosen on the test split"));

    let history = lab.read("reports/tiny/history.csv");
    let columns: Vec<&str> = history.lines().next().unwrap().split(',').collect();
    let column = columns.iter().position(|name| *name == "validation_accuracy").unwrap();
    let scores = history
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(column).unwrap().parse::<f64>().unwrap());
    let scores: Vec<f64> = scores.collect();
    let highest = scores.iter().copied().fold(0.0, f64::max);
    let best = 1 + scores.iter().position(|&score| score == highest).unwrap() as u64;
    let checkpoint = wise_srnet::training::Checkpoint::load(&lab.results(RUN).join("best.safetensors")).unwrap();
    assert_eq!(
        (checkpoint.position.epochs, checkpoint.position.best),
        (best, Some(highest))
    );
}

#[cfg(unix)]
#[test]
fn a_report_is_as_readable_as_its_owner_lets_new_files_be() {
    use std::os::unix::fs::PermissionsExt;
    for (umask, mode) in [("027", 0o640), ("002", 0o664), ("077", 0o600)] {
        let lab = Lab::new();
        lab.write("GAP.csv", "loss,2.0\naccuracy,0.2\nval_loss,2.1\nval_accuracy,0.1\n");
        let script = format!("umask {umask}; exec \"$0\" report GAP.csv");
        let status = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_wise-srnet")])
            .current_dir(lab.path(""))
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        for name in ["report.html", "accuracy.png"] {
            let found = fs::metadata(lab.path("GAP").join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name} with umask {umask}");
        }
    }
}
