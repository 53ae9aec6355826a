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

#[test]
fn maps_and_gradients_are_near_those_of_f32() {
    for ((name, mut network), (_, mut exact)) in networks().into_iter().zip(networks()) {
        let exact = answers(&mut *exact);
        assert!(network.set_precision(Precision::Bf16));
        let rounded = answers(&mut *network);
        println!(
            "{name}: maps {:.2e} loss {} {}",
            apart(&rounded.maps, &exact.maps),
            rounded.loss,
            exact.loss
        );
        let mut all: Vec<(f64, &str)> = exact
            .gradients
            .iter()
            .zip(&rounded.gradients)
            .map(|(e, r)| (apart(&r.1, &e.1), e.0.as_str()))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        println!(
            "   median {:.2e} worst {:?}",
            all[all.len() / 2].0,
            &all[all.len() - 3..]
        );
    }
}
