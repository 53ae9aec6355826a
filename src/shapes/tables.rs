//! The tables behind [`Window`](super::Window), [`Plus`](super::Plus) and [`Times`](super::Times): one trait for each rule, one
//! implementation for each size. `build.rs` writes the sizes.
//!
//! The compiler compares all implementations of a trait with each other, and looks through them for every layer. That is
//! why each rule has a trait of its own, and why the sizes are plain numbers.

use dfdx::shapes::{Const, ConstDim};

macro_rules! tables {
    ($label:literal, $note:literal: $($name:ident, $message:literal;)+) => {$(
        #[diagnostic::on_unimplemented(message = $message, label = $label, note = $note)]
        pub trait $name: ConstDim {
            /// The size that belongs to this one.
            type Out: ConstDim;
        }
    )+};
}

tables! {
    "this map has no such window",
    "a window must not be larger than the map, and the tables that `build.rs` writes end with maps of 640 pixels":
    HalvesRoundedUp, "a map of size `{Self}` can't be halved";
    TwoByTwo, "a window of size 2 with stride 2 and padding `Valid` does not fit on a map of size `{Self}`";
    ThreeByOne, "a window of size 3 with stride 1 and padding `Valid` does not fit on a map of size `{Self}`";
    ThreeByTwo, "a window of size 3 with stride 2 and padding `Valid` does not fit on a map of size `{Self}`";
    ThreeByThree, "a window of size 3 with stride 3 and padding `Valid` does not fit on a map of size `{Self}`";
    FiveByTwo, "a window of size 5 with stride 2 and padding `Valid` does not fit on a map of size `{Self}`";
    SevenByTwo, "a window of size 7 with stride 2 and padding `Valid` does not fit on a map of size `{Self}`";
}

tables! {
    "channels that can't be concatenated",
    "the tables that `build.rs` writes have multiples of 8 up to 4,096 channels, with 8 to 64 more":
    Plus8, "the sum of `{Self}` and 8 channels is not in the table";
    Plus16, "the sum of `{Self}` and 16 channels is not in the table";
    Plus24, "the sum of `{Self}` and 24 channels is not in the table";
    Plus32, "the sum of `{Self}` and 32 channels is not in the table";
    Plus48, "the sum of `{Self}` and 48 channels is not in the table";
    Plus64, "the sum of `{Self}` and 64 channels is not in the table";
}

tables! {
    "channels that can't be concatenated",
    "the tables that `build.rs` writes have two, four and six times even numbers of channels up to 1,024":
    Twice, "2 times `{Self}` channels is not in the table";
    FourTimes, "4 times `{Self}` channels is not in the table";
    SixTimes, "6 times `{Self}` channels is not in the table";
}

macro_rules! size {
    ($table:ident: $size:literal => $out:literal) => {
        impl $table for Const<$size> {
            type Out = Const<$out>;
        }
    };
}
include!(concat!(env!("OUT_DIR"), "/sizes.rs"));
