//! Plans: what they promise without running, and that they compute what the tape computes.

use std::collections::HashSet;

use dfdx::prelude::Const;
use rand::Rng;
use wise_srnet::device::State as Values;
use wise_srnet::device::host::{self, Memory};
use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::heads::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadsOver};
use wise_srnet::kernels::accumulate::Output;
use wise_srnet::layers::Visited;
use wise_srnet::networks::MiniResNet;
use wise_srnet::plan::{Access, Launch, MemoryUse, Plan, Training};
use wise_srnet::program::{Instruction, Program, Step, Value};
use wise_srnet::random::stream;
use wise_srnet::training::{EagerBackboneType, Model, Sgd};

use crate::relatives::{SmallDenseNet, SmallNasNet, SmallResNet, SmallXception};

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
type State = (Vec<(String, Vec<u32>)>, Vec<f64>);

fn state(model: &mut dyn Model) -> State {
    let (mut tensors, mut scalars) = (Vec::new(), Vec::new());
    model.for_each(&mut |visited| match visited {
        Visited::Tensor(tensor) => tensors.push((tensor.name.to_owned(), bits(tensor.values))),
        Visited::Scalar(scalar) => scalars.push(*scalar.value),
    });
    (tensors, scalars)
}

/// What a network says of three batches of different sizes, each after a step.
#[derive(Default)]
struct Answers {
    /// Loss and logits of the steps.
    training: Vec<Vec<f32>>,
    /// Maps and logits, which the plan computes with normalisations folded into convolutions.
    inference: Vec<Vec<f32>>,
    /// All tensors and scalars after each step.
    states: Vec<State>,
}

fn answers(model: &mut dyn Model) -> Answers {
    let mut answers = Answers::default();
    let mut optimizer = Sgd::new(model, 0.9);
    let mut random = stream(0, "images", &[]);
    let size = model.image_size();
    for batch in [BATCH, BATCH + 2, 1] {
        let images: Vec<f32> = (0..batch * size * size * 3)
            .map(|_| random.gen_range(-1.0..1.0))
            .collect();
        let labels: Vec<usize> = (0..batch).map(|image| (image + batch) % CLASSES).collect();
        // Once with gradients that are kept and once with such that are used at once.
        let step = if batch == BATCH {
            let mut step = model.train(images.clone(), &labels).unwrap();
            optimizer.update(model, &mut step, 0.01);
            step
        } else {
            model.update(images.clone(), &labels, &mut optimizer, 0.01).unwrap()
        };
        answers.training.extend([vec![step.loss], step.logits]);
        answers.states.push(state(model));
        let maps = model.features(images.clone(), batch).unwrap();
        answers.inference.push(maps.clone());
        answers.inference.push(model.logits(images, batch).unwrap());
        answers.inference.push(model.logits_of_features(maps, batch).unwrap());
    }
    answers
}

/// A plan's sums are the tape's in training, where it gives the same bits; in inference a hundred-thousandth of the largest value
/// may lie between.
#[track_caller]
fn assert_plan_is_the_tape<H: Head<M, C>, const M: usize, const C: usize>(backbone: EagerBackboneType<M, C>) {
    assert_plan_is_the_tape_with::<H, M, C>(&backbone, MemoryUse::Keep);
    assert_plan_is_the_tape_with::<H, M, C>(&backbone, MemoryUse::Recompute);
}

