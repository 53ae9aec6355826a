//! Every instruction set that the processor has: all tests of this folder run with each of them, in processes of their own.

use std::process::{Command, Output};

use wise_srnet::kernels::accumulate::Output as Mode;
use wise_srnet::kernels::convolution::Convolution;
use wise_srnet::kernels::depthwise::Depthwise;
use wise_srnet::kernels::simd::{InstructionSet, PinError};
use wise_srnet::kernels::window::WindowGeometry;

use crate::cases::{INSTRUCTION_SET, generator, values};

/// This test program, with an instruction set pinned.
fn program(set: InstructionSet, arguments: &[&str]) -> Output {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.env(INSTRUCTION_SET, set.name()).args(arguments);
    program.output().unwrap()
}

fn supported() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_supported())
}

#[test]
fn every_kernel_is_right_with_every_instruction_set() {
    if std::env::var_os(INSTRUCTION_SET).is_some() {
        return; // One of those processes.
    }
    for set in supported() {
        let ended = program(set, &[]);
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{set}:\n{said}");
        assert!(
            said.contains("product::equals_the_definition_for_random_sizes"),
            "{said}"
        );
    }
}

/// What all passes of convolutions give, as bits.
fn bits() -> Vec<u32> {
    let mut rng = generator(91);
    let mut bits = Vec::new();
    for (kernel, stride, channels) in [(1, 1, 530), (3, 1, 33), (3, 2, 33), (5, 2, 7)] {
        let window = WindowGeometry {
            batch: 2,
            input: [17, 15],
            output: [16 / stride + 1, 14 / stride + 1],
            kernel,
            stride,
            before: [kernel / 2, kernel / 2],
        };
        let [inputs, outputs] = [window.input_pixels(), window.output_pixels()].map(|pixels| pixels * channels);
        let (x, dy) = (values(inputs, &mut rng), values(outputs, &mut rng));
        let weights = values(kernel * kernel * channels * channels, &mut rng);
        let mut run = |length: usize, pass: &dyn Fn(&mut [f32])| {
            let mut output = vec![0.0; length];
            pass(&mut output);
            bits.extend(output.iter().map(|value| value.to_bits()));
        };
        let dense = Convolution {
            window,
            in_channels: channels,
            out_channels: channels,
        };
        run(outputs, &|y| dense.forward(&x, &weights, None, y));
        run(inputs, &|dx| dense.input_gradient(&dy, &weights, Mode::Overwrite, dx));
        run(weights.len(), &|dw| dense.kernel_gradient(&x, &dy, Mode::Overwrite, dw));
        let depthwise = Depthwise { window, channels };
        let weights = &weights[..kernel * kernel * channels];
        run(outputs, &|y| depthwise.forward(&x, weights, None, y));
        run(inputs, &|dx| {
            depthwise.input_gradient(&dy, weights, Mode::Overwrite, dx)
        });
        run(weights.len(), &|dw| {
            depthwise.kernel_gradient(&x, &dy, Mode::Overwrite, dw)
        });
    }
    bits
}

#[test]
fn prints_the_bits_of_all_passes() {
    let bytes: Vec<u8> = bits().into_iter().flat_map(u32::to_le_bytes).collect();
    println!("bits {:08x}", crc32fast::hash(&bytes));
}

#[test]
fn avx2_and_avx512_give_the_same_bits() {
    let fused = supported().filter(|set| *set != InstructionSet::Portable);
    let printed = fused.map(|set| {
        let ended = program(
            set,
            &[
                "--exact",
                "instruction_sets::prints_the_bits_of_all_passes",
                "--nocapture",
            ],
        );
        let said = String::from_utf8(ended.stdout).unwrap();
        let line = said
            .lines()
            .find_map(|line| line.split_once("bits ").map(|(_, bits)| bits[..8].to_owned()));
        line.unwrap_or_else(|| panic!("{set}: {said}"))
    });
    let printed: Vec<String> = printed.collect();
    assert!(printed.windows(2).all(|pair| pair[0] == pair[1]), "{printed:?}");
}

#[test]
fn an_instruction_set_is_pinned_once() {
    let _ = generator(0);
    let current = InstructionSet::current();
    assert_eq!(current.pin(), Ok(()));
    for other in InstructionSet::ALL.into_iter().filter(|set| *set != current) {
        let expected = if other.is_supported() {
            PinError::InUse(current)
        } else {
            PinError::Unsupported(other)
        };
        assert_eq!(other.pin(), Err(expected));
    }
}
