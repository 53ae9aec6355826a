//! What a run costs before it is started: parameters, multiply-adds, memory, disk.

use dfdx::prelude::CpuError;

use crate::plan::{MemoryUse, Plan, Precision};
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
    /// What becomes of feature maps in training.
    pub memory: MemoryUse,
    /// How maps are stored.
    pub precision: Precision,
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
            memory: model.memory(),
            precision: model.precision(),
        })
    }

    /// The same network, with another use of memory.
    pub fn with_memory(&self, memory: MemoryUse) -> Self {
        Self { memory, ..self.clone() }
    }

    /// The same network, with maps stored in another precision.
    pub fn with_precision(&self, precision: Precision) -> Self {
        Self {
            precision,
            ..self.clone()
        }
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

    /// How much memory a step takes, in bytes, beside what the process has anyway.
    pub fn step_bytes(&self, step: Step, batch_size: usize) -> u64 {
        if self.program.foreign > 0 {
            return self.step_bytes_on_tape(step, batch_size);
        }
        self.plan(step).memory(&self.program, batch_size).total()
    }

    /// The plan of a step, of a program whose operations are all known.
    pub fn plan(&self, step: Step) -> Plan {
        let plan = match step {
            Step::Training => Plan::update(&self.program, self.memory),
            Step::Inference => Plan::inference(&self.program),
        };
        plan.stored(self.precision)
    }

    /// The largest batch whose step takes no more than this.
    pub fn largest_batch(&self, step: Step, bytes: u64) -> u64 {
        if self.program.foreign > 0 {
            let of_an_image = self.step_bytes_on_tape(step, 1) - self.step_bytes_on_tape(step, 0);
            return bytes.saturating_sub(self.step_bytes_on_tape(step, 0)) / of_an_image.max(1);
        }
        let plan = self.plan(step);
        let takes = |batch: u64| plan.memory(&self.program, batch as usize).total();
        if takes(1) > bytes {
            return 0;
        }
        // What a batch takes is nearly a straight line: from two of its points to the batch, and from there step by step.
        let slope = (takes(9) - takes(1)) / 8;
        let mut batch = 1 + (bytes - takes(1)) / slope.max(1);
        while batch > 1 && takes(batch) > bytes {
            batch -= 1;
        }
        while takes(batch + 1) <= bytes {
            batch += 1;
        }
        batch
    }

    /// An estimate from above of what a step on a tape takes: every output is kept for the backward pass, and a few of the largest
    /// have a gradient at the same time. Each parameter has a gradient and a velocity.
    fn step_bytes_on_tape(&self, step: Step, batch_size: usize) -> u64 {
        const LARGEST_AT_ONCE: u64 = 4;
        let kept = match step {
            Step::Training => self.total().activations,
            Step::Inference => 0,
        };
        let of_an_image = 4 * (kept + LARGEST_AT_ONCE * self.largest);
        let images = of_an_image.saturating_mul(batch_size as u64);
        images.saturating_add(4 * 3 * self.total().parameters)
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
    fn a_network_costs_what_its_backbone_and_its_head_cost() {
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
    }

    #[test]
    fn a_step_takes_its_maps_and_three_values_a_parameter() {
        let mut model = Registry::builtin()
            .build_named("mini_resnet", 64, HeadKind::Gap, 0, 6)
            .unwrap();
        let cost = Cost::of(&mut *model).unwrap();
        let memory = cost.plan(Step::Training).memory(&cost.program, 5);
        let total = cost.total();
        assert_eq!(memory.parameters, 4 * total.parameters);
        assert_eq!(memory.velocities, 4 * total.trainable);
        assert_eq!(memory.batch, 4 * 5 * 64 * 64 * 3);
        // Not every output is kept: a normalisation's are made again while they are read.
        assert!(memory.arena < 4 * 5 * total.activations && memory.arena > 4 * 5 * total.activations / 3);
        assert_eq!(cost.step_bytes(Step::Training, 5), memory.total());
        let inference = cost.plan(Step::Inference).memory(&cost.program, 5);
        assert_eq!(inference.velocities, 0);
        assert!(inference.arena < memory.arena / 2);
    }

    #[test]
    fn the_largest_batch_fits_and_one_image_more_does_not() {
        let mut model = Registry::builtin()
            .build_named("mini_resnet", 64, HeadKind::WiseSrnet, 0, 6)
            .unwrap();
        let cost = Cost::of(&mut *model).unwrap();
        let bytes = 1 << 28;
        for step in [Step::Training, Step::Inference] {
            let batch = cost.largest_batch(step, bytes) as usize;
            assert!(cost.step_bytes(step, batch) <= bytes);
            assert!(cost.step_bytes(step, batch + 1) > bytes);
            assert_eq!(cost.largest_batch(step, 1), 0);
        }
    }
}