#[track_caller]
fn assert_plan_is_the_tape_with<H: Head<M, C>, const M: usize, const C: usize>(
    backbone: &EagerBackboneType<M, C>,
    memory: MemoryUse,
) {
    let mut taped = backbone.on_tape::<H>(0, CLASSES).unwrap();
    let mut planned = backbone.with_head::<H>(0, CLASSES).unwrap();
    assert!(planned.set_memory(memory));
    let (plan, tape) = (answers(&mut *planned), answers(&mut *taped));
    for (place, (plan, tape)) in plan.training.iter().zip(&tape.training).enumerate() {
        assert_eq!(bits(plan), bits(tape), "answer {place} in training");
    }
    for (step, (plan, tape)) in plan.states.iter().zip(&tape.states).enumerate() {
        for (plan, tape) in plan.0.iter().zip(&tape.0) {
            assert!(plan == tape, "{} after step {step}", plan.0);
        }
        assert_eq!(plan.1, tape.1, "scalars after step {step}");
    }
    for (answer, (plan, tape)) in plan.inference.iter().zip(&tape.inference).enumerate() {
        let largest = tape.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let apart = plan
            .iter()
            .zip(tape)
            .fold(0.0, |apart: f32, (a, b)| apart.max((a - b).abs()));
        assert!(
            plan.len() == tape.len() && apart <= 1e-5 * largest,
            "inference {answer}: {apart} apart of {largest}"
        );
    }
}

#[test]
fn plans_compute_what_the_tape_computes_under_every_head() {
    fn under<H: Head<8, 128>>() {
        assert_plan_is_the_tape::<H, 8, 128>(EagerBackboneType::of::<MiniResNet, 64>());
    }
    under::<Gap<128>>();
    under::<GapDropout<128>>();
    under::<Depthwise<128, 8>>();
    under::<DepthwiseNonNeg<128, 8>>();
    under::<<Const<8> as HeadsOver>::WiseSrNet<128>>();
    under::<<Const<8> as HeadsOver>::WiseSrNetDropout<128>>();
    under::<<Const<8> as HeadsOver>::FlattenFc<128>>();
}

#[test]
fn plans_compute_what_the_tape_computes_for_relatives_of_every_network() {
    assert_plan_is_the_tape::<Gap<128>, 12, 128>(EagerBackboneType::of::<SmallResNet, 96>());
    assert_plan_is_the_tape::<Gap<72>, 3, 72>(EagerBackboneType::of::<SmallDenseNet, 96>());
    assert_plan_is_the_tape::<Gap<56>, 12, 56>(EagerBackboneType::of::<SmallXception, 96>());
    assert_plan_is_the_tape::<Gap<128>, 6, 128>(EagerBackboneType::of::<SmallNasNet, 96>());
}

/// Where the first operations make one value that the others read, and nothing else.
fn cuts(program: &Program) -> Vec<usize> {
    let is_cut = |&cut: &usize| {
        let (first, rest) = program.steps.split_at(cut);
        let made: HashSet<Value> = first.iter().map(|step| step.output).chain([program.images]).collect();
        let read: HashSet<Value> = rest.iter().flat_map(|step| step.inputs.clone()).collect();
        read.intersection(&made).eq([&first[cut - 1].output])
    };
    (1..program.steps.len()).filter(is_cut).collect()
}

