//! Loops that the compiler vectorises by itself.

/// Compiles a function for every instruction set of the target; a call runs that of the one in use.
///
/// Of a trait over elements, each function is compiled for every [element](crate::element::Element), too: here and once, whatever
/// crate calls it, and however that is optimised.
macro_rules! vectorized {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $type),*) {
            $crate::simd::vectorized!(@dispatch ($($argument: $type),*) $body)
        }
    };
    (
        $(#[$attribute:meta])* $visibility:vis trait $loops:ident<$element:ident> {
            $($(#[$about:meta])* fn $name:ident $arguments:tt $body:block)*
        }
    ) => {
        $(#[$attribute])*
        $visibility trait $loops<$element> {
            $($(#[$about])* fn $name $arguments;)*
        }

        mod of_f32 {
            use super::*;
            type $element = f32;
            impl $loops<$element> for $element {
                $(fn $name $arguments { $crate::simd::vectorized!(@dispatch $arguments $body) })*
            }
        }

        mod of_bf16 {
            use super::*;
            type $element = $crate::element::Bf16;
            impl $loops<$element> for $element {
                $(fn $name $arguments { $crate::simd::vectorized!(@dispatch $arguments $body) })*
            }
        }
    };
    (@dispatch ($($argument:ident: $type:ty),* $(,)?) $body:block) => {{
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
            #[allow(unsafe_code)]
            // SAFETY: the set in use is one that this processor has.
            $crate::simd::InstructionSet::Avx512 => unsafe { of_avx512($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            // SAFETY: as above.
            $crate::simd::InstructionSet::Avx2 => unsafe { of_avx2($($argument),*) },
            _ => of_any($($argument),*),
        }
    }};
}
pub(crate) use vectorized;
