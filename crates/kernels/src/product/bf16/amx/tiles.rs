//! AMX, the matrix instructions of x86-64: eight tile registers of 16 rows of 64 bytes, and an instruction that
//! multiplies two tiles of bf16 values and adds the products to a tile of f32 sums. Stable Rust has no names for them,
//! so they stand here as assembly, and nowhere else.
//!
//! The instruction takes subnormal values for zeros, and makes zeros of subnormal sums.
#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::lines::{Line, ROWS, Sums, TERMS, Tile};
use crate::element::Bf16;
use crate::length;

/// Whether the processor has the tiles, and the vectors that the loops around them are compiled for, and the system
/// lets this process use them.
pub fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_tiles() && has_vectors() && is_permitted())
}

fn has_tiles() -> bool {
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    let has_leaf = __cpuid(0).eax >= 7;
    has_leaf && __cpuid_count(7, 0).edx & (AMX_BF16 | AMX_TILE) == AMX_BF16 | AMX_TILE
}

/// Those that [`vectors`](super::vectors) names.
fn has_vectors() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bf16")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

/// Asks Linux for the tiles: they make a thread's state so large that a process has to want them.
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call reads and writes no memory of this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

thread_local! {
    /// Whether this thread's registers are taken: who dropped them would take them away from the other.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// The tile registers of this thread, all of them as large as they can be, until this is dropped.
pub struct Tiles {
    /// They belong to the thread.
    _thread: PhantomData<*const ()>,
}

/// The left factor of a block of sums, in bf16 values: two tiles high. Its terms lie in bands of equally many tiles.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub values: &'a [Bf16],
    /// Where the upper and the lower tile begin.
    pub starts: [usize; 2],
    /// From a row to the next one.
    pub row_stride: usize,
    /// From a tile to the one with the next terms, within a band.
    pub step: usize,
    /// How many bands there are.
    pub bands: usize,
    /// From a band to the next one.
    pub band: usize,
}

impl Left<'_> {
    /// From a tile's first value to the last one that `steps` steps read from there.
    ///
    /// # Panics
    /// If the bands don't have equally many.
    fn reach(&self, steps: usize) -> usize {
        assert_eq!(steps.checked_rem(self.bands), Some(0), "bands of equally many steps");
        let terms = length::of_rows(steps / self.bands, TERMS, self.step);
        length::of_rows(ROWS, length::of_rows(self.bands, terms, self.band), self.row_stride)
    }
}