/// A frozen part does what inference does with it, and the rest what it does alone behind those maps.
fn assert_frozen_is_inference(network: &mut dyn Model, memory: MemoryUse) {
    let program = network.program().unwrap();
    let mut values = Values::default();
    network.for_each(&mut |visited| match visited {
        Visited::Tensor(tensor) => values.parameters.push(tensor.values.to_vec()),
        Visited::Scalar(scalar) => values.scalars.push(*scalar.value),
    });
    let mut random = stream(1, "images", &[]);
    let images: Vec<f32> = (0..BATCH * program.size(program.images))
        .map(|_| random.gen_range(-1.0..1.0))
        .collect();
    let labels: Vec<usize> = (0..BATCH).collect();
    let cuts = cuts(&program);
    assert!(cuts.len() > 5, "few places to cut at: {cuts:?}");
    for frozen in cuts {
        let mut cut = program.clone();
        cut.map = program.steps[frozen - 1].output;
        let (backbone, head) = (cut.backbone(), cut.head());
        let mut memories = [(); 3].map(|()| Memory::default());
        let mut apart = values.clone();
        let mut maps = host::compile(&backbone, Plan::inference(&backbone), BATCH);
        maps.run(&mut memories[0], &mut apart, &images, &[], BATCH);
        let mut rest = host::compile(&head, Plan::training(&head, memory), BATCH);
        let maps = maps.logits(&memories[0]);
        rest.run(&mut memories[1], &mut apart, &maps, &labels, BATCH);
        let mut together = values.clone();
        let plan = Plan::training(&program, Training { memory, frozen });
        assert_sound(&plan);
        let mut whole = host::compile(&program, plan, BATCH);
        whole.run(&mut memories[2], &mut together, &images, &labels, BATCH);
        assert_close(&[whole.loss()], &[rest.loss()], "loss");
        for (place, parameter) in program.parameters.iter().enumerate() {
            let (ours, theirs) = (whole.gradient(&memories[2], place), rest.gradient(&memories[1], place));
            let is_trained = head.steps.iter().any(|step| step.parameters.contains(&place));
            assert_eq!(
                ours.is_some(),
                is_trained && parameter.trainable,
                "{} behind {frozen} operations",
                parameter.name
            );
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                assert_close(ours, theirs, &parameter.name);
            }
            assert_close(&together.parameters[place], &apart.parameters[place], &parameter.name);
            if !is_trained {
                assert_eq!(
                    together.parameters[place], values.parameters[place],
                    "{}",
                    parameter.name
                );
            }
        }
    }
}

#[track_caller]
fn assert_close(ours: &[f32], theirs: &[f32], name: &str) {
    let largest = theirs.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let apart = (ours.iter().zip(theirs)).fold(0.0, |apart: f32, (a, b)| apart.max((a - b).abs()));
    assert!(
        ours.len() == theirs.len() && apart <= 1e-5 * largest,
        "{name}: {apart} apart of {largest}"
    );
}

#[test]
fn a_frozen_part_does_what_it_does_in_inference_and_has_no_gradients() {
    let mut networks = [
        build("mini_resnet", 64, HeadKind::WiseSrnetDropout),
        EagerBackboneType::<3, 72>::of::<SmallDenseNet, 96>()
            .with_head::<Gap<72>>(0, CLASSES)
            .unwrap(),
        EagerBackboneType::<12, 56>::of::<SmallXception, 96>()
            .with_head::<Gap<56>>(0, CLASSES)
            .unwrap(),
    ];
    for network in &mut networks {
        assert_frozen_is_inference(&mut **network, MemoryUse::Keep);
        assert_frozen_is_inference(&mut **network, MemoryUse::Recompute);
    }
}

