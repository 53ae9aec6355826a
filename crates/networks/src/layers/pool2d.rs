//! Max and average pooling (Keras `MaxPooling2D`, `AveragePooling2D`).

use std::fmt::Debug;
use std::marker::PhantomData;

use dfdx::prelude::{ConstDim, Cpu, CpuError, Dim, HasShape, Module, NonMutableModule, Tensor, ZeroSizedModule};

use super::windowed::geometry;
use crate::autodiff::{Backward, Gradient, Kept, Map, Operation, Recorder, apply, erased, typed};
use crate::kernels::accumulate::Output;
use crate::kernels::memory::unwritten;
use crate::kernels::window::Pooling;
use crate::kernels::{average_pooling, max_pooling};
use crate::program::Instruction;
use crate::shapes::{Padding, Valid, Window};

/// The largest value in each `K × K` window with stride `S`, channel by channel.
///
/// The zeros of [`Pad<N>`](crate::shapes::Pad) take part, as behind Keras' `ZeroPadding2D`; the padding of
/// [`Same`](crate::shapes::Same) never wins.
pub type MaxPool2D<const K: usize, const S: usize, P = Valid> = Pool2D<K, S, P, Max>;

/// The mean of each `K × K` window with stride `S`, channel by channel.
///
/// The zeros of [`Pad<N>`](crate::shapes::Pad) count, as behind Keras' `ZeroPadding2D`; at the border of
/// [`Same`](crate::shapes::Same) padding the mean is over the real cells only.
pub type AvgPool2D<const K: usize, const S: usize, P = Valid> = Pool2D<K, S, P, Average>;

/// One value for each `K × K` window with stride `S`, channel by channel; `R` is [`Max`] or [`Average`].
///
/// # Shapes
/// `(batch, H, W, C)` → `(batch, ⟨H⟩, ⟨W⟩, C)` with `⟨H⟩ =` [`<H as Window<K, S, P>>::Out`](Window).
#[derive(Debug, Default, Clone, Copy)]
pub struct Pool2D<const K: usize, const S: usize, P, R>(PhantomData<(P, R)>);

impl<const K: usize, const S: usize, P: Padding, R: Reduction> ZeroSizedModule for Pool2D<K, S, P, R> {}
impl<const K: usize, const S: usize, P, R> NonMutableModule for Pool2D<K, S, P, R> {}

impl<const K: usize, const S: usize, P, R, Batch, H, W, C, T> Module<Tensor<(Batch, H, W, C), f32, Cpu, T>>
    for Pool2D<K, S, P, R>
where
    P: Padding,
    R: Reduction,
    Batch: Dim,
    H: Window<K, S, P>,
    W: Window<K, S, P>,
    C: ConstDim,
    T: Recorder,
{
    type Output = Tensor<(Batch, H::Out, W::Out, C), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, C), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let window = geometry::<K, S, P, H, W>(input.shape().0.size());
        let sizes = Pooling {
            window,
            channels: C::SIZE,
            zeros_count: P::ZEROS_COUNT,
        };
        typed(pool(sizes, R::default(), erased(input)?)?)
    }
}

/// How a window becomes one value, with what its gradient needs to remember.
pub trait Reduction: 'static + Debug + Default + Clone {
    /// The pooling's instruction.
    #[doc(hidden)]
    fn instruction(sizes: Pooling) -> Instruction;

    /// The reduced windows of `x`.
    #[doc(hidden)]
    fn forward(&mut self, sizes: &Pooling, x: &[f32], y: &mut [f32]);

    /// Writes or adds to `dx` what `dy` means for the windows' cells.
    #[doc(hidden)]
    fn input_gradient(&self, sizes: &Pooling, dy: &[f32], mode: Output, dx: &mut [f32]);
}

/// The largest value; of equal ones the first in reading order gets the gradient.
#[derive(Debug, Default, Clone)]
pub struct Max {
    /// Which cell of its window each maximum came from.
    cells: Vec<max_pooling::Cell>,
}

/// The mean.
#[derive(Debug, Default, Clone, Copy)]
pub struct Average;

impl Reduction for Max {
    fn instruction(sizes: Pooling) -> Instruction {
        Instruction::MaxPool(sizes)
    }

    fn forward(&mut self, sizes: &Pooling, x: &[f32], y: &mut [f32]) {
        self.cells = max_pooling::forward(sizes, x, y);
    }

    fn input_gradient(&self, sizes: &Pooling, dy: &[f32], mode: Output, dx: &mut [f32]) {
        max_pooling::input_gradient(sizes, &self.cells, dy, mode, dx);
    }
}

impl Reduction for Average {
    fn instruction(sizes: Pooling) -> Instruction {
        Instruction::AveragePool(sizes)
    }

    fn forward(&mut self, sizes: &Pooling, x: &[f32], y: &mut [f32]) {
        average_pooling::forward(sizes, x, y);
    }

    fn input_gradient(&self, sizes: &Pooling, dy: &[f32], mode: Output, dx: &mut [f32]) {
        average_pooling::input_gradient(sizes, dy, mode, dx);
    }
}

/// The layer behind its types.
fn pool<R: Reduction, T: Recorder>(sizes: Pooling, reduction: R, input: Map<T>) -> Result<Map<T>, CpuError> {
    let [height, width] = sizes.window.output;
    let shape = (sizes.window.batch, height, width, sizes.channels);
    apply(Pool { sizes, reduction }, [input], [], shape)
}

/// Operand: the map.
struct Pool<R> {
    sizes: Pooling,
    reduction: R,
}

impl<R: Reduction> Operation for Pool<R> {
    fn instruction(&self) -> Instruction {
        R::instruction(self.sizes)
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(self.sizes.window.output_pixels() * self.sizes.channels);
        self.reduction.forward(&self.sizes, operands[0], &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        context.gradient(0, |mode, dx| {
            self.reduction.input_gradient(&self.sizes, &dy, mode, dx);
        })
    }
}
