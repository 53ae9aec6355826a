//! Checkpoints that were damaged after they were written: the run goes on from the one before, or refuses.

use std::fs;
use std::path::Path;

use wise_srnet::experiment::{HeadKind, Plan, Registry};
use wise_srnet::training::{Checkpoint, FitError};

use super::state::state;
use super::{StopAfter, small_plan, train};

const HEAD: HeadKind = HeadKind::WiseSrnetDropout;

fn go_on(plan: &Plan<'_>, folder: &Path, steps: usize) -> Result<(), FitError> {
    let every_step = |fit: &mut wise_srnet::training::Fit<'_>| fit.save_every_steps = 1;
    train(plan, HEAD, folder, every_step, &mut StopAfter { budget: steps }).map(drop)
}

/// What can become of a file's bytes.
const DAMAGES: [fn(&mut Vec<u8>); 5] = [
    Vec::clear,
    |bytes| bytes.truncate(bytes.len() / 2),
    |bytes| bytes.fill(0),
    |bytes| bytes[4_000..].fill(0),
    |bytes| *bytes.last_mut().unwrap() ^= 1,
];

fn damage(file: &Path, damage: fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap();
    damage(&mut bytes);
    fs::write(file, &bytes).unwrap();
    bytes
}

#[test]
fn a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_one_before_to_the_same_bits() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let whole = tempfile::tempdir().unwrap();
    train(&plan, HEAD, whole.path(), |_| {}, &mut StopAfter::never()).unwrap();
    for (case, change) in DAMAGES.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        go_on(&plan, folder.path(), 2).unwrap();
        let damaged = damage(&file("last.safetensors"), change);
        let standing = plan
            .fit(super::run_of(HEAD), folder.path())
            .standing()
            .unwrap()
            .unwrap();
        assert_eq!(standing.position.steps, 1, "case {case}");
        let said = standing.fallback.unwrap().to_string();
        assert!(said.contains("last.safetensors: "), "case {case}: {said}");

        go_on(&plan, folder.path(), usize::MAX).unwrap();
        assert_eq!(state(folder.path()), state(whole.path()), "case {case}");
        assert_eq!(
            fs::read(file("last.safetensors.damaged")).unwrap(),
            damaged,
            "it is set aside"
        );
    }
}

#[test]
fn a_run_with_two_damaged_checkpoints_is_refused_and_both_stay_as_they_are() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    for change in DAMAGES {
        let folder = tempfile::tempdir().unwrap();
        go_on(&plan, folder.path(), 2).unwrap();
        let files = ["last.safetensors", "previous.safetensors"].map(|name| folder.path().join(name));
        let damaged = files.each_ref().map(|file| damage(file, change));
        let error = go_on(&plan, folder.path(), usize::MAX).unwrap_err().to_string();
        assert!(error.contains("last.safetensors: "), "{error}");
        assert_eq!(files.each_ref().map(|file| fs::read(file).unwrap()), damaged);

        fs::remove_file(&files[0]).unwrap();
        let error = go_on(&plan, folder.path(), usize::MAX).unwrap_err().to_string();
        assert!(
            error.contains("previous.safetensors: "),
            "nothing starts over unasked: {error}"
        );
    }
}

/// What is said of a run whose last checkpoint was `change`d by a program that writes checkpoints, not by accident.
fn refusal(plan: &Plan<'_>, change: &dyn Fn(&mut Checkpoint)) -> String {
    let folder = tempfile::tempdir().unwrap();
    go_on(plan, folder.path(), 2).unwrap();
    let last = folder.path().join("last.safetensors");
    let mut checkpoint = Checkpoint::load(&last).unwrap();
    change(&mut checkpoint);
    checkpoint.save(&last).unwrap();
    let before = fs::read(&last).unwrap();
    let error = go_on(plan, folder.path(), usize::MAX).unwrap_err().to_string();
    assert_eq!(fs::read(&last).unwrap(), before, "it is not set aside");
    assert!(error.contains("last.safetensors"), "{error}");
    error
}

#[test]
fn a_run_does_not_go_on_with_weights_or_velocities_that_are_not_finite() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let weight = refusal(&plan, &|checkpoint| {
        checkpoint.snapshot.tensors.first_entry().unwrap().get_mut().values[0] = f32::NAN;
    });
    assert!(
        weight.contains("` holds values that are not finite") && weight.contains("its tensor `backbone."),
        "{weight}"
    );
    let velocity = refusal(&plan, &|checkpoint| {
        checkpoint.snapshot.velocities.first_entry().unwrap().get_mut().values[0] = f32::INFINITY;
    });
    assert!(velocity.contains("its tensor `velocity/backbone."), "{velocity}");
}

#[test]
fn a_run_does_not_go_on_from_a_position_that_it_can_not_come_to() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let changes: [&dyn Fn(&mut Checkpoint); 6] = [
        &|checkpoint| checkpoint.position.epochs = u64::MAX,
        &|checkpoint| (checkpoint.position.epochs, checkpoint.position.steps) = (1, 5),
        &|checkpoint| checkpoint.position.steps = u64::MAX,
        &|checkpoint| checkpoint.position.batches = usize::MAX,
        &|checkpoint| (checkpoint.position.batches, checkpoint.position.steps) = (4, 4),
        &|checkpoint| checkpoint.position.best = Some(1e308),
    ];
    for (case, change) in changes.into_iter().enumerate() {
        let said = refusal(&plan, change);
        assert!(said.contains("can't be gone on from"), "case {case}: {said}");
    }
}
