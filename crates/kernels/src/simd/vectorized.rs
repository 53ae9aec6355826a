//! Loops that the compiler vectorises by itself.

/// Compiles a function for every instruction set of the target; a call runs that of the one in use.
macro_rules! vectorized {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        #[allow(unsafe_code)]
        $visibility fn $name($($argument: $type),*) {
            #[inline(always)]
            fn of_any($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl")]
            fn of_avx512($($argument: $type),*) {
                of_any($($argument),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn of_avx2($($argument: $type),*) {
                of_any($($argument),*);
            }

            match $crate::simd::InstructionSet::current() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the set in use is one that this processor has.
                $crate::simd::InstructionSet::Avx512 => unsafe { of_avx512($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::simd::InstructionSet::Avx2 => unsafe { of_avx2($($argument),*) },
                _ => of_any($($argument),*),
            }
        }
    };
}
pub(crate) use vectorized;
