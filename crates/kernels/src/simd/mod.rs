//! Vector instructions: which ones are used, and how kernels are compiled for them. One choice governs all of them.

mod instruction_set;
mod vector;
mod vectorized;

pub use instruction_set::{InstructionSet, PinError};
#[cfg(target_arch = "x86_64")]
pub(crate) use vector::{avx2, avx512};
pub(crate) use vector::{for_each_instruction_set, of_instruction_set, portable, prefetch, prefetch_to_write};
pub(crate) use vectorized::vectorized;
