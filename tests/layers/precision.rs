//! Maps in bf16: near what f32 computes, and the same bits for any number of threads.

use rand::Rng;
use rayon::ThreadPoolBuilder;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::heads::{Gap, WiseSrNetDropout};
use wise_srnet::layers::Visited;
use wise_srnet::networks::MiniResNet;
use wise_srnet::plan::{MemoryUse, Plan, Precision};
use wise_srnet::random::stream;
use wise_srnet::training::{EagerBackboneType, Model};

use crate::relatives::{SmallDenseNet, SmallNasNet, SmallResNet, SmallXception};

const CLASSES: usize = 5;
const BATCH: usize = 4;

/// Small relatives of all networks, and the smallest network under a head with a dropout.
fn networks() -> Vec<(&'static str, Box<dyn Model>)> {
    let head = |backbone: EagerBackboneType<8, 128>| backbone.with_head::<WiseSrNetDropout<128, 2, 4>>(0, CLASSES);
    vec![
        ("mini_resnet", head(EagerBackboneType::of::<MiniResNet, 64>()).unwrap()),
        (
            "resnet",
            EagerBackboneType::<12, 128>::of::<SmallResNet, 96>()
                .with_head::<Gap<128>>(0, CLASSES)
                .unwrap(),
        ),
        (
            "densenet",
            EagerBackboneType::<3, 72>::of::<SmallDenseNet, 96>()
                .with_head::<Gap<72>>(0, CLASSES)
                .unwrap(),
        ),
        (
            "xception",
            EagerBackboneType::<12, 56>::of::<SmallXception, 96>()
                .with_head::<Gap<56>>(0, CLASSES)
                .unwrap(),
        ),
        (
            "nasnet",
            EagerBackboneType::<6, 128>::of::<SmallNasNet, 96>()
                .with_head::<Gap<128>>(0, CLASSES)
                .unwrap(),
        ),
    ]
}

/// What a network says of a batch: its maps in inference, and loss and gradients of a step.
struct Answers {
    maps: Vec<f32>,
    loss: f32,
    gradients: Vec<(String, Vec<f32>)>,
}

fn answers(model: &mut dyn Model) -> Answers {
    let size = model.image_size();
    let mut random = stream(3, "images", &[]);
    let images: Vec<f32> = (0..BATCH * size * size * 3)
        .map(|_| random.gen_range(-1.0..1.0))
        .collect();
    let labels: Vec<usize> = (0..BATCH).collect();
    let maps = model.features(images.clone(), BATCH).unwrap();
    let mut step = model.train(images, &labels).unwrap();
    let mut gradients = Vec::new();
    let loss = step.loss;
    model.for_each_with_gradients(&mut step, &mut |visited| {
        if let Visited::Tensor(tensor) = visited
            && tensor.trainable
        {
            gradients.push((tensor.name.to_owned(), tensor.gradient.to_vec()));
        }
    });
    Answers { maps, loss, gradients }
}

/// The root of the mean square of what lies between, in proportion to that of the values.
fn apart(ours: &[f32], theirs: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value) * f64::from(value);
    let between: f64 = ours.iter().zip(theirs).map(|(a, b)| square(a - b)).sum();
    let size: f64 = theirs.iter().copied().map(square).sum();
    (between / size).sqrt()
}

/// What bf16 loses in a value is up to a 256th of it. Through the layers of a network that grows to a hundredth; a gradient, which
/// passes gates that open or close by rounding, loses a third, as PyTorch's autocast does (docs/parity.md).
#[test]
fn maps_losses_and_gradients_are_near_those_of_f32() {
    for ((name, mut network), (_, mut exact)) in networks().into_iter().zip(networks()) {
        let exact = answers(&mut *exact);
        assert!(network.set_precision(Precision::Bf16));
        let rounded = answers(&mut *network);
        let maps = apart(&rounded.maps, &exact.maps);
        assert!((1e-4..0.01).contains(&maps), "maps of {name}: {maps}");
        let loss = f64::from((rounded.loss - exact.loss).abs());
        assert!(loss < 2e-3, "loss of {name}: {loss}");
        let gradients = rounded.gradients.iter().zip(&exact.gradients);
        let mut gradients: Vec<f64> = gradients.map(|(ours, theirs)| apart(&ours.1, &theirs.1)).collect();
        gradients.sort_by(f64::total_cmp);
        let median = gradients[gradients.len() / 2];
        assert!(median < 0.35, "gradients of {name}: {median}");
    }
}

#[test]
fn a_step_is_the_same_for_any_number_of_threads_and_when_maps_are_made_again() {
    let run = |threads: usize, memory: MemoryUse| -> Vec<Answers> {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let all = networks().into_iter().map(|(_, mut network)| {
                assert!(network.set_precision(Precision::Bf16) && network.set_memory(memory));
                answers(&mut *network)
            });
            all.collect()
        })
    };
    let once = run(1, MemoryUse::Keep);
    for (threads, memory) in [(2, MemoryUse::Keep), (5, MemoryUse::Keep), (2, MemoryUse::Recompute)] {
        for (other, one) in run(threads, memory).iter().zip(&once) {
            assert_eq!(other.loss.to_bits(), one.loss.to_bits());
            assert!(
                bits(&other.maps).eq(bits(&one.maps)),
                "maps with {threads} threads, {memory:?}"
            );
            for (other, one) in other.gradients.iter().zip(&one.gradients) {
                assert!(
                    bits(&other.1).eq(bits(&one.1)),
                    "{} with {threads} threads, {memory:?}",
                    one.0
                );
            }
        }
    }
}

fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|value| value.to_bits())
}

#[test]
fn plans_in_bf16_take_half_the_memory_for_maps() {
    for network in ["resnet50", "densenet169", "xception", "nasnet_large"] {
        let mut model = Registry::builtin()
            .build_named(network, 224, HeadKind::WiseSrnet, 0, 67)
            .unwrap();
        let plan = Plan::update(&model.program().unwrap(), MemoryUse::Keep);
        let exact = plan.arena(32).bytes() as f64;
        let share = plan.stored(Precision::Bf16).arena(32).bytes() as f64 / exact;
        assert!((0.49..=0.55).contains(&share), "{network}: {share}");
    }
}
