//! The shipped experiments, and files that are none.

use std::fs;
use std::path::Path;

use wise_srnet::experiment::{
    Augmentation, Checkpoints, Experiment, ExperimentError, HeadKind, Layout, Optimizer, Schedule, Validation,
};

fn shipped() -> Vec<Experiment> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let load = |path: &Path| Experiment::load(path).unwrap_or_else(|error| panic!("error: {error}"));
    paths.iter().map(|path| load(path)).collect()
}

#[test]
fn every_shipped_experiment_is_correct_and_named_like_its_file() {
    let names: Vec<_> = shipped().into_iter().map(|experiment| experiment.name).collect();
    for name in ["intel_densenet", "intel_mini_resnet", "quickstart"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} is missing in {names:?}"
        );
    }
    for name in names {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("experiments/{name}.ron"));
        assert!(path.is_file(), "{name} is not the name of its file");
    }
}

#[test]
fn an_experiment_written_out_reads_back_as_itself() {
    for experiment in shipped() {
        let text = experiment.to_ron().unwrap();
        let again = Experiment::parse(&text, "resolved.ron").unwrap_or_else(|error| panic!("error: {error}\n{text}"));
        assert_eq!(again.to_ron().unwrap(), text);
        assert_eq!(again.settings().unwrap(), experiment.settings().unwrap());
        assert_eq!(again.fingerprint().unwrap(), experiment.fingerprint().unwrap());
    }
}

#[test]
fn the_densenet_experiment_holds_the_papers_setting() {
    let experiment = shipped()
        .into_iter()
        .find(|experiment| experiment.name == "intel_densenet")
        .unwrap();
    assert_eq!(
        (experiment.network.as_str(), experiment.image_size),
        ("densenet169", 224)
    );
    assert_eq!(
        experiment.heads,
        [HeadKind::Gap, HeadKind::DepthwiseNonneg, HeadKind::WiseSrnet]
    );
    assert_eq!((experiment.epochs, experiment.batch_size), (220, 70));
    assert_eq!(experiment.data.layout, Layout::Intel);
    assert_eq!(experiment.augmentation, Augmentation::paper());
    assert_eq!(
        experiment.optimizer,
        Optimizer {
            learning_rate: 0.045,
            momentum: 0.9
        }
    );
    assert_eq!(
        experiment.schedule,
        Schedule::Staircase {
            decay: 0.94,
            every_epochs: 2
        }
    );
    assert_eq!(
        (experiment.weights, experiment.validation),
        (None, Validation::TestSplit)
    );
    assert_eq!(experiment.checkpoints, Checkpoints::LastAndBest);
}

#[test]
fn what_a_file_leaves_out_has_the_papers_value() {
    let text = r#"(name: "n", network: "x", image_size: 64, heads: [gap], epochs: 1, data: (layout: Intel))"#;
    let short = Experiment::parse(text, "short.ron").unwrap();
    assert_eq!((short.seeds.as_slice(), short.batch_size), (&[0][..], 70));
    assert_eq!(short.augmentation, Augmentation::paper());
    assert_eq!(
        short.optimizer,
        Optimizer {
            learning_rate: 0.045,
            momentum: 0.9
        }
    );
    assert_eq!(
        short.schedule,
        Schedule::Staircase {
            decay: 0.94,
            every_epochs: 2
        }
    );
}

#[test]
fn optional_values_may_be_written_with_and_without_some() {
    let load = |weights: &str| {
        let text = format!(
            r#"(name: "n", network: "x", image_size: 64, heads: [gap], epochs: 1, data: (layout: Intel), weights: {weights})"#
        );
        Experiment::parse(&text, "w.ron").unwrap().weights
    };
    assert_eq!(load(r#""a.h5""#), Some("a.h5".into()));
    assert_eq!(load(r#"Some("a.h5")"#), Some("a.h5".into()));
    assert_eq!(load("None"), None);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_accepted() {
    let text = format!("\u{feff}{}", super::CORRECT.replace('\n', "\r\n"));
    assert_eq!(
        Experiment::parse(&text, "w.ron").unwrap().to_ron().unwrap(),
        super::correct().to_ron().unwrap()
    );
    let error = Experiment::parse(&text.replace("epochs: 20", "epochs: 0"), "w.ron").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("w.ron:7:13\n  |\n7 |     epochs: 0,\n  |             ^ found 0"),
        "{error}"
    );
}

fn load_error(path: &Path) -> (ExperimentError, String) {
    let error = Experiment::load(path).unwrap_err();
    let folder = path.parent().unwrap().display().to_string();
    let text = error.to_string().replace(&folder, "DIR");
    (error, text)
}

#[test]
fn a_missing_file_is_answered_with_the_files_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["intel_densenet.ron", "quickstart.ron", "notes.txt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let (error, text) = load_error(&folder.path().join("intel_densnet.ron"));
    assert!(matches!(error, ExperimentError::Missing { .. }));
    assert_eq!(
        text,
        "there is no experiment file `DIR/intel_densnet.ron`
  = in `DIR`: intel_densenet.ron, quickstart.ron
  = help: did you mean `DIR/intel_densenet.ron`?"
    );
}

#[test]
fn a_folder_is_answered_with_the_files_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let experiments = folder.path().join("mine");
    fs::create_dir(&experiments).unwrap();
    fs::write(experiments.join("a.ron"), "").unwrap();
    let (error, text) = load_error(&experiments);
    assert!(matches!(error, ExperimentError::Folder { .. }));
    assert_eq!(
        text,
        "`DIR/mine` is a folder, not an experiment file\n  = in `DIR/mine`: a.ron"
    );
}

#[test]
fn a_file_that_is_not_text_is_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.ron");
    fs::write(&path, b"Experiment(\n    name: \"caf\xe9\",\n)").unwrap();
    let (_, text) = load_error(&path);
    assert_eq!(
        text,
        "`DIR/latin1.ron` is not a text file: line 2 is not valid UTF-8\n  = help: save it as UTF-8"
    );
}

#[test]
fn a_file_of_the_wrong_kind_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.ron");
    fs::write(&path, vec![b'x'; 70_000]).unwrap();
    let (_, text) = load_error(&path);
    assert_eq!(
        text,
        "`DIR/image.ron` is larger than 65536 bytes: that is no experiment file"
    );
}
