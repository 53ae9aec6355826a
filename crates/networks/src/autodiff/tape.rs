//! Tapes: what leads back from a loss to the parameters.
//!
//! Layers work on dfdx's own tape, beside dfdx's own operations. They are faster on [`TrainingTape`], which knows which
//! gradients nobody has written yet: those are overwritten where dfdx would clear them first and add.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use dfdx::prelude::{Cpu, CpuError, Gradients, Merge, NoneTape, OwnedTape, Shape, SplitTape, Tape, Tensor, UniqueId};

use super::bridge::{GradientSlot, id};
use super::gradient::Gradient;
use super::operation::Recorded;
use crate::kernels::accumulate::{self, Output};
use crate::kernels::batch_norm::Statistics;
use crate::kernels::memory::unwritten;
use crate::program::Traced;

/// Where gradients are while a tape runs back, and after.
pub trait GradientStore {
    /// The gradient to be written or added to, as the mode says; `None` if nobody will ask for it.
    ///
    /// # Errors
    /// dfdx's, if there is no memory.
    fn open(&mut self, slot: &GradientSlot) -> Result<Option<(Output, &mut Vec<f32>)>, CpuError>;

    /// Adds to a gradient; if it is the first, it becomes the gradient, without a copy where the store can.
    ///
    /// # Errors
    /// dfdx's, if there is no memory.
    fn give(&mut self, slot: &GradientSlot, gradient: Gradient) -> Result<(), CpuError> {
        if let Some((mode, sum)) = self.open(slot)? {
            accumulate::put(mode, &gradient, sum);
        }
        Ok(())
    }

    /// Takes a finished gradient away, so that its memory is free as soon as it has been used.
    ///
    /// # Errors
    /// dfdx's, if there is no memory.
    fn take(&mut self, slot: &GradientSlot) -> Result<Gradient, CpuError>;
}

impl GradientStore for Gradients<f32, Cpu> {
    fn open(&mut self, slot: &GradientSlot) -> Result<Option<(Output, &mut Vec<f32>)>, CpuError> {
        Ok(Some((Output::Add, slot.find(self)?)))
    }

    fn take(&mut self, slot: &GradientSlot) -> Result<Gradient, CpuError> {
        Ok(std::mem::take(slot.find(self)?).into())
    }
}

/// The gradients that a [`TrainingTape`] leads to: those of the parameters that the loss depends on.
#[derive(Default)]
pub struct TapeGradients {
    by_id: HashMap<UniqueId, Gradient>,
    /// The outputs of recorded operations, and the parameters. Nobody asks for any other, such as the images'.
    wanted: HashSet<UniqueId>,
}

impl GradientStore for TapeGradients {
    fn open(&mut self, slot: &GradientSlot) -> Result<Option<(Output, &mut Vec<f32>)>, CpuError> {
        if !self.wanted.contains(&slot.id()) {
            return Ok(None);
        }
        let mut mode = Output::Add;
        let gradient = self.by_id.entry(slot.id()).or_insert_with(|| {
            mode = Output::Overwrite;
            unwritten(slot.length()).into()
        });
        Ok(Some((mode, gradient.values_mut())))
    }

    fn give(&mut self, slot: &GradientSlot, gradient: Gradient) -> Result<(), CpuError> {
        if !self.wanted.contains(&slot.id()) {
            return Ok(());
        }
        match self.by_id.entry(slot.id()) {
            Entry::Vacant(place) => {
                place.insert(gradient);
            }
            Entry::Occupied(mut sum) => accumulate::put(Output::Add, &gradient, sum.get_mut().values_mut()),
        }
        Ok(())
    }

    fn take(&mut self, slot: &GradientSlot) -> Result<Gradient, CpuError> {
        let gradient = self.by_id.remove(&slot.id());
        Ok(gradient.unwrap_or_else(|| vec![0.0; slot.length()].into()))
    }
}

/// A tape on which this crate's operations are recorded; [`NoneTape`] records nothing.
pub trait Recorder: Tape<f32, Cpu> + Merge<Self> {
    /// Appends an operation.
    fn record(&mut self, operation: Recorded);

    /// Remembers a map's statistics: maps that share channels share them too.
    fn note_statistics(&mut self, _map: UniqueId, _statistics: &Statistics) {}

    /// Statistics that have been noted.
    fn statistics(&self, _map: UniqueId) -> Option<&Statistics> {
        None
    }
}

impl Recorder for NoneTape {
    fn record(&mut self, _: Recorded) {}
}

impl Recorder for OwnedTape<f32, Cpu> {
    fn record(&mut self, operation: Recorded) {
        self.add_backward_op(move |gradients| operation.run_back(gradients));
    }
}

impl Recorder for TrainingTape {
    fn record(&mut self, operation: Recorded) {
        self.operations.push((clock(), Step::Ours(operation)));
    }

    fn note_statistics(&mut self, map: UniqueId, statistics: &Statistics) {
        self.statistics.insert(map, statistics.clone());
    }

    fn statistics(&self, map: UniqueId) -> Option<&Statistics> {
        self.statistics.get(&map)
    }
}

/// A tape that does record: layers that differ in training ask for one.
pub trait Training: Recorder {}

impl Training for OwnedTape<f32, Cpu> {}
impl Training for TrainingTape {}

type Foreign = Box<dyn FnOnce(&mut Gradients<f32, Cpu>) -> Result<(), CpuError>>;

