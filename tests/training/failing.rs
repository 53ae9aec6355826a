//! Runs that can't go on: what is said, and what is kept.

use std::fs;

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::training::{Checkpoint, Fit};

use super::{StopAfter, small_plan, train};

#[test]
fn a_diverging_run_names_the_step_and_the_learning_rate_and_keeps_the_checkpoint_from_before() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.safetensors");
    let one_epoch = |fit: &mut Fit<'_>| fit.epochs = 1;
    train(&plan, HeadKind::Gap, folder.path(), one_epoch, &mut StopAfter::never()).unwrap();
    let good = fs::read(&last).unwrap();
    let huge = |fit: &mut Fit<'_>| fit.optimizer.learning_rate = 1e38;
    let error = train(&plan, HeadKind::Gap, folder.path(), huge, &mut StopAfter::never()).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("training diverged: "), "{message}");
    assert!(
        message.contains("in epoch 2, step ") && message.contains("(learning rate 9.4e37)"),
        "{message}"
    );
    assert_eq!(fs::read(&last).unwrap(), good);
}

#[test]
fn a_run_that_is_stopped_after_it_diverged_saves_nothing() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let folder = tempfile::tempdir().unwrap();
    let infinite = |fit: &mut Fit<'_>| fit.optimizer.learning_rate = f64::INFINITY;
    let error = train(
        &plan,
        HeadKind::Gap,
        folder.path(),
        infinite,
        &mut StopAfter { budget: 1 },
    )
    .unwrap_err();
    assert!(error.to_string().contains("a weight is not a finite number"), "{error}");
    assert!(!folder.path().join("last.safetensors").exists());
}

#[test]
fn the_checkpoint_of_another_run_is_refused() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let folder = tempfile::tempdir().unwrap();
    let one_step = &mut StopAfter { budget: 1 };
    train(&plan, HeadKind::Gap, folder.path(), |_| {}, one_step).unwrap();
    let refused = |head, change: fn(&mut Fit<'_>)| {
        let error = train(&plan, head, folder.path(), change, &mut StopAfter::never()).unwrap_err();
        error.to_string()
    };
    let head = refused(HeadKind::GapDropout, |_| {});
    assert!(
        head.contains("last.safetensors belongs to a run with other network"),
        "{head}"
    );
    let seed = refused(HeadKind::Gap, |fit| fit.identity.seed = 1);
    assert!(seed.contains("or seed: give another `--out`"), "{seed}");
    let classes = refused(HeadKind::Gap, |fit| fit.identity.classes.reverse());
    assert!(classes.contains("other classes"), "{classes}");
    let settings = refused(HeadKind::Gap, |fit| fit.identity.fingerprint.push('0'));
    assert!(settings.contains("other settings or data"), "{settings}");
}

#[test]
fn a_checkpoint_without_the_state_of_a_dropout_layer_is_refused() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.safetensors");
    let one_step = &mut StopAfter { budget: 1 };
    train(&plan, HeadKind::GapDropout, folder.path(), |_| {}, one_step).unwrap();
    let mut checkpoint = Checkpoint::load(&last).unwrap();
    assert_eq!(checkpoint.snapshot.scalars.get("head.1.masks"), Some(&1.0));
    checkpoint.snapshot.scalars.remove("head.1.masks");
    checkpoint.save(&last).unwrap();
    let error = train(
        &plan,
        HeadKind::GapDropout,
        folder.path(),
        |_| {},
        &mut StopAfter::never(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("last.safetensors: it has no `head.1.masks`"),
        "{error}"
    );
}
