//! Plans: what they promise without running, and that they compute what the tape computes.

use wise_srnet::device::host::{Executable, Masks, State};
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::kernels::product::Output;
use wise_srnet::layers::Visited;
use wise_srnet::plan::{Access, Launch, Plan};
use wise_srnet::program::Program;
use wise_srnet::random::stream;
use wise_srnet::training::Model;

use rand::Rng;

const CLASSES: usize = 5;
const BATCH: usize = 3;

fn build(network: &str, image_size: usize, head: HeadKind) -> Box<dyn Model> {
    Registry::builtin()
        .build_named(network, image_size, head, 0, CLASSES)
        .unwrap()
}

/// The state of a network, as a plan's executable changes it.
fn state(model: &mut dyn Model) -> State {
    let mut state = State::default();
    model.for_each(&mut |visited| match visited {
        Visited::Tensor(tensor) => state.parameters.push(tensor.values.to_vec()),
        Visited::Scalar(scalar) if scalar.name.ends_with(".seed") => state.masks.push(Masks {
            seed: *scalar.value as u64,
            drawn: 0,
        }),
        Visited::Scalar(scalar) => state.masks.last_mut().unwrap().drawn = *scalar.value as u64,
    });
    state
}

fn assert_same(found: &[f32], expected: &[f32], what: &str) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert!(
        bits(found) == bits(expected),
        "{what}: {:?} {:?}",
        &found[..3],
        &expected[..3]
    );
}

#[test]
fn a_plan_gives_the_bits_of_the_tape() {
    for head in HeadKind::ALL {
        let mut model = build("mini_resnet", 64, head);
        let program = model.program().unwrap();
        let mut state = state(&mut *model);
        let mut training = Executable::new(&program, Plan::training(&program), BATCH + 1);
        let mut inference = Executable::new(&program, Plan::inference(&program), BATCH);
        let mut random = stream(0, "images", &[]);
        for step in 0..2 {
            let images: Vec<f32> = (0..BATCH * 64 * 64 * 3).map(|_| random.gen_range(-1.0..1.0)).collect();
            let labels = [0, 4, step];
            let mut taped = model.train(images.clone(), &labels).unwrap();
            training.run(&mut state, &images, &labels, BATCH);
            assert_eq!(training.loss().to_bits(), taped.loss.to_bits());
            assert_same(training.logits(), &taped.logits, "logits");
            let mut parameter = 0;
            model.for_each_with_gradients(&mut taped, &mut |visited| {
                let Visited::Tensor(tensor) = visited else { return };
                assert_same(&state.parameters[parameter], tensor.values, tensor.name);
                if tensor.trainable {
                    assert_same(training.gradient(parameter).unwrap(), tensor.gradient, tensor.name);
                    for ((value, planned), gradient) in tensor
                        .values
                        .iter_mut()
                        .zip(&mut state.parameters[parameter])
                        .zip(tensor.gradient)
                    {
                        *value -= 0.1 * gradient;
                        *planned = *value;
                    }
                }
                parameter += 1;
            });
            inference.run(&mut state, &images, &[], BATCH);
            assert_same(
                inference.logits(),
                &model.logits(images, BATCH).unwrap(),
                "logits of inference",
            );
        }
    }
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
