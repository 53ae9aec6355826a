//! From one input to several maps.

use dfdx::prelude::{
    BuildOnDevice, CpuError, Device, Dtype, Module, ModuleMut, ModuleVisitor, SplitTape, TensorCollection,
    WithEmptyTape,
};

use super::both_modes::in_both_modes;
use super::maps::Maps;
use crate::autodiff::Recorder;

/// Gives its input to each branch of the tuple `L`; their outputs together are [`Maps`]. The input may be a map or several.
///
/// Unlike dfdx's `SplitInto`, whose outputs are a plain tuple, what comes out can go into another module that reads it
/// more than once.
#[derive(Debug, Default, Clone)]
pub struct Fork<L>(pub L);

impl<L: BuildOnDevice<D, E>, D: Device<E>, E: Dtype> BuildOnDevice<D, E> for Fork<L> {
    type Built = Fork<L::Built>;
}

impl<L: TensorCollection<E, D>, E: Dtype, D: Device<E>> TensorCollection<E, D> for Fork<L> {
    type To<E2: Dtype, D2: Device<E2>> = Fork<L::To<E2, D2>>;

    fn iter_tensors<V: ModuleVisitor<Self, E, D>>(visitor: &mut V) -> Result<Option<Self::To<V::E2, V::D2>>, V::Err> {
        visitor.visit_fields(Self::module("0", |s| &s.0, |s| &mut s.0), Fork)
    }
}

macro_rules! fork {
    ($module:ident, $forward:ident, $this:ty; $($branch:ident $index:tt),+; $last:ident $last_index:tt) => {
        impl<X, T, $($branch,)+ $last> $module<X> for Fork<($($branch,)+ $last)>
        where
            X: WithEmptyTape,
            T: Recorder,
            $($branch: $module<X, Output: SplitTape<Tape = T>, Error = CpuError>,)+
            $last: $module<X, Output: SplitTape<Tape = T>, Error = CpuError>,
        {
            type Output = Maps<
                ($(<$branch::Output as SplitTape>::NoTape,)+ <$last::Output as SplitTape>::NoTape),
                T,
            >;
            type Error = CpuError;

            fn $forward(self: $this, input: X) -> Result<Self::Output, CpuError> {
                let mut tape = T::default();
                let mut collect = |branch| tape = std::mem::take(&mut tape).merge(branch);
                let tensors = (
                    $({
                        let (tensor, tape) = self.0.$index.$forward(input.with_empty_tape())?.split_tape();
                        collect(tape);
                        tensor
                    },)+
                    {
                        let (tensor, tape) = self.0.$last_index.$forward(input)?.split_tape();
                        collect(tape);
                        tensor
                    },
                );
                Ok(Maps { tensors, tape })
            }
        }
    };
}
in_both_modes!(fork; A 0; B 1);
in_both_modes!(fork; A 0, B 1, C 2; D 3);
in_both_modes!(fork; A 0, B 1, C 2, D 3, E 4; F 5);
