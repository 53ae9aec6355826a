//! The shipped experiments, and files that are none.

use std::fs;
use std::path::Path;

use HeadKind::{Depthwise, DepthwiseNonneg, FlattenFc, Gap, GapDropout, WiseSrnet, WiseSrnetDropout};
use wise_srnet::experiment::{
    Augmentation, Checkpoints, Experiment, ExperimentError, HeadKind, Layout, Optimizer, Schedule, Validation,
};

fn shipped() -> Vec<Experiment> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ron"))
        .collect();
    paths.sort();
    let load = |path: &Path| Experiment::load(path).unwrap_or_else(|error| panic!("error: {error}"));
    paths.iter().map(|path| load(path)).collect()
}

#[test]
fn every_shipped_experiment_is_correct_and_named_like_its_file() {
    for Experiment { name, .. } in shipped() {
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

/// What differs between the paper's experiments.
struct Setting {
    name: &'static str,
    network: &'static str,
    image_size: usize,
    heads: &'static [HeadKind],
    epochs: usize,
    batch_size: usize,
    layout: Layout,
    weights: Option<&'static str>,
}

const XCEPTION_WEIGHTS: &str = "weights/xception_weights_tf_dim_ordering_tf_kernels_notop.h5";

/// The experiments whose notebooks are public.
fn paper() -> [Setting; 4] {
    [
        Setting {
            name: "subimagenet_resnet50",
            network: "resnet50",
            image_size: 224,
            heads: &[Gap, GapDropout, Depthwise, DepthwiseNonneg, WiseSrnet, WiseSrnetDropout],
            epochs: 148,
            batch_size: 70,
            layout: Layout::SubImageNet,
            weights: None,
        },
        Setting {
            name: "intel_densenet",
            network: "densenet169",
            image_size: 224,
            heads: &[Gap, DepthwiseNonneg, WiseSrnet],
            epochs: 220,
            batch_size: 70,
            layout: Layout::Intel,
            weights: None,
        },
        Setting {
            name: "mit_xception_224",
            network: "xception",
            image_size: 224,
            heads: &[Gap, GapDropout, DepthwiseNonneg, WiseSrnet, WiseSrnetDropout],
            epochs: 200,
            batch_size: 70,
            layout: Layout::MitIndoor,
            weights: None,
        },
        Setting {
            name: "mit_xception_512",
            network: "xception",
            image_size: 512,
            heads: &[Gap, FlattenFc, WiseSrnet],
            epochs: 130,
            batch_size: 15,
            layout: Layout::MitIndoor,
            weights: Some(XCEPTION_WEIGHTS),
        },
    ]
}

fn shipped_as(name: &str) -> Experiment {
    let mut all = shipped().into_iter();
    all.find(|experiment| experiment.name == name)
        .unwrap_or_else(|| panic!("no experiment {name}"))
}

/// What all of the paper's experiments have in common.
#[track_caller]
fn assert_trained_as_in_the_paper(experiment: &Experiment) {
    assert_eq!(experiment.augmentation, Augmentation::paper());
    let optimizer = Optimizer {
        learning_rate: 0.045,
        momentum: 0.9,
    };
    assert_eq!(experiment.optimizer, optimizer);
    let schedule = Schedule::Staircase {
        decay: 0.94,
        every_epochs: 2,
    };
    assert_eq!(experiment.schedule, schedule);
    assert_eq!(experiment.validation, Validation::TestSplit);
    assert_eq!(experiment.checkpoints, Checkpoints::LastAndBest);
    let data = &experiment.data;
    assert_eq!((data.limit_train, data.limit_test), (None, None));
}

#[test]
fn the_papers_seventeen_runs_are_shipped_with_its_settings() {
    for setting in paper() {
        let experiment = shipped_as(setting.name);
        assert_eq!(experiment.network, setting.network);
        assert_eq!(experiment.image_size, setting.image_size);
        assert_eq!(experiment.heads, setting.heads);
        assert_eq!(experiment.epochs, setting.epochs);
        assert_eq!(experiment.batch_size, setting.batch_size);
        assert_eq!(experiment.data.layout, setting.layout);
        assert_eq!(experiment.weights, setting.weights.map(Into::into));
        assert_trained_as_in_the_paper(&experiment);
    }
    assert_eq!(paper().iter().map(|setting| setting.heads.len()).sum::<usize>(), 17);
}

#[test]
fn nasnet_is_trained_like_xception() {
    for (size, weights) in [(224, None), (512, Some("weights/NASNet-large-no-top.h5"))] {
        let [nasnet, xception] = ["nasnet", "xception"].map(|network| shipped_as(&format!("mit_{network}_{size}")));
        assert_eq!((nasnet.network.as_str(), nasnet.image_size), ("nasnet_large", size));
        assert_eq!(nasnet.heads, [Gap, WiseSrnet]);
        assert_eq!((nasnet.epochs, &nasnet.data), (xception.epochs, &xception.data));
        assert_eq!(nasnet.weights, weights.map(Into::into));
        assert_trained_as_in_the_paper(&nasnet);
    }
}

#[test]
fn a_shipped_experiment_opens_with_its_command_and_the_place_of_its_data() {
    for experiment in shipped() {
        let file = format!("experiments/{}.ron", experiment.name);
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        let comment = comment.join("\n");
        assert!(comment.contains(&format!("cargo run --release -- {file}")), "{file}");
        if let Some(path) = &experiment.data.path {
            assert!(comment.contains(path.to_str().unwrap()), "{file}");
            let advice = experiment.data.layout.advice();
            assert!(advice.contains(path.to_str().unwrap()), "{file}: {advice}");
        }
        if let Some(weights) = &experiment.weights {
            let name = weights.file_name().unwrap().to_str().unwrap();
            assert!(
                comment.contains(&format!("/{name}")) && comment.contains("MD5"),
                "{file}"
            );
        }
    }
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
    let folder = path.parent().unwrap().to_string_lossy().into_owned();
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