enum Step {
    Ours(Recorded),
    /// An operation of dfdx itself.
    Foreign(Foreign),
}

/// The tape of this crate's training.
///
/// # Example
/// ```
/// use dfdx::prelude::*;
/// use wise_srnet_networks::layers::{GlobalAvgPool2D, Images, TrainingTape, softmax_cross_entropy};
///
/// let images: Images<8> = Cpu::default().ones_like(&(2, Const, Const, Const));
/// let scores = GlobalAvgPool2D.forward(images.put_tape(TrainingTape::default()));
/// # let scores: Tensor<(usize, Const<3>), f32, Cpu, TrainingTape> = scores.reshape_like(&(2, Const));
/// let loss = softmax_cross_entropy(scores, &[0, 2]).unwrap();
/// let gradients = TrainingTape::backward(loss).unwrap();
/// # let _ = gradients;
/// ```
#[derive(Default)]
pub struct TrainingTape {
    /// Operations with the time of their recording: merged tapes are run back in its order.
    operations: Vec<(u64, Step)>,
    /// Of maps that have been normalised, and of those concatenated from them.
    statistics: HashMap<UniqueId, Statistics>,
    /// Inputs whose gradients will be asked for.
    watched: Vec<UniqueId>,
}

/// A tensor's gradient, taken out of what a tape has led to; zeros if the loss doesn't depend on it.
///
/// # Errors
/// dfdx's, if there is no memory.
pub fn gradient_of<S: Shape, T>(
    tensor: &Tensor<S, f32, Cpu, T>,
    gradients: &mut dyn GradientStore,
) -> Result<Vec<f32>, CpuError> {
    Ok(gradients.take(&GradientSlot::new(tensor))?.into_values())
}

/// Tells the order of all operations.
fn clock() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TIME: AtomicU64 = AtomicU64::new(0);
    TIME.fetch_add(1, Ordering::Relaxed)
}

impl Tape<f32, Cpu> for TrainingTape {
    const OWNS_TAPE: bool = true;

    fn add_backward_op<F>(&mut self, operation: F)
    where
        F: 'static + FnOnce(&mut Gradients<f32, Cpu>) -> Result<(), CpuError>,
    {
        self.operations.push((clock(), Step::Foreign(Box::new(operation))));
    }
}

impl Merge<NoneTape> for TrainingTape {
    fn merge(self, _: NoneTape) -> Self {
        self
    }
}

impl Merge<TrainingTape> for TrainingTape {
    fn merge(mut self, mut other: TrainingTape) -> Self {
        self.operations.append(&mut other.operations);
        self.statistics.extend(other.statistics);
        self.watched.append(&mut other.watched);
        self
    }
}

impl TrainingTape {
    /// A tape that leads to an input's gradient as well as to those of the parameters.
    pub fn watching<S: Shape, T>(input: &Tensor<S, f32, Cpu, T>) -> Self {
        Self {
            watched: vec![id(input)],
            ..Self::default()
        }
    }

    /// The gradients of a loss, by running its tape back.
    ///
    /// # Errors
    /// dfdx's, if there is no memory.
    pub fn backward(loss: Tensor<(), f32, Cpu, Self>) -> Result<Box<dyn GradientStore>, CpuError> {
        let (loss, mut tape) = loss.split_tape();
        tape.operations.sort_by_key(|(time, _)| *time);
        let is_foreign = |(_, step): &(u64, Step)| matches!(step, Step::Foreign(_));
        if tape.operations.iter().any(is_foreign) {
            tape.run_back_among_foreign(&loss)
        } else {
            tape.run_back(&loss)
        }
    }

    /// The operations in their order, as a program knows them; none is one of dfdx itself.
    pub fn into_operations(mut self) -> impl Iterator<Item = Option<Traced<UniqueId>>> {
        self.operations.sort_by_key(|(time, _)| *time);
        self.operations.into_iter().map(|(_, step)| match step {
            Step::Ours(operation) => Some(operation.traced()),
            Step::Foreign(_) => None,
        })
    }

    fn run_back<S: Shape>(self, loss: &Tensor<S, f32, Cpu>) -> Result<Box<dyn GradientStore>, CpuError> {
        let mut gradients = TapeGradients::default();
        gradients.wanted.extend(&self.watched);
        for (_, step) in &self.operations {
            if let Step::Ours(operation) = step {
                gradients.wanted.extend(operation.wanted());
            }
        }
        gradients.by_id.insert(id(loss), vec![1.0].into());
        for (_, step) in self.operations.into_iter().rev() {
            if let Step::Ours(operation) = step {
                operation.run_back(&mut gradients)?;
            }
        }
        Ok(Box::new(gradients))
    }

    /// dfdx's operations know no other store than dfdx's, and its own way to run a tape back is private.
    fn run_back_among_foreign<S: Shape>(self, loss: &Tensor<S, f32, Cpu>) -> Result<Box<dyn GradientStore>, CpuError> {
        let mut gradients = Gradients::leaky();
        GradientSlot::new(loss).find(&mut gradients)?.fill(1.0);
        for (_, step) in self.operations.into_iter().rev() {
            match step {
                Step::Ours(operation) => operation.run_back(&mut gradients)?,
                Step::Foreign(operation) => operation(&mut gradients)?,
            }
        }
        Ok(Box::new(gradients))
    }
}
