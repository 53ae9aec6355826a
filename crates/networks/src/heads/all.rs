//! From a head's name to its type.

use dfdx::prelude::{Const, CpuError};

use super::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadKind, HeadsOver};
use crate::typed::{AnyHead, TypedHead};

/// All heads fit maps of `M × M × C`; `Self` is `Const<M>`.
pub trait AllHeads<const M: usize, const C: usize> {
    /// A head for so many classes, its parameters drawn from a seed.
    ///
    /// # Errors
    /// Those of its layers.
    fn build(head: HeadKind, seed: u64, classes: usize) -> Result<Box<dyn AnyHead<M, C>>, CpuError>;
}

impl<const M: usize, const C: usize> AllHeads<M, C> for Const<M>
where
    Const<M>: HeadsOver,
    Gap<C>: Head<M, C>,
    GapDropout<C>: Head<M, C>,
    Depthwise<C, M>: Head<M, C>,
    DepthwiseNonNeg<C, M>: Head<M, C>,
    <Const<M> as HeadsOver>::WiseSrNet<C>: Head<M, C>,
    <Const<M> as HeadsOver>::WiseSrNetDropout<C>: Head<M, C>,
    <Const<M> as HeadsOver>::FlattenFc<C>: Head<M, C>,
{
    fn build(head: HeadKind, seed: u64, classes: usize) -> Result<Box<dyn AnyHead<M, C>>, CpuError> {
        let build = match head {
            HeadKind::Gap => TypedHead::<Gap<C>>::boxed,
            HeadKind::GapDropout => TypedHead::<GapDropout<C>>::boxed,
            HeadKind::Depthwise => TypedHead::<Depthwise<C, M>>::boxed,
            HeadKind::DepthwiseNonneg => TypedHead::<DepthwiseNonNeg<C, M>>::boxed,
            HeadKind::WiseSrnet => TypedHead::<<Const<M> as HeadsOver>::WiseSrNet<C>>::boxed,
            HeadKind::WiseSrnetDropout => TypedHead::<<Const<M> as HeadsOver>::WiseSrNetDropout<C>>::boxed,
            HeadKind::FlattenFc => TypedHead::<<Const<M> as HeadsOver>::FlattenFc<C>>::boxed,
        };
        build(seed, classes)
    }
}
