//! What the command line changes.

use std::path::PathBuf;

use wise_srnet::experiment::{Experiment, HeadKind, Overrides, Problem};
use wise_srnet::plan::Precision;

use super::correct;

fn error_of(overrides: &Overrides, experiment: &mut Experiment) -> String {
    format!("error: {}", overrides.apply(experiment).unwrap_err())
}

#[test]
fn flags_take_the_place_of_the_files_values_and_leave_the_others() {
    let mut experiment = correct();
    let overrides = Overrides {
        data: Some("elsewhere.zip".into()),
        epochs: Some(2),
        batch_size: Some(8),
        limit_train: Some(240),
        limit_test: Some(120),
        heads: Some(vec![HeadKind::FlattenFc]),
        seeds: Some(vec![7, 8]),
        weights: Some("weights.h5".into()),
        precision: Some(Precision::Bf16),
    };
    overrides.apply(&mut experiment).unwrap();
    assert_eq!(experiment.data.path, Some("elsewhere.zip".into()));
    assert_eq!((experiment.epochs, experiment.batch_size), (2, 8));
    assert_eq!(
        (experiment.data.limit_train, experiment.data.limit_test),
        (Some(240), Some(120))
    );
    assert_eq!(
        (experiment.heads.as_slice(), experiment.seeds.as_slice()),
        (&[HeadKind::FlattenFc][..], &[7, 8][..])
    );
    assert_eq!(experiment.weights, Some("weights.h5".into()));
    assert_eq!(experiment.precision, Precision::Bf16);
    assert_eq!(
        (experiment.network, experiment.image_size),
        (correct().network, correct().image_size)
    );
}

#[test]
fn no_flags_change_nothing() {
    let mut experiment = correct();
    Overrides::default().apply(&mut experiment).unwrap();
    assert_eq!(experiment.to_ron().unwrap(), correct().to_ron().unwrap());
}

#[test]
fn weights_none_starts_from_random_weights() {
    let mut experiment = correct();
    experiment.weights = Some("weights.h5".into());
    let none = Overrides {
        weights: Some("none".into()),
        ..Overrides::default()
    };
    none.apply(&mut experiment).unwrap();
    assert_eq!(experiment.weights, None);
}

#[test]
fn a_wrong_flag_is_named_and_changes_nothing() {
    let mut experiment = correct();
    let overrides = Overrides {
        epochs: Some(0),
        batch_size: Some(4),
        heads: Some(vec![HeadKind::Gap, HeadKind::Gap]),
        ..Overrides::default()
    };
    assert_eq!(
        error_of(&overrides, &mut experiment),
        "\
error: `gap` is listed twice in `heads`
 = a second time here
 = set by --heads gap,gap

error: `epochs` must be from 1 to 100000
 = found 0
 = set by --epochs 0"
    );
    assert_eq!(experiment.batch_size, 32);
}

#[test]
fn a_data_set_for_an_experiment_that_generates_its_own_is_refused() {
    let layout = "Generated(train_per_class: 9, test_per_class: 9, image_size: 64, seed: 0)";
    let text = super::CORRECT
        .replace(r#"Folders(train: "a", test: "b")"#, layout)
        .replace(r#"path: "data/mine","#, "");
    let mut experiment = Experiment::parse(&text, "mine.ron").unwrap();
    let overrides = Overrides {
        data: Some("data/intel".into()),
        ..Overrides::default()
    };
    assert_eq!(
        error_of(&overrides, &mut experiment),
        "\
error: `data.path` must be left out: the program generates this data set
 = found data/intel
 = set by --data data/intel"
    );
}

#[cfg(unix)]
#[test]
fn a_path_that_could_not_be_written_into_the_resolved_file_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let path = PathBuf::from(std::ffi::OsString::from_vec(b"caf\xe9".to_vec()));
    let overrides = Overrides {
        data: Some(path),
        ..Overrides::default()
    };
    let text = error_of(&overrides, &mut correct());
    assert!(text.starts_with("error: `data.path` must be a path in UTF-8"), "{text}");
}

#[test]
fn a_later_check_points_into_the_file_or_at_the_flag() {
    let mut experiment = correct();
    let unknown = || Problem::unknown_name("network", "network", "mini-resnet", ["densenet169", "mini_resnet"]);
    assert_eq!(
        experiment.invalid(vec![unknown()]).to_string(),
        "\
unknown network `mini-resnet`
  --> mine.ron:3:14
  |
3 |     network: \"mini_resnet\",
  |              ^^^^^^^^^^^^^ expected one of `densenet169`, `mini_resnet`
  |
  = help: did you mean `mini_resnet`?"
    );

    Overrides {
        heads: Some(vec![HeadKind::Depthwise]),
        ..Overrides::default()
    }
    .apply(&mut experiment)
    .unwrap();
    let unregistered = Problem::in_field("heads[0]", "this network is not registered with the head `depthwise`");
    assert_eq!(
        experiment.invalid(vec![unregistered.help("register it")]).to_string(),
        "\
this network is not registered with the head `depthwise`
 = set by --heads depthwise
 = help: register it"
    );
}
