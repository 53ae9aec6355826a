//! Batch normalisation (Keras `BatchNormalization`), with an optional ReLU in the same pass.

use std::fmt::Debug;
use std::marker::PhantomData;

use dfdx::prelude::{
    BuildOnDevice, Cpu, CpuError, Device, Dim, Dtype, HasShape, Module, ModuleMut, ModuleVisitor, NoneTape, PutTape,
    Rank1, SplitTape, Storage, Tensor, TensorCollection, TensorOptions,
};

use super::activation::{Activation, NoActivation};
use crate::autodiff::{
    Backward, Gradient, Kept, Map, Operand, Operation, Recorder, Training, apply, contiguous, erased, id, typed,
    values, values_mut,
};
use crate::kernels::accumulate::Output;
use crate::kernels::batch_norm::{Affine, Statistics, gradients, gradients_apart, move_running, normalize, statistics};
use crate::kernels::memory::unwritten;
use crate::kernels::pixels::{Pixels, PixelsMut};
use crate::program::Instruction;
use crate::shapes::Channels;

/// The two constants of a batch normalisation.
pub trait Normalization: 'static + Debug + Default + Clone + Copy + Send + Sync {
    /// The share of the running statistics that a step keeps.
    const MOMENTUM: f32;
    /// Added to the variance before the root is taken.
    const EPSILON: f32;
}

/// Keras' defaults: momentum 0.99, ε 1e-3.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct KerasDefault;

impl Normalization for KerasDefault {
    const MOMENTUM: f32 = 0.99;
    const EPSILON: f32 = 1e-3;
}

/// As in `keras.applications`' ResNet50 and DenseNet: momentum 0.99, ε 1.001e-5.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct KerasApplications;

impl Normalization for KerasApplications {
    const MOMENTUM: f32 = 0.99;
    const EPSILON: f32 = 1.001e-5;
}

/// Normalises each of `C` channels over batch, height and width, then scales and shifts it.
///
/// In training (`forward_mut`) by the batch's mean and population variance, which also move the running statistics:
/// `running ← momentum · running + (1 − momentum) · batch`. In inference (`forward`) by the running statistics.
///
/// # Generics
/// - `N`: momentum and ε, [`KerasDefault`] or [`KerasApplications`]
/// - `A`: [`NoActivation`] or [`Relu`](super::Relu), applied in the same pass
///
/// # Shapes
/// `(batch, H, W, C)` → the same.
#[derive(Debug, Clone)]
pub struct BatchNorm2D<const C: usize, N = KerasDefault, A = NoActivation, E: Dtype = f32, D: Storage<E> = Cpu> {
    /// Scale, starting at 1.
    pub gamma: Tensor<Rank1<C>, E, D>,
    /// Shift, starting at 0.
    pub beta: Tensor<Rank1<C>, E, D>,
    /// Running mean, starting at 0; not trained.
    pub moving_mean: Tensor<Rank1<C>, E, D>,
    /// Running variance, starting at 1; not trained.
    pub moving_variance: Tensor<Rank1<C>, E, D>,
    marker: PhantomData<(N, A)>,
}

impl<const C: usize, N, A, E0, D0, E, D> BuildOnDevice<D, E> for BatchNorm2D<C, N, A, E0, D0>
where
    N: Normalization,
    A: Activation,
    E0: Dtype,
    D0: Storage<E0>,
    E: Dtype,
    D: Device<E>,
{
    type Built = BatchNorm2D<C, N, A, E, D>;
}

impl<const C: usize, N: Normalization, A: Activation, E: Dtype, D: Device<E>> TensorCollection<E, D>
    for BatchNorm2D<C, N, A, E, D>
{
    type To<E2: Dtype, D2: Device<E2>> = BatchNorm2D<C, N, A, E2, D2>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(
            (
                Self::tensor("gamma", |s| &s.gamma, |s| &mut s.gamma, TensorOptions::reset_to_ones()),
                Self::tensor("beta", |s| &s.beta, |s| &mut s.beta, TensorOptions::reset_to_zeros()),
                Self::tensor(
                    "moving_mean",
                    |s| &s.moving_mean,
                    |s| &mut s.moving_mean,
                    TensorOptions::detached(|mean| mean.try_fill_with_zeros()),
                ),
                Self::tensor(
                    "moving_variance",
                    |s| &s.moving_variance,
                    |s| &mut s.moving_variance,
                    TensorOptions::detached(|variance| variance.try_fill_with_ones()),
                ),
            ),
            |(gamma, beta, moving_mean, moving_variance)| BatchNorm2D {
                gamma,
                beta,
                moving_mean,
                moving_variance,
                marker: PhantomData,
            },
        )
    }
}

