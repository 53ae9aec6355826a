//! The type-level arithmetic of feature maps, and nothing else: how wide a map is behind a window, and how many
//! channels two maps have together. A layer asks these traits for its output's type, so a shape that doesn't fit is
//! an error of `cargo check`.
//!
//! Stable Rust can't compute with generic constants; it can look them up. Rules that hold for any size are generic
//! implementations, all others are tables over sizes up to 640 (pixels) and 4,096 (channels).

mod tables;

use std::fmt::Debug;

use dfdx::shapes::{Const, ConstDim};

/// How a window treats the border of a map.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a padding",
    label = "expected `Valid`, `Same`, `Whole`, `Pad<N>` or `CorrectPad`"
)]
pub trait Padding: 'static + Copy + Default + Debug + Send + Sync {
    /// Whether poolings see the padding as zeros (Keras `ZeroPadding2D`) or not at all.
    const ZEROS_COUNT: bool;

    /// Cells added before the first row (or column) of a map of `size` cells.
    fn before(size: usize, kernel: usize, stride: usize) -> usize;
}

/// No padding: the window stays inside the map (Keras `padding="valid"`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Valid;

/// As many output cells as input cells divided by the stride, rounded up (Keras `padding="same"`). Where the padding
/// is odd, the extra cell comes after the map: 0+1 on even maps and 1+1 on odd ones for a 3×3 window with stride 2.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Same;

/// `N` cells on every side (Keras `ZeroPadding2D(N)` followed by a valid window).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pad<const N: usize>;

/// Zeros with which a window of odd size and stride 2 writes half as many cells, rounded up: 1+1 on odd maps and 0+1 on
/// even ones for a 3×3 window (Keras `ZeroPadding2D(correct_pad(…))` followed by a valid window). The cells lie as with
/// [`Same`], but poolings see them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CorrectPad;

/// No padding, and the window is as large as the map: it moves nowhere and writes one pixel. A layer with this padding
/// fits no other map.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Whole;

impl Padding for Whole {
    const ZEROS_COUNT: bool = false;

    fn before(_: usize, _: usize, _: usize) -> usize {
        0
    }
}

impl Padding for Valid {
    const ZEROS_COUNT: bool = false;

    fn before(_: usize, _: usize, _: usize) -> usize {
        0
    }
}

impl Padding for Same {
    const ZEROS_COUNT: bool = false;

    fn before(size: usize, kernel: usize, stride: usize) -> usize {
        let total = ((size.div_ceil(stride).max(1) - 1) * stride + kernel).saturating_sub(size);
        total / 2
    }
}

impl Padding for CorrectPad {
    const ZEROS_COUNT: bool = true;

    fn before(size: usize, kernel: usize, _: usize) -> usize {
        (kernel / 2 + size % 2).saturating_sub(1)
    }
}

impl<const N: usize> Padding for Pad<N> {
    const ZEROS_COUNT: bool = true;

    fn before(_: usize, _: usize, _: usize) -> usize {
        N
    }
}

/// A `KERNEL`-wide window moved in steps of `STRIDE` over a map of this size.
///
/// `<Const<56> as Window<3, 2, Same>>::Out` is `Const<28>`.
#[diagnostic::on_unimplemented(
    message = "a window of size {KERNEL} with stride {STRIDE} and padding `{P}` does not fit on a map of size `{Self}`",
    label = "this map has no such window",
    note = "a window must not be larger than the map, and one with padding `Whole` must be exactly as large",
    note = "or this kind of window is unknown to `crates/networks/src/shapes.rs`, or the size of the map to `crates/networks/build.rs`"
)]
pub trait Window<const KERNEL: usize, const STRIDE: usize, P: Padding>: ConstDim {
    /// The size of the map that the window writes.
    type Out: ConstDim;
}

/// Windows that keep the size, whatever it is.
macro_rules! keeps_size {
    ($($kernel:literal with $padding:ty),+ $(,)?) => {$(
        impl<const N: usize> Window<$kernel, 1, $padding> for Const<N> {
            type Out = Const<N>;
        }
    )+};
}
keeps_size!(1 with Valid, 3 with Pad<1>, 5 with Pad<2>, 7 with Pad<3>);

impl<const N: usize, const KERNEL: usize> Window<KERNEL, 1, Same> for Const<N> {
    type Out = Const<N>;
}

impl<const N: usize> Window<N, 1, Whole> for Const<N> {
    type Out = Const<1>;
}

