//! How a value of a map is stored: in 32 bits, or rounded to the 16 of bf16. Kernels count in f32 either way.

use std::cell::RefCell;
use std::fmt::Debug;

use bytemuck::{Pod, Zeroable};

use crate::accumulate::AccumulatingLoops;
use crate::average_pooling::AveragingLoops;
use crate::batch_norm::NormalizingLoops;
use crate::elementwise::ElementwiseLoops;
use crate::max_pooling::MaximumLoops;
use crate::reduction::SummingLoops;
use crate::scratch::Kept;

/// A stored value.
pub trait Element:
    Copy
    + Debug
    + Default
    + PartialEq
    + Pod
    + Send
    + Sync
    + 'static
    + AccumulatingLoops<Self>
    + AveragingLoops<Self>
    + ElementwiseLoops<Self>
    + MaximumLoops<Self>
    + NormalizingLoops<Self>
    + SummingLoops<Self>
{
    /// The value that is stored.
    fn widen(self) -> f32;

    /// What is stored of a value.
    fn narrow(value: f32) -> Self;

    /// Stored values that are f32 as they are.
    fn as_f32(values: &[Self]) -> Option<&[f32]>;

    /// As [`as_f32`](Self::as_f32), to be written.
    fn as_f32_mut(values: &mut [Self]) -> Option<&mut [f32]>;

    /// Buffers that this thread keeps for [tasks](crate::scratch).
    #[doc(hidden)]
    fn kept() -> &'static Kept<Self>;
}

/// A thread's buffers of a type.
macro_rules! kept {
    ($element:ty) => {
        fn kept() -> &'static Kept<Self> {
            thread_local! {
                static KEPT: RefCell<Vec<Vec<$element>>> = const { RefCell::new(Vec::new()) };
            }
            &KEPT
        }
    };
}

impl Element for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }

    fn as_f32(values: &[Self]) -> Option<&[f32]> {
        Some(values)
    }

    fn as_f32_mut(values: &mut [Self]) -> Option<&mut [f32]> {
        Some(values)
    }

    kept!(f32);
}

/// The upper half of an f32: its sign, its exponent, and 7 bits of its significand ("brain floating point").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(u16);

#[allow(unsafe_code)]
// SAFETY: it is a `u16`, of which any bits will do.
unsafe impl Zeroable for Bf16 {}

#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Pod for Bf16 {}

impl Element for Bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// The nearest value; of two that are equally near, the one whose last bit is 0. NaN stays NaN.
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        let bits = value.to_bits();
        let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        // Rounding could carry a NaN's bits into its sign. This one is quiet.
        let nan = (bits >> 16) | 0x40;
        Self(if value.is_nan() { nan } else { nearest } as u16)
    }

    fn as_f32(_: &[Self]) -> Option<&[f32]> {
        None
    }

    fn as_f32_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }

    kept!(Bf16);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_becomes_the_nearest_one_and_ties_go_to_even() {
        // One has the exponent of 127, so that the last bit of bf16 is worth 2⁻⁷ above it.
        let unit = 1.0 / 128.0;
        for (value, rounded) in [
            (1.0, 1.0),
            (-3.5, -3.5),
            (1.0 + 0.49 * unit, 1.0),
            (1.0 + 0.5 * unit, 1.0),
            (1.0 + 0.51 * unit, 1.0 + unit),
            (1.0 + 1.5 * unit, 1.0 + 2.0 * unit),
            (-1.0 - 1.5 * unit, -1.0 - 2.0 * unit),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
            (-0.0, -0.0),
        ] {
            assert_eq!(Bf16::narrow(value).widen().to_bits(), f32::to_bits(rounded), "{value}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        for bits in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffff_ffff_u32] {
            assert!(Bf16::narrow(f32::from_bits(bits)).widen().is_nan());
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        for bits in 0..=u16::MAX {
            let value = Bf16(bits);
            assert!(value.widen().is_nan() || Bf16::narrow(value.widen()) == value);
        }
    }
}
