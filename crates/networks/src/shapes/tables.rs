//! The tables behind [`Window`](super::Window), [`Plus`](super::Plus) and [`Times`](super::Times): one trait for each rule, one
//! implementation for each size. `build.rs` writes the sizes.
//!
//! The compiler compares all implementations of a trait with each other, and looks through them for every layer. That is
//! why each rule has a trait of its own, and why the sizes are plain numbers.

use dfdx::shapes::{Const, ConstDim};

macro_rules! tables {
    ($($name:ident)+) => {$(
        pub trait $name: ConstDim {
            /// The size that belongs to this one.
            type Out: ConstDim;
        }
    )+};
}
// Windows by their size and stride.
tables!(HalvesRoundedUp TwoByTwo ThreeByOne ThreeByTwo ThreeByThree FiveByTwo SevenByTwo);
// Channels and so many more, or so many times.
tables!(Plus8 Plus16 Plus24 Plus32 Plus48 Plus64 Twice FourTimes SixTimes);

macro_rules! size {
    ($table:ident: $size:literal => $out:literal) => {
        impl $table for Const<$size> {
            type Out = Const<$out>;
        }
    };
}
include!(concat!(env!("OUT_DIR"), "/sizes.rs"));
