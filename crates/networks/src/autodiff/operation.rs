//! A differentiable operation whose types have been checked and then forgotten: the layers' typed shells all end in
//! [`apply`], which is the only place that talks to dfdx's tape.

use dfdx::prelude::{Cpu, CpuError, HasShape, PutTape, Shape, SplitTape, Tensor, TensorFromVec, UniqueId};

use super::bridge::{GradientSlot, Rank, Saved, contiguous, erased};
use super::gradient::Gradient;
use super::tape::{GradientStore, Recorder};
use crate::kernels::accumulate::Output;
use crate::kernels::stopwatch::Direction;
use crate::kernels::stopwatch::timed;
use crate::program::{Instruction, Traced};

/// What a layer computes, on slices. The first operands are the inputs (mostly one), parameters follow.
pub trait Operation: 'static {
    /// What is computed, for a program.
    fn instruction(&self) -> Instruction;

    /// The seed of the operation's random stream, if it has one.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// The output's values.
    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32>;

    /// What `backward` reads; everything else is not kept in memory.
    fn keeps(&self) -> Kept;

    /// Adds to the operands' gradients what the output's gradient means for them.
    fn backward(&mut self, output_gradient: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError>;
}

/// The values that an operation's backward pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// None.
    Nothing,
    /// All operands.
    Operands,
    /// The output.
    Output,
}

/// One tensor that an operation reads, with its type forgotten.
pub struct Operand {
    values: Option<Saved>,
    gradient: GradientSlot,
    shape: Vec<usize>,
}

impl Operand {
    /// A tensor of any compile-time sizes.
    pub fn of<S: Shape<Concrete = R>, R: Rank>(tensor: &Tensor<S, f32, Cpu>) -> Result<Self, CpuError> {
        Ok(Self::new(&erased(tensor.clone())?))
    }

    fn new<S: Shape>(tensor: &Tensor<S, f32, Cpu>) -> Self {
        Self {
            values: Some(Saved::new(tensor)),
            gradient: GradientSlot::new(tensor),
            shape: tensor.shape().concrete().as_ref().to_vec(),
        }
    }

    fn values(&self) -> &[f32] {
        self.values.as_ref().map_or(&[], Saved::values)
    }
}

/// What an operation's backward pass can read and write.
pub struct Backward<'a> {
    operands: &'a [Operand],
    output: Option<&'a Saved>,
    gradients: &'a mut dyn GradientStore,
}

impl<'a> Backward<'a> {
    /// The values of an operand; empty unless the operation keeps its operands.
    pub fn operand(&self, index: usize) -> &'a [f32] {
        self.operands[index].values()
    }

    /// The values of the output; empty unless the operation keeps it.
    pub fn output(&self) -> &'a [f32] {
        self.output.map_or(&[], Saved::values)
    }

    /// Has an operand's gradient written, or added to, if anybody will ask for it.
    pub fn gradient(&mut self, index: usize, write: impl FnOnce(Output, &mut [f32])) -> Result<(), CpuError> {
        if let Some((mode, gradient)) = self.gradients.open(&self.operands[index].gradient)? {
            write(mode, gradient);
        }
        Ok(())
    }

    /// Adds to an operand's gradient; if it is the first, it becomes the gradient.
    pub fn give(&mut self, index: usize, gradient: impl Into<Gradient>) -> Result<(), CpuError> {
        self.gradients.give(&self.operands[index].gradient, gradient.into())
    }

    /// How many operands there are.
    pub fn operands(&self) -> usize {
        self.operands.len()
    }
}

/// Runs an operation on maps and parameters, and puts its gradient on the tape of the maps.
pub fn apply<S: Shape, O: Shape, T: Recorder>(
    operation: impl Operation,
    maps: impl IntoIterator<Item = Tensor<S, f32, Cpu, T>>,
    parameters: impl IntoIterator<Item = Operand>,
    shape: O,
) -> Result<Tensor<O, f32, Cpu, T>, CpuError> {
    let mut operands = Vec::new();
    let mut merged = T::default();
    let mut device = None;
    for map in maps {
        let (map, tape) = contiguous(map)?.split_tape();
        device.get_or_insert_with(|| map.device().clone());
        operands.push(Operand::new(&map));
        merged = merged.merge(tape);
    }
    let maps = operands.len();
    operands.extend(parameters);
    let node = Node {
        operation: Box::new(operation),
        operands,
        maps,
    };
    node.run(shape, &device.unwrap_or_default(), merged)
}

/// An operation with its operands.
struct Node {
    operation: Box<dyn Operation>,
    /// The maps, then the parameters.
    operands: Vec<Operand>,
    maps: usize,
}

impl Node {
    fn run<O: Shape, T: Recorder>(
        mut self,
        shape: O,
        device: &Cpu,
        mut tape: T,
    ) -> Result<Tensor<O, f32, Cpu, T>, CpuError> {
        let output = device.try_tensor_from_vec(self.forward(), shape)?;
        if T::OWNS_TAPE {
            let kept = self.forget_what_is_not_kept();
            tape.record(Recorded {
                node: self,
                slot: GradientSlot::new(&output),
                shape: shape.concrete().as_ref().to_vec(),
                output: (kept == Kept::Output).then(|| Saved::new(&output)),
            });
        }
        Ok(output.put_tape(tape))
    }

    fn forward(&mut self) -> Vec<f32> {
        let operands: Vec<&[f32]> = self.operands.iter().map(Operand::values).collect();
        let operation = &mut self.operation;
        timed(operation.instruction().name(), Direction::Forward, || {
            operation.forward(&operands)
        })
    }

    fn forget_what_is_not_kept(&mut self) -> Kept {
        let kept = self.operation.keeps();
        if kept != Kept::Operands {
            self.operands.iter_mut().for_each(|operand| operand.values = None);
        }
        kept
    }
}

/// An operation that has run, as a tape holds it.
pub struct Recorded {
    node: Node,
    slot: GradientSlot,
    shape: Vec<usize>,
    output: Option<Saved>,
}

impl Recorded {
    /// What a program says of the operation.
    pub(super) fn traced(&self) -> Traced<UniqueId> {
        let (maps, parameters) = self.node.operands.split_at(self.node.maps);
        Traced {
            instruction: self.node.operation.instruction(),
            seed: self.node.operation.seed(),
            inputs: (maps.iter())
                .map(|map| (map.gradient.id(), map.shape.clone()))
                .collect(),
            parameters: parameters.iter().map(|parameter| parameter.gradient.id()).collect(),
            output: (self.slot.id(), self.shape.clone()),
        }
    }

    /// The tensors whose gradients it will ask for, or will be asked for after it: its output and its parameters.
    pub(super) fn wanted(&self) -> impl Iterator<Item = UniqueId> {
        let parameters = self.node.operands[self.node.maps..].iter();
        parameters
            .map(|operand| operand.gradient.id())
            .chain(std::iter::once(self.slot.id()))
    }

    pub(super) fn run_back(mut self, gradients: &mut dyn GradientStore) -> Result<(), CpuError> {
        let output_gradient = gradients.take(&self.slot)?;
        let context = &mut Backward {
            operands: &self.node.operands,
            output: self.output.as_ref(),
            gradients,
        };
        let operation = &mut self.node.operation;
        timed(operation.instruction().name(), Direction::Backward, || {
            operation.backward(output_gradient, context)
        })
    }
}
