//! How much memory a plan takes, before it runs.

use super::{Launch, Plan, Precision};
use crate::kernels::convolution::{Convolution, WorkingMemory};
use crate::kernels::element::Bf16;
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
            let convolution = match step.instruction {
                Instruction::Convolution(sizes) => self.of_convolution(sizes, batch),
                Instruction::MaxPool(_) if matches!(launch, Launch::Forward { .. }) => {
                    cells += size_of::<Cell>() * batch * program.size(step.output);
                    continue;
                }
                _ => continue,
            };
            match launch {
                Launch::Forward { .. } => {
                    packed.push(convolution.kernel);
                    working = working.max(convolution.forward);
                }
                Launch::InputGradient { .. } => working = working.max(convolution.input_gradient),
                Launch::KernelGradient { .. } => working = working.max(convolution.kernel_gradient),
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
            kernels: kernels as u64,
            batch: bytes(batch * program.size(program.images)) + cells as u64,
        }
    }

    /// What a convolution of so many images works in.
    fn of_convolution(&self, sizes: Convolution, batch: usize) -> WorkingMemory {
        let sizes = Convolution {
            window: sizes.window.of_batch(batch),
            ..sizes
        };
        match self.precision {
            Precision::F32 => sizes.working_memory::<f32>(),
            Precision::Bf16 => sizes.working_memory::<Bf16>(),
        }
    }
}
