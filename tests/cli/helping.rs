//! Help, completions, and what a command says to do next.

use super::lab::{Lab, RUN};

const COMMANDS: [&str; 11] = [
    "new",
    "run",
    "check",
    "summary",
    "report",
    "evaluate",
    "predict",
    "export",
    "features",
    "bench",
    "completions",
];

#[test]
fn help_lists_every_command_and_the_first_one_to_try() {
    let lab = Lab::new();
    let help = lab.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for command in COMMANDS {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command} in: {}",
            help.stdout
        );
        let own = lab.run(&[command, "--help"]);
        assert!(own.stdout.contains("\nExamples:\n  wise-srnet "), "{}", own.stdout);
    }
    assert!(help.stdout.contains("Start here"), "{}", help.stdout);
    assert!(
        help.stdout.contains("\n  wise-srnet experiments/quickstart.ron\n"),
        "{}",
        help.stdout
    );
}

#[test]
fn shells_get_completions_of_every_command() {
    let lab = Lab::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = lab.run(&["completions", shell]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in COMMANDS.iter().chain(&["checkpoint", "log-format"]) {
            assert!(ended.stdout.contains(word), "no {word} for {shell}");
        }
    }
    lab.run(&["completions", "tcsh"]).assert_refused(2, &["tcsh", "bash"]);
}

/// The command in the hint that begins so, without the program's own name.
#[track_caller]
fn hinted(stderr: &str, hint: &str) -> Vec<String> {
    let start = format!("next: {hint}: ");
    let line = stderr.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("no `{hint}` in: {stderr}"));
    line.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn each_command_says_what_to_do_next_and_it_can_be_done() {
    let lab = Lab::new();
    let follow = |words: &[String]| {
        let ended = lab.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        ended
    };
    let summary = follow(&["summary", "tiny.ron"].map(str::to_owned));
    let mut check = hinted(&summary.stderr, "see what training would cost");
    check.extend(["--epochs", "1", "--limit-train", "12", "--limit-test", "6"].map(str::to_owned));
    let run = hinted(&follow(&check).stderr, "train");
    assert_eq!(run[..2], ["run", "tiny.ron"]);
    let trained = follow(&run);
    assert!(lab.results(RUN).join("best.safetensors").is_file());
    assert!(
        trained
            .stderr
            .contains("next: open reports/tiny/report.html in a browser"),
        "{}",
        trained.stderr
    );
    let evaluated = follow(&hinted(&trained.stderr, "see which classes are mistaken for which"));
    assert!(evaluated.stdout.contains("mistaken most for"), "{}", evaluated.stdout);
    image::RgbImage::new(8, 8)
        .save_with_format(lab.path("IMAGE"), image::ImageFormat::Png)
        .unwrap();
    for (ended, hint) in [
        (&trained, "classify images of your own"),
        (&evaluated, "see where in an image the network looks"),
    ] {
        assert!(follow(&hinted(&ended.stderr, hint)).stdout.starts_with("IMAGE  "));
    }
    let drawn = follow(&["report", "reports/tiny"].map(str::to_owned));
    assert!(
        drawn
            .stderr
            .contains("next: open reports/tiny/report.html in a browser"),
        "{}",
        drawn.stderr
    );
}
