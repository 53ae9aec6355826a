//! Max pooling (Keras `MaxPooling2D`).

use std::marker::PhantomData;

use dfdx::prelude::{
    ConstDim, Cpu, CpuError, Dim, HasShape, Merge, Module, NonMutableModule, Tape, Tensor, ZeroSizedModule,
};

use super::bridge::{Map, erased, typed};
use super::operation::{Backward, Kept, Operation, apply};
use super::windowed::geometry;
use crate::kernels::max_pooling;
use crate::kernels::window::WindowGeometry;
use crate::shapes::{Padding, Valid, Window};

/// The largest value in each `K × K` window with stride `S`, channel by channel.
///
/// The zeros of [`Pad<N>`](crate::shapes::Pad) take part, as behind Keras' `ZeroPadding2D`; the padding of
/// [`Same`](crate::shapes::Same) never wins.
///
/// # Shapes
/// `(batch, H, W, C)` → `(batch, ⟨H⟩, ⟨W⟩, C)` with `⟨H⟩ =` [`<H as Window<K, S, P>>::Out`](Window).
#[derive(Debug, Default, Clone, Copy)]
pub struct MaxPool2D<const K: usize, const S: usize, P = Valid>(PhantomData<P>);

impl<const K: usize, const S: usize, P: Padding> ZeroSizedModule for MaxPool2D<K, S, P> {}
impl<const K: usize, const S: usize, P> NonMutableModule for MaxPool2D<K, S, P> {}

impl<const K: usize, const S: usize, P, Batch, H, W, C, T> Module<Tensor<(Batch, H, W, C), f32, Cpu, T>>
    for MaxPool2D<K, S, P>
where
    P: Padding,
    Batch: Dim,
    H: Window<K, S, P>,
    W: Window<K, S, P>,
    C: ConstDim,
    T: Tape<f32, Cpu> + Merge<T>,
{
    type Output = Tensor<(Batch, H::Out, W::Out, C), f32, Cpu, T>;
    type Error = CpuError;

    fn try_forward(&self, input: Tensor<(Batch, H, W, C), f32, Cpu, T>) -> Result<Self::Output, CpuError> {
        let window = geometry::<K, S, P, H, W>(input.shape().0.size());
        typed(pool(window, C::SIZE, P::ZEROS_COUNT, erased(input)?)?)
    }
}

/// The layer behind its types.
fn pool<T: Tape<f32, Cpu> + Merge<T>>(
    window: WindowGeometry,
    channels: usize,
    zeros_count: bool,
    input: Map<T>,
) -> Result<Map<T>, CpuError> {
    let [height, width] = window.output;
    let shape = (window.batch, height, width, channels);
    apply(
        PoolMaximum {
            window,
            channels,
            zeros_count,
            cells: Vec::new(),
        },
        [input],
        [],
        shape,
    )
}

struct PoolMaximum {
    window: WindowGeometry,
    channels: usize,
    zeros_count: bool,
    /// Which cell of its window each maximum came from.
    cells: Vec<max_pooling::Cell>,
}

impl Operation for PoolMaximum {
    fn name(&self) -> &'static str {
        "MaxPool2D"
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = vec![0.0; self.window.output_pixels() * self.channels];
        self.cells = max_pooling::forward(&self.window, self.channels, self.zeros_count, operands[0], &mut output);
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, dy: Vec<f32>, context: &mut Backward<'_>) -> Result<(), CpuError> {
        max_pooling::input_gradient(&self.window, self.channels, &self.cells, &dy, context.gradient(0)?);
        Ok(())
    }
}
