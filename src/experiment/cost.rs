//! What a run costs before it is started: parameters, multiply-adds, memory, disk.

use dfdx::prelude::CpuError;

use crate::program::{Program, Step as Operation};
use crate::training::{HEAD, Model};

/// The size of a network, for one image where it depends on images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Values of all tensors, running statistics included (as Keras counts).
    pub parameters: u64,
    /// Those that the optimizer updates.
    pub trainable: u64,
    /// Multiply-adds of a forward pass over one image.
    pub multiply_adds: u64,
    /// Values of all outputs in one forward pass over one image.
    #[serde(skip)]
    pub activations: u64,
}

/// What is done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Forward, backward, and an update of the parameters.
    Training,
    /// Forward.
    Inference,
}

/// A network's cost, its backbone and head apart.
#[derive(Debug, Clone)]
pub struct Cost {
    /// From the image to the feature map.
    pub backbone: Size,
    /// From the feature map to the logits.
    pub head: Size,
    /// The largest output of one operation over one image, in values.
    largest: u64,
    /// Every operation.
    pub program: Program,
}

impl Cost {
    /// Counts a network's parameters and traces its operations.
    pub fn of(model: &mut dyn Model) -> Result<Self, CpuError> {
        let program = model.program()?;
        let (mut backbone, mut head) = (Size::default(), Size::default());
        for parameter in &program.parameters {
            let is_head = parameter.name.split('.').next() == Some(HEAD);
            let size = if is_head { &mut head } else { &mut backbone };
            size.parameters += parameter.size() as u64;
            size.trainable += if parameter.trainable {
                parameter.size() as u64
            } else {
                0
            };
        }
        let values = |operation: &Operation| program.size(operation.output) as u64;
        let parts = program.parts();
        for (size, operations) in [(&mut backbone, parts.0), (&mut head, parts.1)] {
            for operation in operations {
                size.multiply_adds += operation.instruction.multiply_adds();
                size.activations += values(operation);
            }
        }
        Ok(Self {
            backbone,
            head,
            largest: program.steps.iter().map(values).max().unwrap_or(0),
            program,
        })
    }

    /// Backbone and head together.
    pub fn total(&self) -> Size {
        let (backbone, head) = (self.backbone, self.head);
        Size {
            parameters: backbone.parameters + head.parameters,
            trainable: backbone.trainable + head.trainable,
            multiply_adds: backbone.multiply_adds + head.multiply_adds,
            activations: backbone.activations + head.activations,
        }
    }

    /// How much memory a step takes, in bytes: an estimate from above, since some outputs are freed before the backward pass.
    pub fn step_bytes(&self, step: Step, batch_size: usize) -> u64 {
        let images = self.bytes_of_an_image(step).saturating_mul(batch_size as u64);
        images.saturating_add(self.bytes_of_parameters())
    }

    /// The largest batch whose step takes no more than this by the same estimate.
    pub fn largest_batch(&self, step: Step, bytes: u64) -> u64 {
        bytes.saturating_sub(self.bytes_of_parameters()) / self.bytes_of_an_image(step)
    }

    /// Every output is kept for the backward pass, and a few of the largest have a gradient at the same time. Without a
    /// backward pass there are a few of the largest.
    fn bytes_of_an_image(&self, step: Step) -> u64 {
        const LARGEST_AT_ONCE: u64 = 4;
        let kept = match step {
            Step::Training => self.total().activations,
            Step::Inference => 0,
        };
        4 * (kept + LARGEST_AT_ONCE * self.largest)
    }

    /// Each parameter has a gradient and a velocity in training. In inference the same room is for what the allocator keeps
    /// beside the outputs.
    fn bytes_of_parameters(&self) -> u64 {
        4 * 3 * self.total().parameters
    }

    /// The size of one run's checkpoints on the disk, in bytes: the last and the one before it with velocities, the best one,
    /// `kept` others, and room for one that is being written.
    pub fn checkpoint_bytes(&self, kept: u64) -> u64 {
        let total = self.total();
        let last = total.parameters + total.trainable;
        (3 * last + (1 + kept) * total.parameters).saturating_mul(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{HeadKind, Registry};

    #[test]
    fn a_step_takes_three_values_a_parameter_and_all_outputs_of_its_images() {
        let mut model = Registry::builtin()
            .build_named("mini_resnet", 64, HeadKind::Gap, 0, 6)
            .unwrap();
        let cost = Cost::of(&mut *model).unwrap();
        let (backbone, head, total) = (cost.backbone, cost.head, cost.total());
        // 128 means of a map, and a weight and a bias for each class.
        assert_eq!(
            [head.parameters, head.multiply_adds, head.activations],
            [129 * 6, 128 * 6, 128 + 6]
        );
        for of in [
            |size: Size| size.parameters,
            |size: Size| size.trainable,
            |size: Size| size.multiply_adds,
            |size: Size| size.activations,
        ] {
            assert_eq!(of(total), of(backbone) + of(head));
        }
        let parameters = 3 * 4 * total.parameters;
        assert_eq!(cost.step_bytes(Step::Training, 0), parameters);
        // The largest outputs are the stem's: 32 × 32 pixels of 32 channels.
        let largest = 4 * 32 * 32 * 32;
        let image = 4 * (total.activations + largest);
        assert_eq!(cost.step_bytes(Step::Training, 5), parameters + 5 * image);
        assert_eq!(cost.step_bytes(Step::Inference, 5), parameters + 5 * 4 * largest);
    }

    #[test]
    fn the_largest_batch_fits_and_one_image_more_does_not() {
        let mut model = Registry::builtin()
            .build_named("mini_resnet", 64, HeadKind::WiseSrnet, 0, 6)
            .unwrap();
        let cost = Cost::of(&mut *model).unwrap();
        let bytes = 1 << 30;
        for step in [Step::Training, Step::Inference] {
            let batch = cost.largest_batch(step, bytes) as usize;
            assert!(cost.step_bytes(step, batch) <= bytes);
            assert!(cost.step_bytes(step, batch + 1) > bytes);
            assert_eq!(cost.largest_batch(step, 1), 0);
        }
    }
}
