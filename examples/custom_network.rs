//! A network of one's own, outside the crate: its layers as types from leaf to root, a Wise-SrNet head, and a few
//! training steps by hand. Run it with `cargo run --example custom_network`.
//!
//! With an experiment file that says `network: "my_network"` and `image_size: 64`, it is the whole program with one more
//! network: `cargo run --release --example custom_network -- my_experiment.ron`.
//!
//! Change a number in a type alias (a stride, a channel count, the head's kernel) and `cargo check` says where the
//! shapes no longer fit.

use std::collections::HashMap;
use std::process::ExitCode;

use dfdx::prelude::{Backward, Const, Cpu, CpuError, ModuleMut, TensorFromVec, Trace};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wise_srnet::experiment::Registry;
use wise_srnet::heads::{Head, WiseSrNet};
use wise_srnet::kernels::sgd::{Update, update};
use wise_srnet::layers::{
    BatchNorm2D, Conv2D, DepthwiseConv2D, Identity, Images, KerasDefault, NoActivation, Relu, Shortcut, Visited, build,
    for_each_with_gradients, softmax_cross_entropy, values,
};
use wise_srnet::networks::Backbone;
use wise_srnet::shapes::Same;

/// A depthwise 3×3 convolution with stride `S`, then a 1×1 convolution from `I` to `O` channels.
type Separable<const I: usize, const O: usize, const S: usize, A> = (
    DepthwiseConv2D<I, 3, S, Same>,
    Conv2D<I, O, 1>,
    BatchNorm2D<O, KerasDefault, A>,
);

/// A residual block that keeps the shape.
type Keep<const C: usize> = Shortcut<Separable<C, C, 1, NoActivation>, Identity, Relu>;

/// Half the size, 16 channels: 32×32 from an image of 64×64.
type Stem = (Conv2D<3, 16, 3, 2, Same>, BatchNorm2D<16, KerasDefault, Relu>);

/// The network without its head: 64×64×3 → 8×8×32. A longer one nests tuples in tuples.
type MyNetwork = (Stem, Separable<16, 32, 2, Relu>, Keep<32>, Separable<32, 32, 2, Relu>);

/// The 8×8 map is pooled to 4×4, and the head's weights cover all of it.
type MyHead = WiseSrNet<32, 2, 4>;

/// What the types promise, checked without running anything.
fn is_backbone<N: Backbone<64, 8, 32>>() {}
fn is_head<H: Head<8, 32>>() {}
const _: [fn(); 2] = [is_backbone::<MyNetwork>, is_head::<MyHead>];

const CLASSES: usize = 4;
const BATCH: usize = 16;

/// Noise with a bright square in one corner; the corner is the class, which an average over the map can hardly see.
fn batch(rng: &mut ChaCha8Rng) -> (Images<64>, Vec<usize>) {
    let labels: Vec<usize> = (0..BATCH).map(|image| image % CLASSES).collect();
    let mut pixels = Vec::with_capacity(BATCH * 64 * 64 * 3);
    for label in &labels {
        for (y, x) in (0..64).flat_map(|y| (0..64).map(move |x| (y, x))) {
            let bright = y / 32 == label / 2 && x / 32 == label % 2 && y % 32 < 20 && x % 32 < 20;
            pixels.extend([(); 3].map(|()| rng.gen_range(-0.5..0.5) + if bright { 1.0 } else { 0.0 }));
        }
    }
    let images = Cpu::default().tensor_from_vec(pixels, (BATCH, Const, Const, Const));
    (images, labels)
}

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        let mut registry = Registry::builtin();
        registry.register::<MyNetwork, 64, 8, 32>("my_network");
        return wise_srnet::cli::main(&registry);
    }
    match train_by_hand() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn train_by_hand() -> Result<(), CpuError> {
    // Initial values depend on the seed and the parameters' names; the head gets its units from the number of classes.
    let mut model: (MyNetwork, MyHead) = build(0, "model", CLASSES)?;
    let mut velocities: HashMap<String, Vec<f32>> = HashMap::new();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for step in 1..=40 {
        let (images, labels) = batch(&mut rng);
        // `forward_mut` is training: batch norm uses the batch's statistics. The tape records the way back.
        let logits = model.try_forward_mut(images.leaky_traced())?;
        let loss = softmax_cross_entropy(logits, &labels)?;
        println!("step {step:2}: loss {:.4}", values(&loss)[0]);
        let mut gradients = loss.try_backward()?;
        for_each_with_gradients(&mut model, "model", &mut gradients, &mut |visited| {
            if let Visited::Tensor(tensor) = visited
                && tensor.trainable
            {
                let velocity = velocities.entry(tensor.name.to_owned()).or_default();
                velocity.resize(tensor.values.len(), 0.0);
                let step = Update {
                    learning_rate: 0.1,
                    momentum: 0.9,
                    non_negative: tensor.non_negative,
                };
                update(step, tensor.values, velocity, tensor.gradient);
            }
        });
    }
    Ok(())
}
