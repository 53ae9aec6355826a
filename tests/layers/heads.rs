//! All seven heads over the maps of `MiniResNet` at 64 and 96 px.

use dfdx::prelude::{Const, PutTape};
use wise_srnet::heads::{Depthwise, DepthwiseNonNeg, Gap, GapDropout, Head, HeadsOver};
use wise_srnet::layers::{TrainingTape, build};

use crate::step::{assert_gradients_arrive, backward, maps, tensors};

/// The head gives logits in inference and gradients in training; returns its number of parameters for 6 classes.
fn parameters<H: Head<M, 128>, const M: usize>() -> usize {
    let mut head: H = build(1, "net", 6).unwrap();
    assert_eq!(head.infer(maps(3, 1)).unwrap().as_vec().len(), 3 * 6);
    let logits = head.train(maps(3, 1).put_tape(TrainingTape::default())).unwrap();
    let (logits, gradients) = backward(&mut head, logits);
    assert_eq!(logits.len(), 3 * 6);
    assert_gradients_arrive(&gradients);
    tensors(&mut head).values().map(Vec::len).sum()
}

/// The parameters of all heads over maps of `M × M`, in the order of the command line's names.
fn all_heads<const M: usize>() -> [usize; 7]
where
    Const<M>: HeadsOver,
    Gap<128>: Head<M, 128>,
    GapDropout<128>: Head<M, 128>,
    Depthwise<128, M>: Head<M, 128>,
    DepthwiseNonNeg<128, M>: Head<M, 128>,
    <Const<M> as HeadsOver>::WiseSrNet<128>: Head<M, 128>,
    <Const<M> as HeadsOver>::WiseSrNetDropout<128>: Head<M, 128>,
    <Const<M> as HeadsOver>::FlattenFc<128>: Head<M, 128>,
{
    [
        parameters::<Gap<128>, M>(),
        parameters::<GapDropout<128>, M>(),
        parameters::<Depthwise<128, M>, M>(),
        parameters::<DepthwiseNonNeg<128, M>, M>(),
        parameters::<<Const<M> as HeadsOver>::WiseSrNet<128>, M>(),
        parameters::<<Const<M> as HeadsOver>::WiseSrNetDropout<128>, M>(),
        parameters::<<Const<M> as HeadsOver>::FlattenFc<128>, M>(),
    ]
}

#[test]
fn all_heads_run_and_train_and_have_the_papers_numbers_of_parameters() {
    let dense = 128 * 6 + 6;
    let spatial = |pixels: usize| (pixels + 1) * 128 + dense;
    assert_eq!(
        all_heads::<8>(),
        [
            dense,
            dense,
            spatial(64),
            spatial(64),
            spatial(16),
            spatial(16),
            4 * 128 * 6 + 6
        ]
    );
    assert_eq!(
        all_heads::<12>(),
        [
            dense,
            dense,
            spatial(144),
            spatial(144),
            spatial(16),
            spatial(16),
            16 * 128 * 6 + 6
        ]
    );
}
