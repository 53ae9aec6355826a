//! Vector registers, under the same names for each instruction set: the kernels that need more than the compiler's own
//! vectorisation are written once over these names.
#![allow(unsafe_code)]

/// Instantiates a kernel's macro for every instruction set of the target.
macro_rules! for_each_instruction_set {
    ($kernel:ident) => {
        #[cfg(target_arch = "x86_64")]
        $kernel!(avx512, feature "avx512f");
        #[cfg(target_arch = "x86_64")]
        $kernel!(avx2, feature "avx2,fma");
        $kernel!(portable);
    };
}
pub(super) use for_each_instruction_set;

/// Picks a kernel's instance for an [`InstructionSet`].
macro_rules! of_instruction_set {
    ($set:expr, $($item:tt)+) => {
        match $set {
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::instruction_set::InstructionSet::Avx512 => avx512::$($item)+,
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::instruction_set::InstructionSet::Avx2 => avx2::$($item)+,
            _ => portable::$($item)+,
        }
    };
}
pub(super) use of_instruction_set;

/// 16 values in a register of 512 bits. Every function needs AVX-512F, and valid addresses for the values that it names.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use std::arch::x86_64::*;

    pub type Vector = __m512;
    pub const LANES: usize = 16;
    /// Rows of two vectors, and what a product needs beside them, fit the registers.
    pub const TILE_ROWS: usize = 14;

    /// The mask of the first `count` lanes, `count` below 16.
    fn first(count: usize) -> __mmask16 {
        (1 << count) - 1
    }

    /// Asks for a line of memory that will be read; the address need not be valid.
    #[inline]
    pub fn prefetch(address: *const f32) {
        // SAFETY: a hint; it reads nothing and can't fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    /// Asks for a line of memory that will be written; the address need not be valid.
    #[inline]
    pub fn prefetch_to_write(address: *mut f32) {
        // SAFETY: a hint; it reads nothing and can't fault.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast_const().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn splat(value: f32) -> Vector {
        _mm512_set1_ps(value)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn add(a: Vector, b: Vector) -> Vector {
        _mm512_add_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn multiply_add(a: Vector, b: Vector, sum: Vector) -> Vector {
        _mm512_fmadd_ps(a, b, sum)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn load(address: *const f32) -> Vector {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_ps(address) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn store(address: *mut f32, vector: Vector) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_ps(address, vector) }
    }

    /// Loads `count` values; lanes beyond them are zero.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn load_first(address: *const f32, count: usize) -> Vector {
        // SAFETY: the caller's promise; lanes outside the mask are not read.
        unsafe {
            if count == LANES {
                load(address)
            } else {
                _mm512_maskz_loadu_ps(first(count), address)
            }
        }
    }

    /// Stores the first `count` lanes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub unsafe fn store_first(address: *mut f32, count: usize, vector: Vector) {
        // SAFETY: the caller's promise; lanes outside the mask are not written.
        unsafe {
            if count == LANES {
                store(address, vector);
            } else {
                _mm512_mask_storeu_ps(address, first(count), vector);
            }
        }
    }
}

/// 8 values in a register of 256 bits. Every function needs AVX2 and FMA, and valid addresses for the values that it
/// names.
#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    use std::arch::x86_64::*;

    pub type Vector = __m256;
    pub const LANES: usize = 8;
    /// Rows of two vectors, and what a product needs beside them, fit the registers.
    pub const TILE_ROWS: usize = 6;

    /// The mask of the first `count` lanes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn first(count: usize) -> __m256i {
        _mm256_cmpgt_epi32(
            _mm256_set1_epi32(count as i32),
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        )
    }

    /// Asks for a line of memory that will be read; the address need not be valid.
    #[inline]
    pub fn prefetch(address: *const f32) {
        // SAFETY: a hint; it reads nothing and can't fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    /// Asks for a line of memory that will be written; the address need not be valid.
    #[inline]
    pub fn prefetch_to_write(address: *mut f32) {
        // SAFETY: a hint; it reads nothing and can't fault.
        unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast_const().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn splat(value: f32) -> Vector {
        _mm256_set1_ps(value)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn add(a: Vector, b: Vector) -> Vector {
        _mm256_add_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn multiply_add(a: Vector, b: Vector, sum: Vector) -> Vector {
        _mm256_fmadd_ps(a, b, sum)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn load(address: *const f32) -> Vector {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_ps(address) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn store(address: *mut f32, vector: Vector) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_ps(address, vector) }
    }

    /// Loads `count` values; lanes beyond them are zero.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn load_first(address: *const f32, count: usize) -> Vector {
        // SAFETY: the caller's promise; lanes outside the mask are not read.
        unsafe {
            if count == LANES {
                load(address)
            } else {
                _mm256_maskload_ps(address, first(count))
            }
        }
    }

    /// Stores the first `count` lanes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn store_first(address: *mut f32, count: usize, vector: Vector) {
        // SAFETY: the caller's promise; lanes outside the mask are not written.
        unsafe {
            if count == LANES {
                store(address, vector);
            } else {
                _mm256_maskstore_ps(address, first(count), vector);
            }
        }
    }
}

/// 4 values in an array. Every function needs valid addresses for the values that it names.
pub mod portable {
    pub type Vector = [f32; 4];
    pub const LANES: usize = 4;
    /// Rows of two vectors, and what a product needs beside them, fit the registers of most processors.
    pub const TILE_ROWS: usize = 4;

    /// There is no portable way to ask for memory ahead.
    #[inline]
    pub fn prefetch(_: *const f32) {}

    /// As [`prefetch`].
    #[inline]
    pub fn prefetch_to_write(_: *mut f32) {}

    #[inline]
    pub fn splat(value: f32) -> Vector {
        [value; LANES]
    }

    #[inline]
    pub fn add(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    /// Two roundings: a fused operation is a call of a function where there is no instruction for it.
    #[inline]
    pub fn multiply_add(a: Vector, b: Vector, sum: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] * b[lane] + sum[lane])
    }

    #[inline]
    pub unsafe fn load(address: *const f32) -> Vector {
        // SAFETY: the caller's promise.
        unsafe { address.cast::<Vector>().read() }
    }

    #[inline]
    pub unsafe fn store(address: *mut f32, vector: Vector) {
        // SAFETY: the caller's promise.
        unsafe { address.cast::<Vector>().write(vector) }
    }

    /// Loads `count` values; lanes beyond them are zero.
    #[inline]
    pub unsafe fn load_first(address: *const f32, count: usize) -> Vector {
        let mut vector = splat(0.0);
        for (lane, value) in vector.iter_mut().enumerate().take(count) {
            // SAFETY: the caller's promise; `lane` is below `count`.
            *value = unsafe { address.add(lane).read() };
        }
        vector
    }

    /// Stores the first `count` lanes.
    #[inline]
    pub unsafe fn store_first(address: *mut f32, count: usize, vector: Vector) {
        for (lane, value) in vector.into_iter().enumerate().take(count) {
            // SAFETY: the caller's promise; `lane` is below `count`.
            unsafe { address.add(lane).write(value) }
        }
    }
}
