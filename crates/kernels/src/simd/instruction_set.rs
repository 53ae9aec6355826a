//! Which vector instructions the kernels use. AVX-512 and AVX2 give the same bits, because both multiply and add in one
//! rounding, in the same order; the portable loops round twice.

use std::fmt;
use std::sync::OnceLock;

use thiserror::Error;

/// The instruction sets that kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// x86-64 with AVX-512: 32 registers of 16 values.
    Avx512,
    /// x86-64 with AVX2 and FMA: 16 registers of 8 values.
    Avx2,
    /// Any other: what the compiler makes of arrays of 4 values.
    Portable,
}

/// Why an instruction set can't be pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PinError {
    /// The processor lacks it.
    #[error("this processor has no {0}")]
    Unsupported(InstructionSet),
    /// Something has been computed with another one.
    #[error("{0} is in use already")]
    InUse(InstructionSet),
}

static CURRENT: OnceLock<InstructionSet> = OnceLock::new();

impl InstructionSet {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Whether its kernels give the bits of the other's.
    pub fn agrees_with(self, other: Self) -> bool {
        (self == Self::Portable) == (other == Self::Portable)
    }

    /// Whether this processor has it.
    pub fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// The one that kernels use: the pinned one, or else the fastest that this processor has.
    pub fn current() -> Self {
        *CURRENT.get_or_init(|| {
            let supported = Self::ALL.into_iter().find(|set| set.is_supported());
            supported.unwrap_or(Self::Portable)
        })
    }

    /// Has all kernels use this one from now on.
    ///
    /// # Errors
    /// If the processor lacks it, or kernels have run with another one.
    pub fn pin(self) -> Result<(), PinError> {
        if !self.is_supported() {
            return Err(PinError::Unsupported(self));
        }
        let current = *CURRENT.get_or_init(|| self);
        if current == self {
            Ok(())
        } else {
            Err(PinError::InUse(current))
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
