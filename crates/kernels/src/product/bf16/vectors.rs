//! What stands around the tile instructions: loops over lines of 16 values, which AVX-512 handles at once.

use std::arch::x86_64::*;

use super::lines::{Line, ROWS, SIDE, TERMS, Tile};
use crate::element::{Bf16, Element};
use crate::elementwise;

/// Rounds a row of up to 32 values; what it lacks is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn narrow(values: &[f32], line: &mut Line) {
    let line = line.values_mut();
    match <&[f32; TERMS]>::try_from(values) {
        Ok(values) => *line = values.map(Bf16::narrow),
        Err(_) => {
            *line = [Bf16::default(); TERMS];
            for (narrowed, value) in line.iter_mut().zip(values) {
                *narrowed = Bf16::narrow(*value);
            }
        }
    }
}

/// Copies a row of up to 32 values; what it lacks is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn copy(values: &[Bf16], line: &mut Line) {
    let line = line.values_mut();
    match <&[Bf16; TERMS]>::try_from(values) {
        Ok(values) => *line = *values,
        Err(_) => {
            *line = [Bf16::default(); TERMS];
            line[..values.len()].copy_from_slice(values);
        }
    }
}

/// Makes pairs of the values of two rows, as the bits of bf16; what a row lacks is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn pair<T: Element>(first: &[T], second: &[T], bits: impl Fn(T) -> u16, line: &mut Line) {
    let paired = |first: T, second: T| u32::from(bits(first)) | u32::from(bits(second)) << 16;
    if let (Ok(first), Ok(second)) = (<&[T; ROWS]>::try_from(first), <&[T; ROWS]>::try_from(second)) {
        for ((pair, first), second) in line.0.iter_mut().zip(first).zip(second) {
            *pair = paired(*first, *second);
        }
        return;
    }
    for (place, pair) in line.0.iter_mut().enumerate() {
        let [first, second] = [first, second].map(|row| row.get(place).copied().unwrap_or_default());
        *pair = paired(first, second);
    }
}

/// Exchanges the rows and columns of 16 × 16 pairs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn transpose(tile: &mut Tile) {
    let mut rows = [_mm512_setzero_si512(); ROWS];
    for (row, line) in rows.iter_mut().zip(tile.iter()) {
        *row = load(line);
    }
    // Blocks of 2 × 2 pairs, then of 4 × 4, within the quarters of a register.
    let mut twos = rows;
    for place in (0..ROWS).step_by(2) {
        twos[place] = _mm512_unpacklo_epi32(rows[place], rows[place + 1]);
        twos[place + 1] = _mm512_unpackhi_epi32(rows[place], rows[place + 1]);
    }
    let mut fours = twos;
    for place in (0..ROWS).step_by(4) {
        for half in 0..2 {
            let (upper, lower) = (twos[place + half], twos[place + half + 2]);
            fours[place + 2 * half] = _mm512_unpacklo_epi64(upper, lower);
            fours[place + 2 * half + 1] = _mm512_unpackhi_epi64(upper, lower);
        }
    }
    // Then the quarters: of registers 4 apart, and of those 8 apart.
    let mut eights = fours;
    for half in [0, 8] {
        for place in half..half + 4 {
            eights[place] = _mm512_shuffle_i32x4::<0x88>(fours[place], fours[place + 4]);
            eights[place + 4] = _mm512_shuffle_i32x4::<0xdd>(fours[place], fours[place + 4]);
        }
    }
    for place in 0..8 {
        let (upper, lower) = (eights[place], eights[place + 8]);
        store(_mm512_shuffle_i32x4::<0x88>(upper, lower), &mut tile[place]);
        store(_mm512_shuffle_i32x4::<0xdd>(upper, lower), &mut tile[place + 8]);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line has 64 bytes and lies at a multiple of 64.
    unsafe { _mm512_load_si512((&raw const *line).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn store(vector: __m512i, line: &mut Line) {
    // SAFETY: as above.
    unsafe { _mm512_store_si512((&raw mut *line).cast(), vector) }
}

/// What a row of finished sums is added to.
#[derive(Clone, Copy)]
pub enum Addend<'a> {
    Zero,
    Row(&'a [f32]),
    Output,
}

/// Stores a row of up to 32 sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub fn finish<T: Element>(sums: &[f32; SIDE], addend: Addend<'_>, floor: f32, output: &mut [T]) {
    if let Ok(output) = <&mut [T; SIDE]>::try_from(&mut *output) {
        match addend {
            Addend::Zero => {
                for (output, sum) in output.iter_mut().zip(sums) {
                    *output = T::narrow(elementwise::at_least(floor, *sum));
                }
                return;
            }
            Addend::Row(row) => {
                if let Ok(row) = <&[f32; SIDE]>::try_from(row) {
                    for ((output, sum), addend) in output.iter_mut().zip(sums).zip(row) {
                        *output = T::narrow(elementwise::at_least(floor, addend + sum));
                    }
                    return;
                }
            }
            Addend::Output => {
                for (output, sum) in output.iter_mut().zip(sums) {
                    *output = T::narrow(elementwise::at_least(floor, output.widen() + sum));
                }
                return;
            }
        }
    }
    for (place, (output, sum)) in output.iter_mut().zip(sums).enumerate() {
        let sum = match addend {
            Addend::Zero => *sum,
            Addend::Row(row) => row[place] + sum,
            Addend::Output => output.widen() + sum,
        };
        *output = T::narrow(elementwise::at_least(floor, sum));
    }
}
