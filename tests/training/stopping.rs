//! A run that is stopped goes on where it stopped and ends with the bits of one that was not.

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::training::Outcome;

use super::state::state;
use super::{StopAfter, small_plan, train};

#[test]
fn a_run_that_is_stopped_after_every_step_and_within_evaluations_ends_with_the_same_bits() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let (stopped, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let head = HeadKind::WiseSrnetDropout;
    train(&plan, head, whole.path(), |_| {}, &mut StopAfter::never()).unwrap();
    // Two epochs of three steps, each evaluated in two batches. Evaluations start over: their first stop comes after
    // one batch, and then two batches have to pass.
    let mut stops = 0;
    for budget in [1, 1, 1, 1, 3, 1, 1, 1].into_iter().chain(std::iter::repeat(4)) {
        let observer = &mut StopAfter { budget };
        if train(&plan, head, stopped.path(), |_| {}, observer).unwrap() == Outcome::Finished {
            break;
        }
        stops += 1;
    }
    assert!(stops >= 7, "stopped {stops} times");
    assert_eq!(state(stopped.path()), state(whole.path()));
}

#[test]
fn more_epochs_continue_a_finished_run_as_if_they_had_been_asked_for_at_once() {
    let registry = Registry::builtin();
    let plan = small_plan(&registry);
    let (raised, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let head = HeadKind::DepthwiseNonneg;
    train(&plan, head, whole.path(), |_| {}, &mut StopAfter::never()).unwrap();
    train(
        &plan,
        head,
        raised.path(),
        |fit| fit.epochs = 1,
        &mut StopAfter::never(),
    )
    .unwrap();
    assert_ne!(state(raised.path()), state(whole.path()));
    train(&plan, head, raised.path(), |_| {}, &mut StopAfter::never()).unwrap();
    assert_eq!(state(raised.path()), state(whole.path()));
}
