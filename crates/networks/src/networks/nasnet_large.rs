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
    for (cell, kind, adjustment) in cells() {
        let own = kind.name();
        names.conv2d(&format!("{own}_conv_1_{cell}"));
        names.batch_norm(&format!("{own}_bn_1_{cell}"));
        adjust(&mut names, &cell, adjustment);
        for block in kind.separable_blocks() {
            for layer in 1..=2 {
                names.separable_conv2d(&format!("separable_conv_{layer}_{own}_{block}_{cell}"));
                names.batch_norm(&format!("separable_conv_{layer}_bn_{own}_{block}_{cell}"));
            }
        }
    }
    names.into()
}

/// The layers that have parameters in the order of Keras' `model.layers`, which is that of their depth: a cell's branches
/// take turns.
pub fn keras_layers() -> Vec<String> {
    let mut layers = vec!["stem_conv1".to_owned(), "stem_bn1".to_owned()];
    for (cell, kind, adjustment) in cells() {
        let first = first_layers(kind, adjustment).iter().map(|&layer| layer.to_owned());
        let separable = match kind {
            CellKind::Normal => taking_turns(kind, &[&["left1", "right1", "left2", "right2", "left5"]]),
            CellKind::Reduction => [
                taking_turns(kind, &[&["left1", "right1"]]),
                taking_turns(kind, &[&["right2"], &["right3", "left4"]]),
            ]
            .concat(),
        };
        layers.extend(first.chain(separable).map(|layer| format!("{layer}_{cell}")));
    }
    layers
}

#[derive(Clone, Copy)]
enum CellKind {
    Normal,
    Reduction,
}

impl CellKind {
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Reduction => "reduction",
        }
    }

    /// The blocks with separable convolutions. That of a reduction cell's block 5 is called `left4` in Keras.
    fn separable_blocks(self) -> [&'static str; 5] {
        match self {
            Self::Normal => ["left1", "right1", "left2", "right2", "left5"],
            Self::Reduction => ["left1", "right1", "right2", "right3", "left4"],
        }
    }
}

/// What a cell does to the previous map.
#[derive(Clone, Copy)]
enum Adjustment {
    None,
    Project,
    Halve,
}

/// All cells by Keras' names for them.
fn cells() -> Vec<(String, CellKind, Adjustment)> {
    let mut cells = vec![
        ("stem_1".to_owned(), CellKind::Reduction, Adjustment::None),
        ("stem_2".to_owned(), CellKind::Reduction, Adjustment::Halve),
    ];
    for (group, first) in [0, 7, 13].into_iter().enumerate() {
        cells.push((first.to_string(), CellKind::Normal, Adjustment::Halve));
        let more = (first + 1..first + 6).map(|cell| (cell.to_string(), CellKind::Normal, Adjustment::Project));
        cells.extend(more);
        if group < 2 {
            let name = format!("reduce_{}", 6 * (group + 1));
            cells.push((name, CellKind::Reduction, Adjustment::Project));
        }
    }
    cells
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

/// A cell's layers before its blocks, by depth.
fn first_layers(kind: CellKind, adjustment: Adjustment) -> &'static [&'static str] {
    use Adjustment::{Halve, Project};
    use CellKind::{Normal, Reduction};
    match (kind, adjustment) {
        (Normal, Adjustment::None) => &["normal_conv_1", "normal_bn_1"],
        (Normal, Project) => &["adjust_conv_projection", "normal_conv_1", "adjust_bn", "normal_bn_1"],
        (Normal, Halve) => &[
            "adjust_conv_1",
            "adjust_conv_2",
            "normal_conv_1",
            "adjust_bn",
            "normal_bn_1",
        ],
        (Reduction, Adjustment::None) => &["reduction_conv_1", "reduction_bn_1"],
        (Reduction, Project) => &[
            "reduction_conv_1",
            "adjust_conv_projection",
            "reduction_bn_1",
            "adjust_bn",
        ],
        (Reduction, Halve) => &[
            "adjust_conv_1",
            "adjust_conv_2",
            "reduction_conv_1",
            "reduction_bn_1",
            "adjust_bn",
        ],
    }
}

/// The separable convolutions of groups of blocks: each group's first ones, then its first normalisations; then the second
/// ones.
fn taking_turns(kind: CellKind, groups: &[&[&str]]) -> Vec<String> {
    let mut layers = Vec::new();
    for number in 1..=2 {
        for group in groups {
            for layer in [
                format!("separable_conv_{number}"),
                format!("separable_conv_{number}_bn"),
            ] {
                layers.extend(group.iter().map(|block| format!("{layer}_{}_{block}", kind.name())));
            }
        }
    }
    layers
}