/// A normalisation that is not written down, maps that are made where a concatenation puts them, statistics that are taken where
/// a map is made, sums in the same pass, and normalisations that are a part of a convolution.
#[test]
fn what_need_not_be_written_down_is_not() {
    let mut model = EagerBackboneType::<3, 72>::of::<SmallDenseNet, 96>()
        .on_tape::<Gap<72>>(0, CLASSES)
        .unwrap();
    let program = model.program().unwrap();
    let count = |plan: &Plan, is: fn(&Launch) -> bool| plan.launches.iter().filter(|launch| is(launch)).count();
    let through = |launch: &Launch| matches!(launch, Launch::Forward { inputs, .. } if inputs[0].through.is_some());
    let slices = |launch: &Launch| matches!(launch, Launch::Forward { output, .. } if !output.place.is_whole());
    let folded = |launch: &Launch| matches!(launch, Launch::Forward { then, .. } if then.folded.is_some());
    let inserts = |launch: &Launch| matches!(launch, Launch::Insert { .. });
    let (training, inference) = (Plan::training(&program, MemoryUse::Keep), Plan::inference(&program));
    // Each of the five layers and the three transitions reads through a normalisation; each layer's channels are made in place
    // behind those of the block's first map, which is inserted.
    assert_eq!([count(&training, through), count(&inference, through)], [8, 8]);
    assert_eq!([count(&training, slices), count(&inference, slices)], [5, 5]);
    assert_eq!([count(&training, inserts), count(&inference, inserts)], [4, 4]);
    // The stem's normalisation and the second one of each layer.
    assert_eq!([count(&training, folded), count(&inference, folded)], [0, 6]);
    let normalized = |launch: &Launch| matches!(launch, Launch::Normalize { .. });
    // In inference the last one alone is written down.
    assert_eq!([count(&training, normalized), count(&inference, normalized)], [7, 1]);
    // In inference separable convolutions make what lies between their halves as they read it.
    let mut separable = EagerBackboneType::<12, 56>::of::<SmallXception, 96>()
        .on_tape::<Gap<56>>(0, CLASSES)
        .unwrap();
    let program = separable.program().unwrap();
    let (training, inference) = (Plan::training(&program, MemoryUse::Keep), Plan::inference(&program));
    let is_depthwise = |step: &&Step| matches!(step.instruction, Instruction::Depthwise(_));
    let depthwise = program.steps.iter().filter(is_depthwise).count();
    assert_eq!([count(&training, through), count(&inference, through)], [0, depthwise]);
    assert_eq!(depthwise, 8);
    let sums = |launch: &Launch| matches!(launch, Launch::Normalize { addend: Some(_), .. });
    let mut model = EagerBackboneType::<12, 128>::of::<SmallResNet, 96>()
        .on_tape::<Gap<128>>(0, CLASSES)
        .unwrap();
    assert_eq!(
        count(&Plan::training(&model.program().unwrap(), MemoryUse::Keep), sums),
        4
    );
}

/// No two buffers that are alive at the same time overlap, and everything that is read was written.
#[track_caller]
fn assert_sound(plan: &Plan) {
    assert_eq!(plan.reads_unwritten(), None);
    let (lifetimes, arena) = (plan.lifetimes(), plan.arena(BATCH));
    let places = |buffer: usize| arena.range(plan.buffer(buffer), plan.buffers[buffer].bytes(BATCH, plan.precision));
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

/// Every trained parameter is updated once, by its whole gradient, and no launch reads it afterwards.
#[track_caller]
fn assert_updates_follow_reads(program: &Program, plan: &Plan) {
    let mut updated = vec![0; program.parameters.len()];
    for launch in &plan.launches {
        if let Launch::Update { parameter, .. } = *launch {
            updated[parameter] += 1;
        } else if let Some(step) = launch.step() {
            let parameters = &program.steps[step].parameters;
            assert!(
                parameters.iter().all(|&parameter| updated[parameter] == 0),
                "{launch:?}"
            );
        }
    }
    let once = program
        .parameters
        .iter()
        .map(|parameter| usize::from(parameter.trainable));
    assert!(once.eq(updated));
}

#[test]
fn every_networks_plans_are_sound() {
    let registry = Registry::builtin();
    for network in registry.networks() {
        let size = registry.image_sizes(network)[0];
        let program = build(network, size, HeadKind::WiseSrnetDropout).program().unwrap();
        let (training, inference) = (Plan::training(&program, MemoryUse::Keep), Plan::inference(&program));
        let update = Plan::update(&program, MemoryUse::Keep);
        let recomputing = Plan::update(&program, MemoryUse::Recompute);
        for plan in [&update, &recomputing] {
            assert_sound(plan);
            assert_updates_follow_reads(&program, plan);
        }
        assert!(recomputing.arena(BATCH).bytes() < update.arena(BATCH).bytes());
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
        let megabytes = |plan: &Plan| plan.arena(8).bytes() as f64 / 1e6;
        println!(
            "{network} {size}: {} launches, {:.0} MB in training, {:.0} MB in inference, batch 8",
            training.launches.len(),
            megabytes(&training),
            megabytes(&inference)
        );
    }
}
