//! Whole networks trained twice: on two threads in one go, and on one thread with an interruption, to the same bits.

use rayon::ThreadPoolBuilder;
use wise_srnet::experiment::{Experiment, HeadKind, Plan, Registry};
use wise_srnet::training::Outcome;

use super::state::state;
use super::{SMALL, StopAfter, train};

/// The head with the most to get wrong: pooling, a constrained depthwise convolution, random masks.
const HEAD: HeadKind = HeadKind::WiseSrnetDropout;

/// Asserts that neither the number of threads nor an interruption after a step changes a bit of any checkpoint.
#[track_caller]
fn assert_same_bits(network: &str, image_size: usize) {
    let text = SMALL
        .replacen("mini_resnet", network, 1)
        .replacen(
            "image_size: 64,\n    heads",
            &format!("image_size: {image_size},\n    heads"),
            1,
        )
        .replacen("epochs: 2", "epochs: 1", 1)
        .replacen("batch_size: 4", "batch_size: 2", 1)
        .replacen("limit_train: 9", "limit_train: 5, limit_test: 2", 1);
    let registry = Registry::builtin();
    let plan = Plan::new(Experiment::parse(&text, "small.ron").unwrap(), &registry).unwrap();
    assert_eq!(
        (plan.experiment.network.as_str(), plan.experiment.image_size),
        (network, image_size)
    );
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [whole, stopped] = folders.each_ref().map(tempfile::TempDir::path);
    let go_on = |threads: usize, folder, steps: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&plan, HEAD, folder, |_| {}, &mut StopAfter { budget: steps }).unwrap())
    };
    assert_eq!(go_on(2, whole, usize::MAX), Outcome::Finished);
    assert_eq!(go_on(1, stopped, 1), Outcome::Stopped);
    assert_eq!(go_on(1, stopped, usize::MAX), Outcome::Finished);
    assert!(state(stopped) == state(whole), "{network}");
}

#[test]
fn mini_resnet_ends_with_the_same_bits_on_one_thread_with_an_interruption_as_on_two_in_one_go() {
    assert_same_bits("mini_resnet", 96);
}

#[test]
fn densenet169_ends_with_the_same_bits_on_one_thread_with_an_interruption_as_on_two_in_one_go() {
    assert_same_bits("densenet169", 224);
}

#[test]
fn xception_ends_with_the_same_bits_on_one_thread_with_an_interruption_as_on_two_in_one_go() {
    assert_same_bits("xception", 224);
}