/// The configuration that `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Takes the registers.
    ///
    /// # Panics
    /// If they are not [available](is_available), or taken.
    pub fn take() -> Self {
        assert!(is_available(), "this processor or system has no AMX tiles");
        assert!(!TAKEN.replace(true), "this thread's tile registers are taken");
        let mut configuration = Configuration {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        configuration.row_bytes[..8].fill(size_of::<Tile>() as u16 / ROWS as u16);
        configuration.rows[..8].fill(ROWS as u8);
        // SAFETY: the instruction is there, as asserted, and reads 64 bytes, which the configuration has.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly, preserves_flags)) };
        Self { _thread: PhantomData }
    }

    /// `sums = left · right`, a block that is two tiles high and `WIDTH` tiles, one or two, wide. The right factor has
    /// `WIDTH` tiles for each 32 terms, whose lines hold two terms of 16 columns.
    ///
    /// # Panics
    /// If the left factor has fewer values.
    pub fn multiply<const WIDTH: usize>(&mut self, left: Left<'_>, right: &[[Tile; WIDTH]], sums: &mut Sums) {
        const { assert!(WIDTH == 1 || WIDTH == 2) };
        if WIDTH == 2 {
            self.block::<2, 64, 1024>(left, right.as_flattened().as_flattened(), sums);
        } else {
            self.block::<1, 64, 0>(left, right.as_flattened().as_flattened(), sums);
        }
    }

    /// As [`multiply`](Self::multiply), two tiles wide, where the lines of both tiles lie in turn: a tile can begin at
    /// any of them.
    pub fn multiply_in_turn(&mut self, left: Left<'_>, right: &[[Line; 2]], sums: &mut Sums) {
        self.block::<2, 128, 64>(left, right.as_flattened(), sums);
    }

    /// The block's tiles of the right factor lie `WIDTH` KiB after another. Their lines are `LINE` bytes apart, and the
    /// second tile lies `SECOND` bytes behind the first.
    fn block<const WIDTH: usize, const LINE: usize, const SECOND: usize>(
        &mut self,
        left: Left<'_>,
        right: &[Line],
        sums: &mut Sums,
    ) {
        const {
            let end = SECOND + (ROWS - 1) * LINE + size_of::<Line>();
            assert!(
                end <= WIDTH * size_of::<Tile>(),
                "both tiles lie where those of a step do"
            );
        }
        assert!(right.len().is_multiple_of(WIDTH * ROWS), "whole tiles");
        let steps = right.len() / (WIDTH * ROWS);
        if steps == 0 {
            return *sums = Sums::ZERO;
        }
        let tile = left.reach(steps);
        for start in left.starts {
            assert!(
                start <= left.values.len() && tile <= left.values.len() - start,
                "values of a left factor"
            );
        }
        let [upper, lower] = left.starts.map(|start| left.values[start..].as_ptr());
        let (row, step) = (2 * left.row_stride, 2 * left.step);
        let band = steps / left.bands;
        // From behind a band to the next one, which may begin before. What is added behind the last one is of no use.
        let jump = 2_usize.wrapping_mul(left.band).wrapping_sub(band.wrapping_mul(step));
        macro_rules! block {
            ($($line:literal),* $(,)?) => {
                // SAFETY: the registers are configured as long as `self` is there, which no other thread has. Both
                // tiles of the left factor lie inside its values in all steps of all bands, as asserted, the right one
                // has `steps` times `WIDTH` tiles, of which a step reads no more, as asserted, and the sums have room
                // for four.
                unsafe {
                    asm!(
                        $($line,)*
                        upper = inout(reg) upper => _,
                        lower = inout(reg) lower => _,
                        row = in(reg) row,
                        step = in(reg) step,
                        right = inout(reg) right.as_ptr() => _,
                        line = inout(reg) LINE => _,
                        steps = out(reg) _,
                        band = in(reg) band,
                        bands = inout(reg) left.bands => _,
                        jump = in(reg) jump,
                        sums = in(reg) sums,
                        second = const SECOND,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack)
                    )
                }
            };
        }
        if WIDTH == 2 {
            block!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "mov {steps}, {band}",
                "3:",
                "tileloadd tmm4, [{upper} + {row}]",
                "tileloadd tmm6, [{right} + {line}]",
                "tileloadd tmm7, [{right} + {line} + {second}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{lower} + {row}]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {upper}, {step}",
                "add {lower}, {step}",
                "add {right}, 2048",
                "dec {steps}",
                "jnz 3b",
                "add {upper}, {jump}",
                "add {lower}, {jump}",
                "dec {bands}",
                "jnz 2b",
                "mov {line}, 128",
                "tilestored [{sums} + {line}], tmm0",
                "tilestored [{sums} + {line} + 64], tmm1",
                "tilestored [{sums} + {line} + 2048], tmm2",
                "tilestored [{sums} + {line} + 2112], tmm3",
            );
        } else {
            block!(
                "/* the second tile would lie at {second} */",
                "tilezero tmm0",
                "tilezero tmm2",
                "2:",
                "mov {steps}, {band}",
                "3:",
                "tileloadd tmm6, [{right} + {line}]",
                "tileloadd tmm4, [{upper} + {row}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{lower} + {row}]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "add {upper}, {step}",
                "add {lower}, {step}",
                "add {right}, 1024",
                "dec {steps}",
                "jnz 3b",
                "add {upper}, {jump}",
                "add {lower}, {jump}",
                "dec {bands}",
                "jnz 2b",
                "mov {line}, 128",
                "tilestored [{sums} + {line}], tmm0",
                "tilestored [{sums} + {line} + 2048], tmm2",
            );
        }
    }
}

impl Drop for Tiles {
    /// Gives the registers back: the system saves those that are in use, 8 KiB, whenever it changes threads.
    fn drop(&mut self) {
        // SAFETY: the instruction is there, or there would be no `Tiles`; it touches nothing but the tile registers.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
        TAKEN.set(false);
    }
}
