//! Plans: what they promise without running, and that they compute what the tape computes.

use dfdx::prelude::Const;
use rand::Rng;
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::heads::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadsOver};
use wise_srnet::kernels::product::Output;
use wise_srnet::layers::Visited;
use wise_srnet::networks::MiniResNet;
use wise_srnet::plan::{Access, Launch, Plan};
use wise_srnet::program::Program;
use wise_srnet::random::stream;
use wise_srnet::training::{BackboneType, Model, Sgd};

const CLASSES: usize = 5;
const BATCH: usize = 3;

fn build(network: &str, image_size: usize, head: HeadKind) -> Box<dyn Model> {
    Registry::builtin()
        .build_named(network, image_size, head, 0, CLASSES)
        .unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// All tensors by their names, and all scalars.
fn state(model: &mut dyn Model) -> (Vec<(String, Vec<u32>)>, Vec<f64>) {
    let (mut tensors, mut scalars) = (Vec::new(), Vec::new());
    model.for_each(&mut |visited| match visited {
        Visited::Tensor(tensor) => tensors.push((tensor.name.to_owned(), bits(tensor.values))),
        Visited::Scalar(scalar) => scalars.push(*scalar.value),
    });
    (tensors, scalars)
}

/// Trains a network for three steps, of a batch, a larger one and a smaller one, and asks it after each: all that it says.
fn answers(model: &mut dyn Model) -> Vec<Vec<u32>> {
    let mut answers = Vec::new();
    let mut optimizer = Sgd::new(model, 0.9);
    let mut random = stream(0, "images", &[]);
    for batch in [BATCH, BATCH + 2, 1] {
        let images: Vec<f32> = (0..batch * 64 * 64 * 3).map(|_| random.gen_range(-1.0..1.0)).collect();
        let labels: Vec<usize> = (0..batch).map(|image| (image + batch) % CLASSES).collect();
        let mut step = model.train(images.clone(), &labels).unwrap();
        answers.extend([bits(&[step.loss]), bits(&step.logits)]);
        optimizer.update(model, &mut step, 0.1);
        let maps = model.features(images.clone(), batch).unwrap();
        answers.push(bits(&maps));
        answers.push(bits(&model.logits(images, batch).unwrap()));
        answers.push(bits(&model.logits_of_features(maps, batch).unwrap()));
    }
    answers
}

#[test]
fn plans_give_the_bits_of_the_tape_under_every_head() {
    fn under<H: Head<8, 128>>() {
        let backbone = BackboneType::<8, 128>::of::<MiniResNet, 64>();
        let mut taped = backbone.on_tape::<H>(0, CLASSES).unwrap();
        let mut planned = backbone.with_head::<H>(0, CLASSES).unwrap();
        assert_eq!(answers(&mut *planned), answers(&mut *taped));
        assert!(state(&mut *planned) == state(&mut *taped));
    }
    under::<Gap<128>>();
    under::<GapDropout<128>>();
    under::<Depthwise<128, 8>>();
    under::<DepthwiseNonNeg<128, 8>>();
    under::<<Const<8> as HeadsOver>::WiseSrNet<128>>();
    under::<<Const<8> as HeadsOver>::WiseSrNetDropout<128>>();
    under::<<Const<8> as HeadsOver>::FlattenFc<128>>();
}

/// No two buffers that are alive at the same time overlap, and everything that is read was written.
#[track_caller]
fn assert_sound(plan: &Plan) {
    assert_eq!(plan.reads_unwritten(), None);
    let (lifetimes, arena) = (plan.lifetimes(), plan.arena(BATCH));
    let places = |buffer: usize| arena.range(plan.buffer(buffer), plan.buffers[buffer].of_batch(BATCH));
    for (one, lifetime) in lifetimes.iter().enumerate() {
        let Some(lifetime) = lifetime else { continue };
        for (other, others) in lifetimes[..one].iter().enumerate() {
            let Some(others) = others else { continue };
            let (a, b) = (places(one), places(other));
            let together = lifetime.first <= others.last && others.first <= lifetime.last;
            let overlap = a.start < b.end && b.start < a.end;
            assert!(!(together && overlap), "buffers {one} and {other}");
        }
    }
}

/// How often a launch of the plan writes the gradient of each trained parameter.
fn writes_of_gradients(program: &Program, plan: &Plan) -> Vec<usize> {
    let parameters = program.parameters.iter().zip(&plan.gradients);
    let trained = parameters.filter(|(parameter, _)| parameter.trainable);
    trained
        .map(|(parameter, gradient)| {
            let gradient = gradient.unwrap_or_else(|| panic!("{} has no gradient", parameter.name));
            let accesses = plan.launches.iter().flat_map(Launch::accesses);
            accesses.filter(|&access| access == (gradient, Access::Write)).count()
        })
        .collect()
}

#[test]
fn every_networks_plans_are_sound() {
    let registry = Registry::builtin();
    for network in registry.networks() {
        let size = registry.image_sizes(network)[0];
        let program = build(network, size, HeadKind::WiseSrnetDropout).program().unwrap();
        let (training, inference) = (Plan::training(&program), Plan::inference(&program));
        assert_sound(&training);
        assert_sound(&inference);
        assert!(
            writes_of_gradients(&program, &training)
                .iter()
                .all(|&writes| writes == 1)
        );
        let asks_for_images_gradient = |launch: &Launch| {
            matches!(launch, Launch::InputGradient { step, mode: Output::Overwrite, .. }
                if program.steps[*step].inputs == [program.images])
        };
        assert!(!training.launches.iter().any(asks_for_images_gradient));
        let megabytes = |plan: &Plan| plan.arena(8).length() as f64 * 4.0 / 1e6;
        println!(
            "{network} {size}: {} launches, {:.0} MB in training, {:.0} MB in inference, batch 8",
            training.launches.len(),
            megabytes(&training),
            megabytes(&inference)
        );
    }
}
