//! The same bits for any number of threads.

use rayon::ThreadPoolBuilder;
use wise_srnet::heads::WiseSrNetDropout;
use wise_srnet::layers::build;
use wise_srnet::networks::MiniResNet;

use crate::step::{Named, assert_gradients_arrive, maps, step};

/// Logits and gradients of a training step with this many threads.
fn run(threads: usize) -> (Vec<f32>, Named) {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(|| {
            let mut network: (MiniResNet, WiseSrNetDropout<128, 2, 4>) = build(1, "net", 6).unwrap();
            step(&mut network, maps::<64, 3>(5, 2))
        })
}

#[test]
fn logits_and_all_gradients_of_a_step_are_the_same_for_any_number_of_threads() {
    let (logits, gradients) = run(1);
    assert_gradients_arrive(&gradients);
    for threads in [2, 5] {
        let (other_logits, other_gradients) = run(threads);
        assert!(bits(&logits).eq(bits(&other_logits)), "logits with {threads} threads");
        assert!(gradients.keys().eq(other_gradients.keys()));
        for (name, gradient) in &gradients {
            assert!(
                bits(gradient).eq(bits(&other_gradients[name])),
                "{name} with {threads} threads"
            );
        }
    }
}

fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|value| value.to_bits())
}
