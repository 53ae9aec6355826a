//! How much memory a plan takes, before it runs.

use super::{Launch, Plan};
use crate::kernels::max_pooling::Cell;
use crate::program::{Instruction, Program};

/// What a step has in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedMemory {
    /// Feature maps and gradients.
    pub arena: u64,
    /// Parameters and running statistics.
    pub parameters: u64,
    /// The optimizer's velocities, if the plan trains.
    pub velocities: u64,
    /// Kernels as they are laid out for products: one at a time in training, all of them in inference, where they stay; and what
    /// the passes of a convolution work in.
    pub kernels: u64,
    /// The batch of images as it comes, and for each maximum of a pooling the cell that it came from.
    pub batch: u64,
}

impl PlannedMemory {
    /// All together.
    pub fn total(&self) -> u64 {
        [self.arena, self.parameters, self.velocities, self.kernels, self.batch]
            .iter()
            .fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}

/// Values of 32 bits, in bytes.
fn bytes(values: usize) -> u64 {
    4 * values as u64
}

impl Plan {
    /// What the plan takes for batches of up to so many images.
    pub fn memory(&self, program: &Program, batch: usize) -> PlannedMemory {
        let sizes = |trained: bool| {
            let parameters = program.parameters.iter();
            parameters
                .filter(move |parameter| parameter.trainable || !trained)
                .map(|parameter| parameter.size())
        };
        let (mut packed, mut working) = (Vec::new(), 0);
        let mut cells = 0;
        for launch in &self.launches {
            let Some(step) = launch.step().map(|step| &program.steps[step]) else {
                continue;
            };
            match (launch, &step.instruction) {
                (Launch::Forward { .. }, Instruction::Convolution(sizes)) => {
                    packed.push(sizes.packed_values());
                    working = working.max(sizes.forward_values(batch));
                }
                (Launch::Forward { .. }, Instruction::MaxPool(_)) => {
                    cells += size_of::<Cell>() * batch * program.size(step.output);
                }
                (Launch::InputGradient { .. }, Instruction::Convolution(sizes)) => {
                    working = working.max(sizes.input_gradient_values(batch));
                }
                (Launch::KernelGradient { .. }, Instruction::Convolution(sizes)) => {
                    working = working.max(sizes.kernel_gradient_values(batch));
                }
                _ => {}
            }
        }
        let kernels = if self.trains {
            packed.iter().copied().max().unwrap_or(0).max(working)
        } else {
            packed.iter().sum::<usize>() + working
        };
        PlannedMemory {
            arena: self.arena(batch).bytes() as u64,
            parameters: bytes(sizes(false).sum()),
            velocities: if self.trains { bytes(sizes(true).sum()) } else { 0 },
            kernels: bytes(kernels),
            batch: bytes(batch * program.size(program.images)) + cells as u64,
        }
    }
}
