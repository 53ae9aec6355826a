//! Experiment files that are based on others.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use wise_srnet::experiment::{Augmentation, Experiment, ExperimentFile, HeadKind, Layout};

use super::CORRECT;

/// A folder with `CORRECT` as `mine.ron` and these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("mine.ron", CORRECT)].iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// What is printed for a file of the folder, which is called `DIR`.
fn answer(folder: &TempDir, name: &str) -> String {
    let error = Experiment::load(&folder.path().join(name)).unwrap_err();
    format!("error: {error}").replace(&format!("{}", folder.path().to_string_lossy()), "DIR")
}

#[test]
fn a_file_says_only_what_differs_from_its_base() {
    let text = r#"Experiment(
        base: "../mine.ron", // beside this folder
        name: "theirs",
        heads: [flatten_fc],
        optimizer: (momentum: 0.5),
        data: (limit_train: 100),
    )"#;
    let folder = folder(&[("deeper/theirs.ron", text)]);
    let theirs = Experiment::load(&folder.path().join("deeper/theirs.ron")).unwrap();
    let mut expected = super::correct();
    expected.name = "theirs".to_owned();
    expected.heads = vec![HeadKind::FlattenFc];
    expected.optimizer.momentum = 0.5;
    expected.data.limit_train = Some(100);
    assert_eq!(theirs.to_ron().unwrap(), expected.to_ron().unwrap());
}

#[test]
fn extensions_of_ron_may_be_asked_for_in_a_file_and_in_its_base() {
    let asks = "#![enable(implicit_some)]\n#![enable(unwrap_newtypes)]\n";
    let base = format!("{asks}{CORRECT}");
    let theirs = format!("{asks}(base: \"base.ron\", name: \"theirs\", variants: {{\"short\": (epochs: 3)}})");
    let folder = folder(&[("base.ron", &base), ("theirs.ron", &theirs)]);
    let file = ExperimentFile::load(&folder.path().join("theirs.ron"), &[]).unwrap();
    let short = &file.into_experiments()[0];
    assert_eq!((short.name.as_str(), short.epochs), ("theirs-short", 3));
    assert_eq!(short.heads, super::correct().heads);
}

#[test]
fn what_an_augmentation_does_not_name_is_off_whatever_its_base_says() {
    let text = |augmentation| format!("(base: \"mine.ron\", name: \"theirs\"{augmentation})");
    let (without, with) = (text(""), text(", augmentation: (horizontal_flip: true)"));
    let folder = folder(&[("without.ron", &without), ("with.ron", &with)]);
    let load = |name| Experiment::load(&folder.path().join(name)).unwrap().augmentation;
    assert_eq!(load("without.ron").zoom, (0.8, 1.2));
    let horizontal_flip = true;
    assert_eq!(
        load("with.ron"),
        Augmentation {
            horizontal_flip,
            ..Augmentation::default()
        }
    );
}

#[test]
fn a_base_may_have_a_base_and_lack_what_another_file_gives() {
    let shared = r#"(epochs: 3, batch_size: 7, data: (layout: Intel))"#;
    let network = r#"(base: "shared.ron", network: "mini_resnet", image_size: 64, epochs: 4)"#;
    let whole = r#"(base: "network.ron", name: "whole", heads: [gap])"#;
    let folder = folder(&[("shared.ron", shared), ("network.ron", network), ("whole.ron", whole)]);
    let whole = Experiment::load(&folder.path().join("whole.ron")).unwrap();
    assert_eq!((whole.epochs, whole.batch_size, whole.image_size), (4, 7, 64));
    assert_eq!(whole.data.layout, Layout::Intel);
}

#[test]
fn a_name_is_not_taken_over() {
    let folder = folder(&[("nameless.ron", "(\n    base: \"mine.ron\",\n)")]);
    let expected = r#"
error: missing field `name`
  --> DIR/nameless.ron:3:1
  |
3 | )
  | ^ the section ends here without it
  |
  = help: add a line such as `name: "my_experiment",`
"#;
    assert_eq!(answer(&folder, "nameless.ron"), expected.trim_matches('\n'));
}

