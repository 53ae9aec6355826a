//! The same bits for any number of threads.

use dfdx::prelude::{Cpu, Dim, ModuleMut, Tensor, TensorCollection};
use rayon::ThreadPoolBuilder;
use wise_srnet::heads::WiseSrNetDropout;
use wise_srnet::layers::{FeatureMap, TrainingTape, build};
use wise_srnet::networks::MiniResNet;

use crate::samples::{Forked, Mixed};
use crate::step::{Named, assert_gradients_arrive, maps, step};

/// Asserts that logits and gradients of a training step don't depend on the number of threads.
#[track_caller]
fn assert_same_bits<N, O: Dim, const M: usize>()
where
    N: TensorCollection<f32, Cpu, To<f32, Cpu> = N>,
    N: ModuleMut<FeatureMap<M, 3, TrainingTape>, Output = Tensor<(usize, O), f32, Cpu, TrainingTape>>,
{
    let run = |threads: usize| -> (Vec<f32>, Named) {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| step(&mut build::<N>(1, "net", 6).unwrap(), maps::<M, 3>(5, 2)))
    };
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

#[test]
fn a_step_of_the_smallest_network_is_the_same_for_any_number_of_threads() {
    assert_same_bits::<(MiniResNet, WiseSrNetDropout<128, 2, 4>), _, 64>();
}

#[test]
fn a_step_through_dense_separable_and_forked_layers_is_the_same_for_any_number_of_threads() {
    assert_same_bits::<Mixed, _, 96>();
    assert_same_bits::<Forked, _, 64>();
}
