//! NASNet-A (6 @ 4032) without its head, as in `keras.applications.NASNetLarge(include_top=False)`.
//!
//! Zoph et al. 2017, *Learning Transferable Architectures for Scalable Image Recognition* (arXiv 1707.07012), figures 2
//! and 4. The map is 7×7×4032 at 224 px and 16×16×4032 at 512 px.
//!
//! A cell reads two maps, its predecessor's output and that of the cell before: [`Maps`](crate::layers::Maps) of the two
//! run through the network. `F` is a cell's number of filters; its output has four or six times as many channels.

use dfdx::prelude::Repeated;

use super::keras_names::KerasNames;
use crate::layers::{
    At, AvgPool2D, BatchNorm2D, ConcatMaps, Conv2D, Fork, HeNormal, Identity, MaxPool2D, NoActivation, NoBias,
    Normalization, ReLU, Relu, SeparableConv2D, Shortcut, Subsample2D,
};
use crate::shapes::{CorrectPad, Same, Valid};

/// Momentum 0.9997, ε 1e-3.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SlowStatistics;

impl Normalization for SlowStatistics {
    const MOMENTUM: f32 = 0.9997;
    const EPSILON: f32 = 1e-3;
}

/// Batch normalisation with an activation.
pub type Norm<const C: usize, A = NoActivation> = BatchNorm2D<C, SlowStatistics, A>;

/// Convolution without a bias.
pub type Convolution<const I: usize, const O: usize, const K: usize = 1, const S: usize = 1> =
    Conv2D<I, O, K, S, Valid, NoBias, HeNormal>;

/// Two separable convolutions with a `K × K` window, of which the first may halve the map (`_separable_conv_block` in
/// Keras).
type Separable<const I: usize, const O: usize, const K: usize, const S: usize = 1, P = Same> = (
    ReLU,
    (SeparableConv2D<I, O, K, S, P>, Norm<O, Relu>),
    (SeparableConv2D<O, O, K>, Norm<O>),
);

/// The layer `L` on the predecessor's output; in a cell's blocks, on what the cell has made of it.
pub type Current<L = Identity> = At<0, L>;

/// The layer `L` on the output of the cell before the predecessor.
type Previous<L = Identity> = At<1, L>;

/// Two branches added.
type Sum<L, R> = Shortcut<L, R>;

/// Gives a map as many channels as the cell has filters.
pub type Project<const I: usize, const F: usize> = (ReLU, Convolution<I, F>, Norm<F>);

/// [`Project`] for a map twice as large as the cell's: half of the channels see the pixels at even places, the others those
/// at odd places (`adjust_reduction_block` in Keras).
pub type Halve<const I: usize, const F: usize, const HALF: usize> = (
    ReLU,
    Fork<(
        (Subsample2D<0>, Convolution<I, HALF>),
        (Subsample2D<1>, Convolution<I, HALF>),
    )>,
    ConcatMaps<2>,
    Norm<F>,
);

/// 3×3 mean of a map that keeps its size.
type Average = AvgPool2D<3, 1, Same>;

/// The five blocks of a normal cell, behind the map of the cell before (figure 4, left).
type NormalBlocks<const F: usize> = (
    Fork<(
        Previous,
        Sum<Current<Separable<F, F, 5>>, Previous<Separable<F, F, 3>>>,
        Sum<Previous<Separable<F, F, 5>>, Previous<Separable<F, F, 3>>>,
        Sum<Current<Average>, Previous>,
        Sum<Previous<Average>, Previous<Average>>,
        Sum<Current<Separable<F, F, 3>>, Current>,
    )>,
    ConcatMaps<6>,
);

/// A separable convolution that halves the map.
type Stride2<const I: usize, const O: usize, const K: usize> = Separable<I, O, K, 2, CorrectPad>;

/// The blocks of a reduction cell that read its input: three sums, and the pooled map that the fifth block adds. The map
/// of the cell before has `P` channels.
type InnerBlocks<const P: usize, const F: usize> = Fork<(
    Sum<Current<Stride2<F, F, 5>>, Previous<Stride2<P, F, 7>>>,
    Sum<Current<MaxPool2D<3, 2, CorrectPad>>, Previous<Stride2<P, F, 7>>>,
    Sum<Current<AvgPool2D<3, 2, CorrectPad>>, Previous<Stride2<P, F, 5>>>,
    Current<MaxPool2D<3, 2, CorrectPad>>,
)>;

/// The five blocks of a reduction cell (figure 4, right). Blocks 4 and 5 read the first one, which is no output.
pub type ReductionBlocks<const P: usize, const F: usize> = (
    InnerBlocks<P, F>,
    Fork<(
        At<1>,
        At<2>,
        Sum<At<1>, At<0, Average>>,
        Sum<At<0, Separable<F, F, 3>>, At<3>>,
    )>,
    ConcatMaps<4>,
);

