//! `--set`: a field from the command line, as if the file said so.

use wise_srnet::experiment::{Augmentation, Experiment, ExperimentFile, HeadKind, Layout, Schedule, Setting};

use super::CORRECT;

fn settings(written: &[&str]) -> Vec<Setting> {
    written.iter().map(|written| written.parse().unwrap()).collect()
}

/// The experiment of `text` with these settings, or what is printed instead.
fn set_in(text: &str, written: &[&str]) -> Result<Experiment, String> {
    let file = ExperimentFile::parse(text, "mine.ron", &settings(written));
    let experiment = file.and_then(ExperimentFile::into_only);
    experiment.map_err(|error| format!("error: {error}"))
}

fn set(written: &[&str]) -> Experiment {
    set_in(CORRECT, written).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn assert_answer(written: &str, expected: &str) {
    assert_eq!(set_in(CORRECT, &[written]).unwrap_err(), expected.trim_matches('\n'));
}

#[test]
fn a_setting_is_as_if_the_file_said_so() {
    for (setting, from, to) in [
        ("epochs=3", "epochs: 20", "epochs: 3"),
        ("heads=[gap,flatten_fc]", "[gap, wise_srnet]", "[gap, flatten_fc]"),
        (
            "optimizer.learning_rate=0.5",
            "learning_rate: 0.01",
            "learning_rate: 0.5",
        ),
        (
            "optimizer.momentum=0.5",
            "learning_rate: 0.01",
            "learning_rate: 0.01, momentum: 0.5",
        ),
        (
            "schedule=Constant",
            "Staircase(decay: 0.94, every_epochs: 2)",
            "Constant",
        ),
        ("schedule.decay=0.5", "decay: 0.94", "decay: 0.5"),
        ("data.layout.train=\"c\"", "train: \"a\"", "train: \"c\""),
        ("data.path=\"x y, z: (\"", "data/mine", "x y, z: ("),
        (
            "data.limit_test=7",
            "path: \"data/mine\",",
            "path: \"data/mine\", limit_test: 7",
        ),
        ("name=\"other\"", "\"mine\"", "\"other\""),
        ("weights=None", "seeds: [0, 1]", "weights: None, seeds: [0, 1]"),
    ] {
        let file = CORRECT.replacen(from, to, 1);
        assert_ne!(file, CORRECT, "{from} is not in CORRECT");
        let file = Experiment::parse(&file, "mine.ron").unwrap();
        assert_eq!(set(&[setting]).to_ron().unwrap(), file.to_ron().unwrap(), "{setting}");
    }
}

#[test]
fn a_later_setting_wins_and_a_setting_of_a_section_begins_with_what_the_file_leaves_out() {
    let experiment = set(&[
        "epochs=3",
        "optimizer=(momentum: 0.5)",
        "epochs=4",
        "optimizer.momentum=0.6",
    ]);
    assert_eq!((experiment.epochs, experiment.optimizer.momentum), (4, 0.6));
    let text = CORRECT.replace("schedule: Staircase(decay: 0.94, every_epochs: 2),", "");
    let text = text.replace("augmentation: (\n        zoom: (0.8, 1.2),\n    ),", "");
    let short = set_in(&text, &["schedule.every_epochs=5", "augmentation.channel_shift=1.0"]).unwrap();
    let (decay, every_epochs) = (0.94, 5);
    assert_eq!(short.schedule, Schedule::Staircase { decay, every_epochs });
    let channel_shift = 1.0;
    assert_eq!(
        short.augmentation,
        Augmentation {
            channel_shift,
            ..Augmentation::paper()
        }
    );
}

#[test]
fn a_setting_repairs_what_the_file_lacks() {
    let text = CORRECT.replace("    epochs: 20,\n", "");
    assert_eq!(set_in(&text, &["epochs=3"]).unwrap().epochs, 3);
    let text = CORRECT.replace("epochs: 20", "epochs: 0");
    assert_eq!(set_in(&text, &["epochs=3"]).unwrap().epochs, 3);
}

#[test]
fn a_mistake_in_the_file_is_shown_in_the_file_and_one_in_a_setting_in_the_setting() {
    let wrong = CORRECT.replace("[gap, wise_srnet]", "[gap, gap]");
    let answer = set_in(&wrong, &["epochs=0"]).unwrap_err();
    let expected = r#"
error: `gap` is listed twice in `heads`
  --> mine.ron:5:18
  |
5 |     heads: [gap, gap],
  |                  ^^^ a second time here

error: `epochs` must be from 1 to 100000
  --> command line:1:14
  |
1 | --set epochs=0
  |              ^ found 0
"#;
    assert_eq!(answer, expected.trim_matches('\n'));
}

#[test]
fn an_unknown_field_is_answered_with_the_nearest() {
    assert_answer(
        "optimizer.momentm=0.5",
        r#"
error: unknown field `momentm`
  --> command line:1:17
  |
1 | --set optimizer.momentm=0.5
  |                 ^^^^^^^ expected one of `learning_rate`, `momentum`
  |
  = help: did you mean `momentum`?
"#,
    );
    for (written, help) in [
        ("epoch=3", "did you mean `epochs`?"),
        ("optimiser.momentum=0.5", "did you mean `optimizer`?"),
    ] {
        let answer = set_in(CORRECT, &[written]).unwrap_err();
        assert!(answer.contains("command line:1:7") && answer.contains(help), "{answer}");
    }
}

#[test]
fn a_wrong_value_is_answered_as_in_a_file() {
    assert_answer(
        "heads=[gap, wise_sr_net]",
        r#"
error: unknown value `wise_sr_net` for `heads[1]`
  --> command line:1:19
  |
1 | --set heads=[gap, wise_sr_net]
  |                   ^^^^^^^^^^^ expected one of `gap`, `gap_dropout`, `depthwise`, `depthwise_nonneg`, `wise_srnet`, `wise_srnet_dropout`, `flatten_fc`
  |
  = help: did you mean `wise_srnet`?
"#,
    );
    assert_answer(
        "network=xception",
        r#"
error: `network`: expected a string in double quotes
  --> command line:1:15
  |
1 | --set network=xception
  |               ^^^^^^^^ found the name `xception`
  |
  = help: write `"xception"`
"#,
    );
}

#[test]
fn a_field_of_a_value_without_fields_is_refused() {
    assert_answer(
        "epochs.most=3",
        r#"
error: `epochs` has no fields that could be set one by one
  --> command line:1:7
  |
1 | --set epochs.most=3
  |       ^^^^^^ it is `20`
  |
  = help: set it whole: `--set 'epochs=…'`
"#,
    );
}

#[test]
fn a_setting_of_what_a_later_check_refuses_is_blamed() {
    let experiment = set(&["heads=[depthwise]"]);
    let problem = wise_srnet::experiment::Problem::in_field("heads[0]", "not registered");
    let answer = experiment.invalid(vec![problem]).to_string();
    assert!(
        answer.contains("1 | --set heads=[depthwise]\n  |              ^^^^^^^^^"),
        "{answer}"
    );
    assert_eq!(experiment.heads, [HeadKind::Depthwise]);
}

/// Cuts and changes at every place of a setting: there is an answer and no panic, and no field but the one that is set
/// has another value.
#[test]
fn no_damage_to_a_setting_goes_without_an_answer() {
    let written = "data.layout=Folders(train: \"é\", test: \"b\")";
    for at in (0..=written.len()).filter(|at| written.is_char_boundary(*at)) {
        let (before, after) = written.split_at(at);
        for inserted in [
            "(",
            ")",
            "[",
            "]",
            "\"",
            "'",
            ",",
            ":",
            "é",
            "/*",
            "//",
            "\n",
            "r#\"",
            "\\",
            "\u{0}",
            "",
            "epochs: 1",
        ] {
            let damaged = format!("{before}{inserted}{after}");
            let Ok(setting) = damaged.parse::<Setting>() else {
                continue;
            };
            match ExperimentFile::parse(CORRECT, "mine.ron", &[setting]).and_then(ExperimentFile::into_only) {
                Err(error) => assert!(!error.to_string().is_empty()),
                Ok(experiment) => {
                    assert_eq!((experiment.epochs, experiment.name.as_str()), (20, "mine"));
                    assert!(matches!(experiment.data.layout, Layout::Folders { .. }));
                }
            }
        }
    }
}
