//! Which part of the processor multiplies bf16 values.

use std::sync::OnceLock;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
use crate::simd::InstructionSet;

/// What multiplies bf16 values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The matrix instructions of x86-64.
    Amx,
    /// The vectors of the [`InstructionSet`] in use, in f32.
    Vectors,
}

impl Unit {
    /// What it is called in messages and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amx => "amx",
            Self::Vectors => "vectors",
        }
    }

    /// Whether this processor has it and the system permits it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Amx => amx::is_available(),
            #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
            Self::Amx => false,
            Self::Vectors => true,
        }
    }

    /// The one that products use: AMX where it is available, unless another [`InstructionSet`] than AVX-512 is pinned.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Unit> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            if InstructionSet::current() == InstructionSet::Avx512 && Self::Amx.is_available() {
                Self::Amx
            } else {
                Self::Vectors
            }
        })
    }
}