/// `B` on both maps, once they have the cell's size and number of filters: `A` adjusts the previous one, the current one
/// has `I` channels. The next cell reads the output, and beside it `N`, this cell's current map.
pub type Cell<const I: usize, const F: usize, A, B, N = Current> =
    Fork<((Fork<(Current<Project<I, F>>, Previous<A>)>, B), N)>;

/// A cell that keeps the map's size.
pub type NormalCell<const I: usize, const F: usize, A> = Cell<I, F, A, NormalBlocks<F>>;

/// A cell that halves the map, between normal cells. The next cell reads what this one read as its previous map
/// (`skip_reduction` in Keras).
pub type ReductionCell<const I: usize, const F: usize> = Cell<I, F, Project<I, F>, ReductionBlocks<F, F>, Previous>;

/// Six normal cells; the first two still read maps of the cells before, with `I` and `P` channels.
type NormalCells<const I: usize, const P: usize, const F: usize, const HALF: usize, const O: usize> = (
    NormalCell<I, F, Halve<P, F, HALF>>,
    NormalCell<O, F, Project<I, F>>,
    Repeated<NormalCell<O, F, Project<O, F>>, 4>,
);

/// An eighth of the image's size. The first cell's two maps are the same.
type Stem = (
    (Convolution<3, 96, 3, 2>, Norm<96>),
    Fork<(Identity, Identity)>,
    Cell<96, 42, Identity, ReductionBlocks<96, 42>>,
    Cell<168, 84, Halve<96, 84, 42>, ReductionBlocks<84, 84>>,
);

/// The network without its head.
pub type NasNetLarge = (
    Stem,
    (NormalCells<336, 168, 168, 84, 1008>, ReductionCell<1008, 336>),
    (NormalCells<1344, 1008, 336, 168, 2016>, ReductionCell<2016, 672>),
    NormalCells<2688, 2016, 672, 336, 4032>,
    Current,
    ReLU,
);

/// What Keras calls the parameters, `layer/variable`, in the order in which [`for_each`](crate::layers::for_each) visits
/// them.
pub fn keras_names() -> Vec<String> {
    let mut names = KerasNames::default();
    names.conv2d("stem_conv1");
    names.batch_norm("stem_bn1");
    reduction_cell(&mut names, "stem_1", Adjustment::None);
    reduction_cell(&mut names, "stem_2", Adjustment::Halve);
    for (group, first) in [0, 7, 13].into_iter().enumerate() {
        for cell in first..first + 6 {
            let adjustment = if cell == first {
                Adjustment::Halve
            } else {
                Adjustment::Project
            };
            normal_cell(&mut names, &cell.to_string(), adjustment);
        }
        if group < 2 {
            reduction_cell(&mut names, &format!("reduce_{}", 6 * (group + 1)), Adjustment::Project);
        }
    }
    names.into()
}

/// What a cell does to the previous map.
#[derive(Clone, Copy)]
enum Adjustment {
    None,
    Project,
    Halve,
}

fn normal_cell(names: &mut KerasNames, cell: &str, adjustment: Adjustment) {
    names.conv2d(&format!("normal_conv_1_{cell}"));
    names.batch_norm(&format!("normal_bn_1_{cell}"));
    adjust(names, cell, adjustment);
    for block in ["left1", "right1", "left2", "right2", "left5"] {
        separable(names, &format!("normal_{block}_{cell}"));
    }
}

fn reduction_cell(names: &mut KerasNames, cell: &str, adjustment: Adjustment) {
    names.conv2d(&format!("reduction_conv_1_{cell}"));
    names.batch_norm(&format!("reduction_bn_1_{cell}"));
    adjust(names, cell, adjustment);
    // The separable convolution of block 5 is called `left4` in Keras.
    for block in ["left1", "right1", "right2", "right3", "left4"] {
        separable(names, &format!("reduction_{block}_{cell}"));
    }
}

fn adjust(names: &mut KerasNames, cell: &str, adjustment: Adjustment) {
    match adjustment {
        Adjustment::None => return,
        Adjustment::Project => names.conv2d(&format!("adjust_conv_projection_{cell}")),
        Adjustment::Halve => {
            names.conv2d(&format!("adjust_conv_1_{cell}"));
            names.conv2d(&format!("adjust_conv_2_{cell}"));
        }
    }
    names.batch_norm(&format!("adjust_bn_{cell}"));
}

fn separable(names: &mut KerasNames, block: &str) {
    for layer in 1..=2 {
        names.separable_conv2d(&format!("separable_conv_{layer}_{block}"));
        names.batch_norm(&format!("separable_conv_{layer}_bn_{block}"));
    }
}