impl<const C: usize, N: Normalization, A: Activation> BatchNorm2D<C, N, A> {
    fn move_statistics(&mut self, batch: &Statistics) {
        let moves = [
            (&mut self.moving_mean, &batch.mean),
            (&mut self.moving_variance, &batch.variance),
        ];
        for (running, batch) in moves {
            move_running(values_mut(running), batch, N::MOMENTUM);
        }
    }

    fn parameters(&self) -> Result<[Operand; 4], CpuError> {
        Ok([
            Operand::of(&self.gamma)?,
            Operand::of(&self.beta)?,
            Operand::of(&self.moving_mean)?,
            Operand::of(&self.moving_variance)?,
        ])
    }
}

impl<const C: usize, N, A, Batch, H, W, In> Module<Tensor<(Batch, H, W, In), f32, Cpu, NoneTape>>
    for BatchNorm2D<C, N, A>
where
    N: Normalization,
    A: Activation,
    Batch: Dim,
    H: Dim,
    W: Dim,
    In: Channels<C>,
{
    type Output = Tensor<(Batch, H, W, In), f32, Cpu, NoneTape>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, In), f32, Cpu>) -> Result<Self::Output, CpuError> {
        let running = Statistics {
            mean: values(&self.moving_mean).to_vec(),
            variance: values(&self.moving_variance).to_vec(),
        };
        typed(normalized::<N, A, _>(erased(input)?, running, self.parameters()?)?)
    }
}

impl<const C: usize, N, A, Batch, H, W, In, T> ModuleMut<Tensor<(Batch, H, W, In), f32, Cpu, T>>
    for BatchNorm2D<C, N, A>
where
    T: Training,
    N: Normalization,
    A: Activation,
    Batch: Dim,
    H: Dim,
    W: Dim,
    In: Channels<C>,
{
    type Output = Tensor<(Batch, H, W, In), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward_mut(&mut self, input: Tensor<(Batch, H, W, In), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let (input, statistics) = with_statistics(erased(input)?, C)?;
        if !values(&input).is_empty() {
            self.move_statistics(&statistics);
        }
        typed(normalized::<N, A, _>(input, statistics, self.parameters()?)?)
    }
}

/// A batch with its statistics.
fn with_statistics<T: Training>(input: Map<T>, channels: usize) -> Result<(Map<T>, Statistics), CpuError> {
    let (input, mut tape) = contiguous(input)?.split_tape();
    let statistics = match tape.statistics(id(&input)) {
        Some(known) => known.clone(),
        None => statistics(Pixels::whole(values(&input), channels)),
    };
    tape.note_statistics(id(&input), &statistics);
    Ok((input.put_tape(tape), statistics))
}

/// The layer behind its types.
fn normalized<N: Normalization, A: Activation, T: Recorder>(
    input: Map<T>,
    statistics: Statistics,
    parameters: [Operand; 4],
) -> Result<Map<T>, CpuError> {
    let shape = *input.shape();
    let normalize = Normalize {
        statistics,
        momentum: N::MOMENTUM,
        epsilon: N::EPSILON,
        relu: A::RELU,
        affine: None,
    };
    apply(normalize, [input], parameters, shape)
}

/// Operands: input, γ, β, and the running statistics, which have no gradient.
struct Normalize {
    statistics: Statistics,
    momentum: f32,
    epsilon: f32,
    relu: bool,
    affine: Option<Affine>,
}

impl Operation for Normalize {
    fn instruction(&self) -> Instruction {
        Instruction::BatchNorm {
            momentum: self.momentum,
            epsilon: self.epsilon,
            relu: self.relu,
        }
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let affine = self.affine.insert(Affine::new(
            &self.statistics,
            self.epsilon,
            operands[1],
            operands[2],
            self.relu,
        ));
        let mut output = unwritten(operands[0].len());
        let input = Pixels::whole(operands[0], affine.channels());
        normalize(input, affine, None, &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Operands
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        let Some(affine) = &self.affine else { return Ok(()) };
        let input = Pixels::whole(context.operand(0), affine.channels());
        let (dx, parameters) = match dy.into_own() {
            Ok(mut dy) => {
                let parameters = gradients(&mut dy, input, affine);
                (dy, parameters)
            }
            Err(shared) => {
                let mut dx = unwritten(shared.len());
                let place = PixelsMut::whole(&mut dx, affine.channels());
                let parameters = gradients_apart(&shared, input, affine, Output::Overwrite, place);
                (dx, parameters)
            }
        };
        context.give(0, Gradient::summing_to_zero(dx))?;
        context.give(1, parameters.gamma)?;
        context.give(2, parameters.beta)
    }
}
