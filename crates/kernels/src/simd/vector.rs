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
pub(crate) use for_each_instruction_set;

/// Picks a kernel's instance for an [`InstructionSet`].
macro_rules! of_instruction_set {
    ($set:expr, $($item:tt)+) => {
        match $set {
            #[cfg(target_arch = "x86_64")]
            $crate::simd::InstructionSet::Avx512 => avx512::$($item)+,
            #[cfg(target_arch = "x86_64")]
            $crate::simd::InstructionSet::Avx2 => avx2::$($item)+,
            _ => portable::$($item)+,
        }
    };
}
pub(crate) use of_instruction_set;

/// Asks for a line of memory that will be read; the address need not be valid. Where there is no way to ask, nothing happens.
#[inline]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
pub fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; it reads nothing and can't fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
}

/// As [`prefetch`], for a line that will be written.
#[inline]
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
pub fn prefetch_to_write(address: *mut f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; it reads nothing and can't fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(address.cast_const().cast());
    }
}

/// What the vectors of x86-64 have in common, from the names of their instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! vectors_of_x86 {
    ($feature:literal: $splat:ident, $add:ident, $max:ident, $multiply_add:ident, $load:ident, $store:ident) => {
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn splat(value: f32) -> Vector {
            $splat(value)
        }

        #[inline]
        #[target_feature(enable = $feature)]
        pub fn add(a: Vector, b: Vector) -> Vector {
            $add(a, b)
        }

        /// The values, or the floor where that is higher. The instruction gives its second operand where one is NaN.
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn at_least(floor: Vector, values: Vector) -> Vector {
            $max(floor, values)
        }

        #[inline]
        #[target_feature(enable = $feature)]
        pub fn multiply_add(a: Vector, b: Vector, sum: Vector) -> Vector {
            $multiply_add(a, b, sum)
        }

        #[inline]
        #[target_feature(enable = $feature)]
        pub unsafe fn load(address: *const f32) -> Vector {
            // SAFETY: the caller's promise.
            unsafe { $load(address) }
        }

        #[inline]
        #[target_feature(enable = $feature)]
        pub unsafe fn store(address: *mut f32, vector: Vector) {
            // SAFETY: the caller's promise.
            unsafe { $store(address, vector) }
        }

        /// Loads `count` values; lanes beyond them are zero.
        #[inline]
        #[target_feature(enable = $feature)]
        pub unsafe fn load_first(address: *const f32, count: usize) -> Vector {
            if count == LANES {
                // SAFETY: the caller's promise.
                return unsafe { load(address) };
            }
            // SAFETY: the caller's promise; lanes outside the mask are not read.
            unsafe { load_masked(address, count) }
        }

        /// Stores the first `count` lanes.
        #[inline]
        #[target_feature(enable = $feature)]
        pub unsafe fn store_first(address: *mut f32, count: usize, vector: Vector) {
            if count == LANES {
                // SAFETY: the caller's promise.
                return unsafe { store(address, vector) };
            }
            // SAFETY: the caller's promise; lanes outside the mask are not written.
            unsafe { store_masked(address, count, vector) }
        }
    };
}

/// 16 values in a register of 512 bits. Every function needs AVX-512F, and valid addresses for the values that it names.
#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    use std::arch::x86_64::*;

    pub type Vector = __m512;
    pub const LANES: usize = 16;
    /// Rows of two vectors, and what a product needs beside them, fit the registers.
    pub const TILE_ROWS: usize = 14;

    vectors_of_x86!(
        "avx512f": _mm512_set1_ps, _mm512_add_ps, _mm512_max_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_storeu_ps
    );

    /// The mask of the first `count` lanes, `count` below 16.
    fn first(count: usize) -> __mmask16 {
        (1 << count) - 1
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_masked(address: *const f32, count: usize) -> Vector {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(first(count), address) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store_masked(address: *mut f32, count: usize, vector: Vector) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_mask_storeu_ps(address, first(count), vector) }
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

    vectors_of_x86!(
        "avx2,fma": _mm256_set1_ps, _mm256_add_ps, _mm256_max_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_storeu_ps
    );

    /// The mask of the first `count` lanes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn first(count: usize) -> __m256i {
        _mm256_cmpgt_epi32(
            _mm256_set1_epi32(count as i32),
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        )
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn load_masked(address: *const f32, count: usize) -> Vector {
        // SAFETY: the caller's promise.
        unsafe { _mm256_maskload_ps(address, first(count)) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn store_masked(address: *mut f32, count: usize, vector: Vector) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_maskstore_ps(address, first(count), vector) }
    }
}

/// 4 values in an array. Every function needs valid addresses for the values that it names.
pub mod portable {
    use crate::elementwise;

    pub type Vector = [f32; 4];
    pub const LANES: usize = 4;
    /// Rows of two vectors, and what a product needs beside them, fit the registers of most processors.
    pub const TILE_ROWS: usize = 4;

    #[inline]
    pub fn splat(value: f32) -> Vector {
        [value; LANES]
    }

    #[inline]
    pub fn add(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    /// The values, or the floor where that is higher; NaN stays NaN.
    #[inline]
    pub fn at_least(floor: Vector, values: Vector) -> Vector {
        std::array::from_fn(|lane| elementwise::at_least(floor[lane], values[lane]))
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