#[test]
fn a_mistake_is_shown_in_the_file_that_makes_it() {
    let wrong = CORRECT.replace("epochs: 20", "epochs: 0").replace("0.01", "fast");
    let folder = folder(&[
        ("wrong.ron", &wrong),
        ("a.ron", "(base: \"wrong.ron\", name: \"a\")"),
        (
            "b.ron",
            "(base: \"wrong.ron\", name: \"b\", optimizer: (learning_rate: 0.1))",
        ),
        (
            "c.ron",
            "(base: \"mine.ron\", name: \"c\", optimizer: (learning_rat: 0.1))",
        ),
        ("open.ron", "(epochs: 3, data: ("),
        ("d.ron", "(base: \"open.ron\", name: \"d\")"),
    ]);
    for (name, parts) in [
        ("a.ron", ["expected a number", "DIR/wrong.ron:16:32"]),
        ("b.ron", ["`epochs` must be from 1 to 100000", "DIR/wrong.ron:7:13"]),
        ("c.ron", ["did you mean `learning_rate`?", "DIR/c.ron:1:43"]),
        ("d.ron", ["`(` is never closed", "DIR/open.ron:1:"]),
    ] {
        let answer = answer(&folder, name);
        assert!(parts.iter().all(|part| answer.contains(part)), "{parts:?} in {answer}");
    }
}

#[test]
fn a_base_that_cannot_be_read_is_answered_with_the_files_that_are_there() {
    let folder = folder(&[("a.ron", "(base: \"min.ron\", name: \"a\")")]);
    let expected = "\
error: there is no experiment file `DIR/min.ron`
  = in `DIR`: a.ron, mine.ron
  = help: did you mean `DIR/mine.ron`?
  = it is the base of `DIR/a.ron`";
    assert_eq!(answer(&folder, "a.ron"), expected);
}

#[test]
fn a_base_that_is_no_files_name_is_refused() {
    let folder = folder(&[
        ("a.ron", "(base: mine, name: \"a\")"),
        ("b.ron", "(base: \"mine.ron\", base: \"mine.ron\")"),
    ]);
    let said = answer(&folder, "a.ron");
    assert!(
        said.contains("`base`: expected a string") && said.contains("DIR/a.ron:1:8"),
        "{said}"
    );
    let said = answer(&folder, "b.ron");
    assert!(
        said.contains("`base` is given twice") && said.contains("DIR/b.ron:1:"),
        "{said}"
    );
}

#[test]
fn files_that_are_based_on_one_another_are_refused() {
    let folder = folder(&[
        ("a.ron", "(base: \"./b.ron\", name: \"a\")"),
        ("b.ron", "(base: \"c/../a.ron\", name: \"b\")"),
        ("c/empty.ron", ""),
        ("self.ron", "(base: \"self.ron\", name: \"self\")"),
    ]);
    for (name, place) in [("a.ron", "b.ron:1:8"), ("self.ron", "self.ron:1:8")] {
        let said = answer(&folder, name);
        assert!(said.contains("based on itself") && said.contains(place), "{said}");
    }
}

#[test]
fn a_chain_without_end_is_refused() {
    let files: Vec<(String, String)> = (0..40)
        .map(|at| (format!("{at}.ron"), format!("(base: \"{}.ron\", name: \"a\")", at + 1)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let said = answer(&folder(&files), "0.ron");
    assert!(said.contains("more than 8 files are based on one another"), "{said}");
}

/// The settings that determine the results of the shipped experiments, from the time when each wrote all of them out; the images'
/// orientation and the precision came later.
#[test]
fn the_shipped_experiments_have_the_settings_that_they_always_had() {
    for (name, fingerprint) in [
        ("intel_densenet", "b959894317684c4d"),
        ("intel_mini_resnet", "441dec6a87db32e6"),
        ("mit_nasnet_224", "47c5699953d86b82"),
        ("mit_nasnet_512", "c63f5418b416ed58"),
        ("mit_xception_224", "97170d31826c8c30"),
        ("mit_xception_512", "bbc9248fef5ee6ea"),
        ("quickstart", "db2db52def990c5e"),
        ("subimagenet_resnet50", "7124f97049c06e9f"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
        let experiment = Experiment::load(&folder.join(format!("{name}.ron"))).unwrap();
        assert_eq!(experiment.fingerprint().unwrap(), fingerprint, "{name}");
    }
}

#[test]
fn a_text_without_a_file_finds_its_base_beside_the_name_that_it_is_given() {
    let folder = folder(&[]);
    let name = folder.path().join("unsaved.ron");
    let text = "(base: \"mine.ron\", name: \"unsaved\")";
    let file = ExperimentFile::parse(text, name.to_str().unwrap(), &[]).unwrap();
    assert_eq!(file.into_only().unwrap().epochs, 20);
}
