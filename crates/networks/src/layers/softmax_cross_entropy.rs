//! The loss: mean categorical cross-entropy of the softmax of a batch's logits.

use dfdx::prelude::{Cpu, CpuError, Dim, HasShape, Tensor};

use crate::autodiff::{Backward, Gradient, Kept, Operation, Recorder, apply, erased};
use crate::kernels::cross_entropy;
use crate::program::Instruction;

/// `mean over images of −ln softmax(logits)[label]` (Keras `CategoricalCrossentropy` behind a softmax layer).
///
/// # Shapes
/// logits `(batch, classes)`, one label an image → `()`.
///
/// # Panics
/// If there aren't as many labels as images, or a label is not a class.
pub fn softmax_cross_entropy<Batch: Dim, O: Dim, T: Recorder>(
    logits: Tensor<(Batch, O), f32, Cpu, T>,
    labels: &[usize],
) -> Result<Tensor<(), f32, Cpu, T>, CpuError> {
    let (batch, classes) = (logits.shape().0.size(), logits.shape().1.size());
    assert_eq!(labels.len(), batch, "one label an image");
    assert!(labels.iter().all(|&label| label < classes), "labels below {classes}");
    let operation = Loss {
        labels: labels.to_vec(),
        classes,
    };
    apply(operation, [erased(logits)?], [], ())
}

/// Operand: the logits.
struct Loss {
    labels: Vec<usize>,
    classes: usize,
}

impl Operation for Loss {
    fn instruction(&self) -> Instruction {
        Instruction::CrossEntropy { classes: self.classes }
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        vec![cross_entropy::mean_loss(operands[0], &self.labels, self.classes)]
    }

    fn keeps(&self) -> Kept {
        Kept::Operands
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        let logits = context.operand(0);
        let scale = dy.first().copied().unwrap_or(1.0);
        context.give(0, cross_entropy::gradient(logits, &self.labels, self.classes, scale))
    }
}
