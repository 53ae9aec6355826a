//! Programs: what a network's types become.

use std::collections::HashSet;

use wise_srnet::experiment::{HeadKind, Registry};
use wise_srnet::layers::Visited;
use wise_srnet::program::{Instruction, Program};
use wise_srnet::training::Model;

const CLASSES: usize = 67;

fn build(network: &str, image_size: usize, head: HeadKind) -> Box<dyn Model> {
    Registry::builtin()
        .build_named(network, image_size, head, 0, CLASSES)
        .unwrap()
}

/// All values of a network's state.
fn state(model: &mut dyn Model) -> Vec<f64> {
    let mut state = Vec::new();
    model.for_each(&mut |visited| match visited {
        Visited::Tensor(tensor) => state.extend(tensor.values.iter().map(|&value| f64::from(value))),
        Visited::Scalar(scalar) => state.push(*scalar.value),
    });
    state
}

/// Everything that is read was written before, everything is written once, and every parameter is read.
#[track_caller]
fn assert_is_whole(program: &Program) {
    let mut written = HashSet::from([program.images]);
    let mut read = HashSet::new();
    for step in &program.steps {
        assert!(step.inputs.iter().all(|input| written.contains(input)), "{step:?}");
        assert!(written.insert(step.output), "{step:?}");
        for &parameter in &step.parameters {
            assert!(read.insert(parameter), "{step:?} shares a parameter");
        }
    }
    assert_eq!(read.len(), program.parameters.len());
    assert_eq!(program.foreign, 0);
    assert!(written.contains(&program.map) && written.contains(&program.logits));
}

#[test]
fn every_registered_network_is_a_program() {
    let registry = Registry::builtin();
    for network in registry.networks() {
        for size in registry.image_sizes(network) {
            let mut model = build(network, size, HeadKind::WiseSrnetDropout);
            let program = model.program().unwrap();
            assert_is_whole(&program);
            assert_eq!(program.shape(program.images), [size, size, 3]);
            assert_eq!(program.shape(program.map), model.feature_map());
            assert_eq!(program.shape(program.logits), [CLASSES]);
            let (backbone, head) = program.parts();
            let is_of = |steps: &[_], part: &str| {
                let mut parameters = steps.iter().flat_map(|step| program.parameters_of(step));
                parameters.all(|parameter| parameter.name.starts_with(part))
            };
            assert!(
                is_of(backbone, "backbone.") && is_of(head, "head."),
                "{network} at {size}"
            );
        }
    }
}

#[test]
fn every_head_is_a_program_with_the_same_backbone() {
    let mut programs = HeadKind::ALL
        .map(|head| build("mini_resnet", 64, head).program().unwrap())
        .into_iter();
    let first = programs.next().unwrap();
    for program in programs {
        assert_is_whole(&program);
        let instructions = |program: &Program| format!("{:?}", program.parts().0);
        assert_eq!(instructions(&program), instructions(&first));
    }
}

#[test]
fn a_program_says_what_the_types_say() {
    let program = build("mini_resnet", 64, HeadKind::WiseSrnetDropout).program().unwrap();
    let names: Vec<&str> = program.steps.iter().map(|step| step.instruction.name()).collect();
    let convolution = ["Conv2D", "BatchNorm2D + ReLU", "Conv2D", "BatchNorm2D"];
    let [keep, halve] = [&["Add + ReLU"][..], &["Conv2D", "BatchNorm2D", "Add + ReLU"]];
    let head = ["AvgPool2D", "DepthwiseConv2D", "Dropout", "Dense"];
    let expected = [
        &convolution[..2],
        &convolution,
        keep,
        &convolution,
        halve,
        &convolution,
        halve,
        &head,
    ];
    assert_eq!(names, expected.concat());
    let Instruction::Convolution(stem) = &program.steps[0].instruction else {
        panic!("{:?}", program.steps[0]);
    };
    assert_eq!(
        (stem.window.kernel, stem.window.stride, stem.window.before),
        (3, 2, [0, 0])
    );
    assert_eq!([stem.in_channels, stem.out_channels], [3, 32]);
    let momentum = program.steps[1].instruction.settings().momentum;
    assert_eq!(momentum, Some(0.9));
    let flags = |name: &str| {
        let parameter = program
            .parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .unwrap();
        (&parameter.shape[..], parameter.trainable, parameter.non_negative)
    };
    assert_eq!(flags("backbone.0.1.moving_mean"), (&[32][..], false, false));
    assert_eq!(flags("head.1.non_negative_kernel"), (&[4, 4, 128][..], true, true));
}

#[test]
fn a_trace_changes_nothing() {
    let mut model = build("mini_resnet", 64, HeadKind::WiseSrnetDropout);
    model.train(vec![0.5; 64 * 64 * 3], &[3]).unwrap();
    let before = state(&mut *model);
    model.program().unwrap();
    assert_eq!(state(&mut *model), before);
}
