//! Two branches side by side: their channels concatenated (Keras `Concatenate(axis=-1)`).

use dfdx::prelude::{
    BuildOnDevice, Const, ConstDim, Cpu, CpuError, Device, Dim, Dtype, HasShape, Module, ModuleMut, ModuleVisitor,
    NoneTape, PutTape, SplitTape, Tensor, TensorCollection, WithEmptyTape,
};

use super::both_modes::in_both_modes;
use crate::autodiff::{Backward, Gradient, Kept, Map, Operation, Recorder, apply, erased, id, typed, values};
use crate::kernels::batch_norm::{Statistics, statistics};
use crate::kernels::elementwise;
use crate::kernels::memory::unwritten;
use crate::kernels::pixels::Pixels;
use crate::program::Instruction;
use crate::shapes::Plus;

/// Gives its input to both branches and concatenates their channels, `F`'s first. `Concat<Identity, F>` is DenseNet's connection, the input followed by what `F` makes of it.
///
/// # Shapes
/// `F`: `(batch, H, W, C)`, `G`: `(batch, H, W, MORE)` → `(batch, H, W, C + MORE)`, where the sum is looked up by
/// [`Plus`].
#[derive(Debug, Default, Clone)]
pub struct Concat<F, G>(pub F, pub G);

impl<F: BuildOnDevice<D, E>, G: BuildOnDevice<D, E>, D: Device<E>, E: Dtype> BuildOnDevice<D, E> for Concat<F, G> {
    type Built = Concat<F::Built, G::Built>;
}

impl<F: TensorCollection<E, D>, G: TensorCollection<E, D>, E: Dtype, D: Device<E>> TensorCollection<E, D>
    for Concat<F, G>
{
    type To<E2: Dtype, D2: Device<E2>> = Concat<F::To<E2, D2>, G::To<E2, D2>>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        let branches = (
            Self::module("0", |s| &s.0, |s| &mut s.0),
            Self::module("1", |s| &s.1, |s| &mut s.1),
        );
        visitor.visit_fields(branches, |(f, g)| Concat(f, g))
    }
}

macro_rules! concat {
    ($module:ident, $forward:ident, $this:ty) => {
        impl<X, F, G, Batch, H, W, C, const MORE: usize, T> $module<X> for Concat<F, G>
        where
            X: WithEmptyTape,
            F: $module<X, Output = Tensor<(Batch, H, W, C), f32, Cpu, T>, Error = CpuError>,
            G: $module<X, Output = Tensor<(Batch, H, W, Const<MORE>), f32, Cpu, T>, Error = CpuError>,
            Batch: Dim,
            H: ConstDim,
            W: ConstDim,
            C: Plus<MORE>,
            T: Recorder,
        {
            type Output = Tensor<(Batch, H, W, C::Sum), f32, Cpu, T>;
            type Error = CpuError;

            fn $forward(self: $this, input: X) -> Result<Self::Output, CpuError> {
                let first = self.0.$forward(input.with_empty_tape())?;
                let second = self.1.$forward(input)?;
                typed(concatenate(vec![erased(first)?, erased(second)?])?)
            }
        }
    };
}
in_both_modes!(concat);

/// The layer behind its types.
pub(super) fn concatenate<T: Recorder>(maps: Vec<Map<T>>) -> Result<Map<T>, CpuError> {
    let channels: Vec<usize> = maps.iter().map(|map| map.shape().3).collect();
    let (batch, height, width, _) = maps.first().map_or((0, 0, 0, 0), |map| *map.shape());
    let shape = (batch, height, width, channels.iter().sum());
    let parts: Vec<Map> = maps.iter().map(|map| map.retaped::<NoneTape>()).collect();
    let (output, mut tape) = apply(Concatenate { channels }, maps, [], shape)?.split_tape();
    if let Some(statistics) = joined_statistics(&tape, &parts) {
        tape.note_statistics(id(&output), &statistics);
    }
    Ok(output.put_tape(tape))
}

/// The statistics of concatenated maps, if those of any part are known: in DenseNet, of all channels but the newest.
fn joined_statistics<T: Recorder>(tape: &T, parts: &[Map]) -> Option<Statistics> {
    let known: Vec<Option<&Statistics>> = parts.iter().map(|part| tape.statistics(id(part))).collect();
    known.iter().any(Option::is_some).then(|| {
        let each = parts.iter().zip(known).map(|(part, known)| match known {
            Some(known) => known.clone(),
            None => statistics(Pixels::whole(values(part), part.shape().3)),
        });
        Statistics::joined(each)
    })
}

/// Operands: the maps.
struct Concatenate {
    /// Of each map.
    channels: Vec<usize>,
}

impl Concatenate {
    /// Each map's first channel in the output, and how many it has.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.channels.iter().scan(0, |next, &channels| {
            let first = *next;
            *next += channels;
            Some((first, channels))
        })
    }
}

impl Operation for Concatenate {
    fn instruction(&self) -> Instruction {
        Instruction::Concatenate {
            channels: self.channels.clone(),
        }
    }

    fn forward(&mut self, operands: &[&[f32]]) -> Vec<f32> {
        let mut output = unwritten(operands.iter().map(|map| map.len()).sum());
        let all = self.channels.iter().sum();
        for (map, (first, channels)) in operands.iter().zip(self.places()) {
            elementwise::insert_channels(map, channels, &mut output, all, first);
        }
        output
    }

    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    fn backward(&mut self, dy: Gradient, context: &mut Backward<'_>) -> Result<(), CpuError> {
        let all = self.channels.iter().sum();
        for (map, (first, channels)) in self.places().enumerate() {
            context.gradient(map, |mode, dx| {
                elementwise::take_channels(&dy, all, first, mode, dx, channels)
            })?;
        }
        Ok(())
    }
}
