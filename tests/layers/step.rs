//! What the tests do with a module: random input, its tensors by name, and one training step.

use std::collections::BTreeMap;

use dfdx::prelude::{Const, Cpu, Dim, HasShape, ModuleMut, PutTape, Tensor, TensorCollection, TensorFromVec};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wise_srnet::layers::{
    FeatureMap, GradientStore, TrainingTape, Visited, for_each, for_each_with_gradients, softmax_cross_entropy, values,
};

/// Values by the names of their tensors.
pub type Named = BTreeMap<String, Vec<f32>>;

/// A batch of maps with values in −1..1.
pub fn maps<const M: usize, const C: usize>(batch: usize, seed: u64) -> FeatureMap<M, C> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = (0..batch * M * M * C).map(|_| rng.gen_range(-1.0..1.0)).collect();
    Cpu::default().tensor_from_vec(values, (batch, Const, Const, Const))
}

/// All tensors of a module.
pub fn tensors<N: TensorCollection<f32, Cpu>>(module: &mut N) -> Named {
    let mut tensors = Named::new();
    for_each(module, "net", &mut |visited| {
        if let Visited::Tensor(tensor) = visited {
            tensors.insert(tensor.name.to_owned(), tensor.values.to_vec());
        }
    });
    tensors
}

/// The logits of a forward pass in training, and the gradients of all trainable tensors.
pub fn step<N, O: Dim, const M: usize, const C: usize>(network: &mut N, images: FeatureMap<M, C>) -> (Vec<f32>, Named)
where
    N: ModuleMut<FeatureMap<M, C, TrainingTape>, Output = Tensor<(usize, O), f32, Cpu, TrainingTape>>
        + TensorCollection<f32, Cpu>,
{
    let logits = network.forward_mut(images.put_tape(TrainingTape::default()));
    backward(network, logits)
}

/// The logits, and the gradients of all trainable tensors for labels 0, 1, 2, 3, 0, …
pub fn backward<N, O: Dim>(network: &mut N, logits: Tensor<(usize, O), f32, Cpu, TrainingTape>) -> (Vec<f32>, Named)
where
    N: TensorCollection<f32, Cpu>,
{
    let scores = values(&logits).to_vec();
    let labels: Vec<usize> = (0..logits.shape().0).map(|image| image % 4).collect();
    let loss = softmax_cross_entropy(logits, &labels).unwrap();
    let mut gradients = TrainingTape::backward(loss).unwrap();
    (scores, named_gradients(network, &mut *gradients))
}

/// The gradients of all trainable tensors.
pub fn named_gradients<N: TensorCollection<f32, Cpu>>(network: &mut N, gradients: &mut dyn GradientStore) -> Named {
    let mut named = Named::new();
    for_each_with_gradients(network, "net", gradients, &mut |visited| {
        if let Visited::Tensor(tensor) = visited
            && tensor.trainable
        {
            named.insert(tensor.name.to_owned(), tensor.gradient.to_vec());
        }
    });
    named
}

/// Asserts that there is at least one gradient, and that each is finite and somewhere not zero.
#[track_caller]
pub fn assert_gradients_arrive(gradients: &Named) {
    assert!(!gradients.is_empty());
    for (name, gradient) in gradients {
        assert!(
            gradient.iter().all(|value| value.is_finite()),
            "{name} has a finite gradient"
        );
        assert!(gradient.iter().any(|&value| value != 0.0), "{name} gets a gradient");
    }
}
