//! Files with variants, settings on the command line, and what of them stands beside the results.

use serde_json::Value;

use super::lab::{Lab, RUN, TINY, files, without_seconds};

const SMALL: [&str; 6] = ["--limit-train", "6", "--limit-test", "6", "--epochs", "1"];

/// [`TINY`] with two variants.
fn two_variants() -> Lab {
    Lab::changed(
        "    epochs: 5,",
        "    epochs: 5,\n    variants: {\"a\": (), \"b\": (heads: [gap], optimizer: (momentum: 0.5))},",
    )
}

#[test]
fn settings_are_as_if_the_file_said_so_for_every_command() {
    let lab = Lab::new();
    let settings = [
        "--set",
        "epochs=2",
        "--set",
        "heads=[gap]",
        "--set",
        "data.limit_train=6",
    ];
    let with = |command: &[&str]| lab.run(&[command, &settings[..]].concat());
    let summary = with(&["summary", "tiny.ron", "--json"]);
    let summary: Value = serde_json::from_str(&summary.stdout).unwrap();
    assert_eq!(
        (&summary["epochs"], &summary["heads"][0]["name"]),
        (&2.into(), &"gap".into())
    );
    let check = with(&["check", "tiny.ron"]);
    assert!(
        check.stdout.contains("plan        1 run of 2 epochs of 1 step\n"),
        "{}",
        check.stdout
    );
    lab.train(&settings);
    assert_eq!(lab.read("reports/tiny/gap-seed0/history.csv").lines().count(), 3);
    let checkpoint = "reports/tiny/gap-seed0/last.safetensors";
    let evaluated = with(&[
        "evaluate",
        "tiny.ron",
        "--checkpoint",
        checkpoint,
        "--set",
        "data.limit_test=6",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&evaluated.stdout).unwrap_or_else(|_| panic!("{}", evaluated.stderr));
    assert_eq!(report["images"], 6);
}

#[test]
fn an_option_with_a_name_of_its_own_wins_over_a_setting() {
    let lab = Lab::new();
    let check = lab.run(&["check", "tiny.ron", "--epochs", "3", "--set", "epochs=2", "--json"]);
    let check: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(check["epochs"], 3);
}

#[test]
fn wrong_settings_are_answered_at_their_place() {
    let lab = Lab::new();
    lab.run(&["tiny.ron", "--set", "epoch=3"]).assert_refused(
        1,
        &["unknown field `epoch`", "1 | --set epoch=3", "did you mean `epochs`?"],
    );
    lab.run(&["check", "tiny.ron", "--set", "network=\"mini_resnt\""])
        .assert_refused(1, &["command line:1:15", "did you mean `mini_resnet`?"]);
    lab.run(&["tiny.ron", "--set", "epochs"])
        .assert_refused(2, &["expected FIELD=VALUE, such as `epochs=3`"]);
    lab.run(&["tiny.ron", "--set", "variants={}"])
        .assert_refused(2, &["`variants` can only stand in a file"]);
    assert_eq!(files(&lab.path("")), ["tiny.ron"]);
}

#[test]
fn variants_are_checked_summarized_and_run_one_after_the_other() {
    let lab = two_variants();
    for command in ["check", "summary"] {
        let ended = lab.run(&[command, "tiny.ron", "--json"]);
        let objects = ended
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let names: Vec<Value> = objects.map(|object| object["experiment"].clone()).collect();
        assert_eq!(names, ["tiny-a", "tiny-b"], "{command}: {}", ended.stderr);
    }
    let ended = lab.train(&SMALL);
    assert_eq!(
        ended.stdout,
        "report: reports/tiny-a/report.html\nreport: reports/tiny-b/report.html\n"
    );
    let together = "report reports/tiny-a reports/tiny-b --out reports/tiny-together";
    for said in ["experiment tiny-a\n", "experiment tiny-b\n", together] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    for run in [format!("tiny-a/{RUN}"), "tiny-b/gap-seed0".to_owned()] {
        assert!(lab.path("reports").join(run).join("best.safetensors").is_file());
    }
    // The same command again goes on with both; one is chosen by its name.
    let again = lab.train(&[&SMALL[..], &["--variant", "b"]].concat());
    assert_eq!(again.stdout, "report: reports/tiny-b/report.html\n");
    assert!(again.stderr.contains("gap seed 0 has done 1 epoch"), "{}", again.stderr);

    let checkpoint = "reports/tiny-b/gap-seed0/best.safetensors";
    let evaluate = ["evaluate", "tiny.ron", "--checkpoint", checkpoint];
    lab.run(&evaluate)
        .assert_refused(1, &["choose a variant with `--variant NAME`: expected one of `a`, `b`"]);
    let ended = lab.run(&[&evaluate[..], &["--variant", "b"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn what_is_wrong_with_the_last_variant_is_said_before_the_first_is_trained() {
    let lab = two_variants();
    lab.train(&[&SMALL[..], &["--variant", "b"]].concat());
    let ended = lab.run(&[&["tiny.ron", "--set", "optimizer.momentum=0.7"], &SMALL[..]].concat());
    ended.assert_refused(
        1,
        &[
            "reports/tiny-b",
            "made with other settings",
            "momentum: was 0.5, now 0.7",
        ],
    );
    assert!(!lab.path("reports/tiny-a/history.csv").exists());
}

#[test]
fn the_resolved_file_alone_gives_the_same_results() {
    let lab = Lab::with(&TINY.replace("Experiment(\n", "Experiment(\n    base: \"shared/base.ron\",\n"));
    lab.write("shared/base.ron", "(seeds: [3], optimizer: (momentum: 0.8))");
    let run = "wise_srnet_dropout-seed3";
    lab.train(&[&SMALL[..], &["--set", "optimizer.learning_rate=0.02"]].concat());
    let elsewhere = Lab::new();
    let resolved = lab.read("reports/tiny/resolved.ron");
    assert!(
        resolved.contains("learning_rate: 0.02") && resolved.contains("momentum: 0.8"),
        "{resolved}"
    );
    elsewhere.write("resolved.ron", &resolved);
    let ended = elsewhere.run(&["resolved.ron", "--threads", "1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let history = |lab: &Lab| without_seconds(&lab.results(run).join("history.csv"));
    assert_eq!(history(&elsewhere), history(&lab));
    assert_eq!(elsewhere.read("reports/tiny/resolved.ron"), resolved);
}

#[test]
fn results_say_where_they_were_computed_and_how_often_they_were_continued() {
    let lab = Lab::new();
    lab.train(&[&SMALL[..], &["--threads", "1"]].concat());
    let more = [
        "--limit-train",
        "6",
        "--limit-test",
        "6",
        "--epochs",
        "2",
        "--threads",
        "2",
        "--simd",
        "portable",
    ];
    lab.train(&more);
    let environment: Value = serde_json::from_str(&lab.read("reports/tiny/environment.json")).unwrap();
    let [first, second] = environment["sessions"].as_array().unwrap().as_slice() else {
        panic!("{environment}");
    };
    assert_eq!((&first["threads"], &second["threads"]), (&1.into(), &2.into()));
    assert_eq!(second["instruction_set"], "portable");
    for session in [first, second] {
        assert_eq!(session["program_version"], env!("CARGO_PKG_VERSION"));
        assert!(session["started"].as_str().unwrap().ends_with('Z'), "{session}");
        let target = session["target"].as_str().unwrap();
        assert!(
            target.contains(std::env::consts::ARCH) && target.contains('-'),
            "{session}"
        );
        assert!(session["cores"].as_u64().unwrap() > 0, "{session}");
        assert!(!session["operating_system"].as_str().unwrap().is_empty(), "{session}");
    }
    lab.write("reports/tiny/environment.json", "{");
    let ended = lab.train(&more);
    assert!(
        ended.stderr.contains("environment.json is not readable"),
        "{}",
        ended.stderr
    );
}