/// Windows that a table knows: `kernel, stride, padding, table`.
macro_rules! looks_up {
    ($($kernel:literal, $stride:literal, $padding:ty, $table:ident);+ $(;)?) => {$(
        impl<const N: usize> Window<$kernel, $stride, $padding> for Const<N>
        where
            Const<N>: tables::$table,
        {
            type Out = <Self as tables::$table>::Out;
        }
    )+};
}
looks_up! {
    1, 2, Valid, HalvesRoundedUp;
    2, 2, Valid, TwoByTwo;
    3, 1, Valid, ThreeByOne;
    3, 2, Valid, ThreeByTwo;
    3, 3, Valid, ThreeByThree;
    5, 2, Valid, FiveByTwo;
    7, 2, Valid, SevenByTwo;
    3, 2, Pad<1>, HalvesRoundedUp;
    7, 2, Pad<3>, HalvesRoundedUp;
    3, 2, CorrectPad, HalvesRoundedUp;
    5, 2, CorrectPad, HalvesRoundedUp;
    7, 2, CorrectPad, HalvesRoundedUp;
}

impl<const N: usize, const KERNEL: usize> Window<KERNEL, 2, Same> for Const<N>
where
    Const<N>: tables::HalvesRoundedUp,
{
    type Out = <Self as tables::HalvesRoundedUp>::Out;
}

/// This many channels and `MORE` others: `<Const<64> as Plus<32>>::Sum` is `Const<96>`.
#[diagnostic::on_unimplemented(
    message = "the sum of `{Self}` and {MORE} channels is not in the table",
    label = "channels that can't be concatenated",
    note = "`crates/networks/build.rs` tabulates multiples of 8 up to 4,096 channels, with 8 to 64 more"
)]
pub trait Plus<const MORE: usize>: ConstDim {
    /// The number of channels of both together.
    type Sum: ConstDim;
}

macro_rules! sums {
    ($($more:literal: $table:ident),+) => {$(
        impl<const N: usize> Plus<$more> for Const<N>
        where
            Const<N>: tables::$table,
        {
            type Sum = <Self as tables::$table>::Out;
        }
    )+};
}
sums!(8: Plus8, 16: Plus16, 24: Plus24, 32: Plus32, 48: Plus48, 64: Plus64);

/// `N` times as many channels: `<Const<84> as Times<4>>::Product` is `Const<336>`.
#[diagnostic::on_unimplemented(
    message = "{N} times `{Self}` channels is not in the table",
    label = "channels that can't be concatenated",
    note = "`crates/networks/build.rs` tabulates two, four and six times even numbers of channels up to 1,024"
)]
pub trait Times<const N: usize>: ConstDim {
    /// The number of channels of all together.
    type Product: ConstDim;
}

macro_rules! products {
    ($($count:literal: $table:ident),+) => {$(
        impl<const N: usize> Times<$count> for Const<N>
        where
            Const<N>: tables::$table,
        {
            type Product = <Self as tables::$table>::Out;
        }
    )+};
}
products!(2: Twice, 4: FourTimes, 6: SixTimes);

/// Exactly `N` channels: the bound through which a layer says what it takes.
#[diagnostic::on_unimplemented(
    message = "this layer takes {N} channels, but the feature map has `{Self}`",
    label = "the number of channels differs"
)]
pub trait Channels<const N: usize>: ConstDim {}

impl<const N: usize> Channels<N> for Const<N> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn out<N: Window<K, S, P>, const K: usize, const S: usize, P: Padding>() -> usize {
        <N::Out as ConstDim>::SIZE
    }

    #[test]
    fn windows_have_the_sizes_that_keras_computes() {
        assert_eq!(out::<Const<224>, 7, 2, Pad<3>>(), 112);
        assert_eq!(out::<Const<112>, 3, 2, Pad<1>>(), 56);
        assert_eq!(out::<Const<299>, 3, 2, Valid>(), 149);
        assert_eq!(out::<Const<7>, 2, 2, Valid>(), 3);
        assert_eq!(out::<Const<16>, 3, 3, Valid>(), 5);
        assert_eq!(out::<Const<55>, 3, 2, Same>(), 28);
        assert_eq!(out::<Const<56>, 1, 2, Valid>(), 28);
        assert_eq!(out::<Const<19>, 5, 1, Same>(), 19);
    }

    #[test]
    fn same_padding_puts_the_odd_cell_after_the_map() {
        assert_eq!(Same::before(56, 3, 2), 0);
        assert_eq!(Same::before(55, 3, 2), 1);
        assert_eq!(Same::before(56, 3, 1), 1);
        assert_eq!(Same::before(56, 7, 2), 2);
        assert_eq!(Same::before(56, 1, 2), 0);
    }

    #[test]
    fn correct_pad_lies_as_same_padding_does() {
        for size in 1..=64 {
            for kernel in [3, 5, 7] {
                assert_eq!(
                    CorrectPad::before(size, kernel, 2),
                    Same::before(size, kernel, 2),
                    "{size}, {kernel}"
                );
            }
        }
        assert_eq!(out::<Const<111>, 7, 2, CorrectPad>(), 56);
        assert_eq!(out::<Const<56>, 5, 2, CorrectPad>(), 28);
    }

    #[test]
    fn channels_add_up() {
        assert_eq!(<<Const<1632> as Plus<32>>::Sum as ConstDim>::SIZE, 1664);
        assert_eq!(<<Const<672> as Times<6>>::Product as ConstDim>::SIZE, 4032);
    }
}
