//! What stands around the tile instructions: loops over lines of 16 values, which AVX-512 handles at once. The compiler
//! doesn't inline adapters of the standard library into functions with instructions of their own: what runs often is
//! written without them.

use std::any::Any;
use std::arch::x86_64::*;
use std::mem::transmute;

use super::lines::{Line, ROWS, SIDE, TERMS, Tile};
use crate::element::{Bf16, Element};
use crate::elementwise;
use crate::length;

/// Rounds a row of up to 32 values; what it lacks is zero, and subnormal ones may be.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn narrow(values: &[f32], line: &mut Line) {
    let (first, second) = values.split_at(values.len().min(ROWS));
    store(bits(_mm512_cvtne2ps_pbh(some_f32(second), some_f32(first))), line);
}

/// Copies a row of up to 32 values; what it lacks is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn copy(values: &[Bf16], line: &mut Line) {
    let (first, second) = values.split_at(values.len().min(ROWS));
    store(joined(some_bf16(first), some_bf16(second)), line);
}

/// Pairs of 32 rows of 16 values, a `stride` apart; each line of the tile is of two rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn pair_rows(values: &[Bf16], stride: usize, tile: &mut Tile) {
    let rows = pairs_of_rows(values, stride);
    for (row, line) in rows.into_iter().zip(tile) {
        store(row, line);
    }
}

/// Pairs of 32 rows of 32 values that lie one after the other: lines of the first 16 columns and of the others in turn.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn pair_rows_in_turn(values: &[Bf16], pairs: &mut [[Line; 2]; ROWS]) {
    for half in 0..2 {
        let rows = pairs_of_rows(&values[half * ROWS..], SIDE);
        for place in 0..ROWS {
            store(rows[place], &mut pairs[place][half]);
        }
    }
}

/// As [`pair_rows`], where each line of the tile is of one column.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn pair_columns(values: &[Bf16], stride: usize, tile: &mut Tile) {
    put_transposed(pairs_of_rows(values, stride), tile);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn pairs_of_rows(values: &[Bf16], stride: usize) -> [__m512i; ROWS] {
    assert!(
        values.len() >= length::of_rows(TERMS, ROWS, stride),
        "32 rows of 16 values"
    );
    let mut rows = [_mm512_setzero_si512(); ROWS];
    for (place, row) in rows.iter_mut().enumerate() {
        // SAFETY: 32 rows of 16 values lie in the slice, as asserted.
        let (first, second) = unsafe {
            let first = values.as_ptr().add(2 * place * stride);
            (
                _mm256_loadu_si256(first.cast()),
                _mm256_loadu_si256(first.add(stride).cast()),
            )
        };
        *row = paired(joined(first, second));
    }
    rows
}

/// Makes pairs of up to 16 values of two rows; what a row lacks is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn pair(first: &[Bf16], second: &[Bf16], line: &mut Line) {
    store(paired(joined(some_bf16(first), some_bf16(second))), line);
}

/// As [`pair`], of values that are rounded first; subnormal ones may become zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn pair_narrowed(first: &[f32], second: &[f32], line: &mut Line) {
    store(
        paired(bits(_mm512_cvtne2ps_pbh(some_f32(second), some_f32(first)))),
        line,
    );
}

/// The values of both halves in turn.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn paired(values: __m512i) -> __m512i {
    const TURNS: Line = {
        let mut turns = [0; ROWS];
        let mut place = 0;
        while place < ROWS {
            turns[place] = (place | (place + ROWS) << 16) as u32;
            place += 1;
        }
        Line(turns)
    };
    _mm512_permutexvar_epi16(load(&TURNS), values)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn joined(lower: __m256i, upper: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(lower), upper)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn bits(values: __m512bh) -> __m512i {
    // SAFETY: a vector of bf16 values is a vector of bits.
    unsafe { transmute(values) }
}

/// At most 16 values; what is lacking is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn some_bf16(values: &[Bf16]) -> __m256i {
    if values.len() >= ROWS {
        // SAFETY: there are 16 values.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    } else {
        // SAFETY: what the mask leaves out is not read.
        unsafe { _mm256_maskz_loadu_epi16((1 << values.len()) - 1, values.as_ptr().cast()) }
    }
}

/// At most 16 values; what is lacking is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn some_f32(values: &[f32]) -> __m512 {
    if values.len() >= ROWS {
        // SAFETY: there are 16 values.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    } else {
        // SAFETY: what the mask leaves out is not read.
        unsafe { _mm512_maskz_loadu_ps((1 << values.len()) - 1, values.as_ptr()) }
    }
}

/// Exchanges the rows and columns of 16 × 16 pairs.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn transpose(tile: &mut Tile) {
    let mut rows = [_mm512_setzero_si512(); ROWS];
    for place in 0..ROWS {
        rows[place] = load(&tile[place]);
    }
    put_transposed(rows, tile);
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn put_transposed(rows: [__m512i; ROWS], tile: &mut Tile) {
    // Blocks of 2 × 2 pairs, then of 4 × 4, within the quarters of a register.
    let mut twos = rows;
    for pair in 0..8 {
        let place = 2 * pair;
        twos[place] = _mm512_unpacklo_epi32(rows[place], rows[place + 1]);
        twos[place + 1] = _mm512_unpackhi_epi32(rows[place], rows[place + 1]);
    }
    let mut fours = twos;
    for four in 0..4 {
        let place = 4 * four;
        for half in 0..2 {
            let (upper, lower) = (twos[place + half], twos[place + half + 2]);
            fours[place + 2 * half] = _mm512_unpacklo_epi64(upper, lower);
            fours[place + 2 * half + 1] = _mm512_unpackhi_epi64(upper, lower);
        }
    }
    // Then the quarters: of registers 4 apart, and of those 8 apart.
    let mut eights = fours;
    for half in 0..2 {
        for place in 8 * half..8 * half + 4 {
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
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line has 64 bytes and lies at a multiple of 64.
    unsafe { _mm512_load_si512((&raw const *line).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
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

/// Stores a row of up to 32 sums. Subnormal ones may become zeros of their sign.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
pub fn finish<T: Element>(sums: &[f32; SIDE], addend: Addend<'_>, floor: f32, output: &mut [T]) {
    let output: &mut [T; SIDE] = match output.try_into() {
        Ok(output) => output,
        Err(_) => return finish_some(sums, addend, floor, output),
    };
    let nothing = [_mm512_setzero_ps(); 2];
    let constant = match addend {
        Addend::Row(row) => match row.try_into() {
            Ok(row) => f32s(row),
            Err(_) => nothing,
        },
        Addend::Zero | Addend::Output => nothing,
    };
    let output: &mut dyn Any = output;
    if let Some(output) = output.downcast_mut::<[Bf16; SIDE]>() {
        let addend = if let Addend::Output = addend {
            widened(output)
        } else {
            constant
        };
        put_narrowed(added(sums, addend, floor), output);
    } else if let Some(output) = output.downcast_mut::<[f32; SIDE]>() {
        let addend = if let Addend::Output = addend {
            f32s(output)
        } else {
            constant
        };
        put(added(sums, addend, floor), output);
    } else if let Some(output) = output.downcast_mut::<[T; SIDE]>() {
        finish_some(sums, addend, floor, output);
    }
}

#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn finish_some<T: Element>(sums: &[f32; SIDE], addend: Addend<'_>, floor: f32, output: &mut [T]) {
    for (place, (output, sum)) in output.iter_mut().zip(sums).enumerate() {
        let sum = match addend {
            Addend::Zero => *sum,
            Addend::Row(row) => row[place] + sum,
            Addend::Output => output.widen() + sum,
        };
        *output = T::narrow(elementwise::at_least(floor, sum));
    }
}

/// A row of 32 values.
type Row = [__m512; 2];

/// The sums and what is added to them, or the floor where that is higher. The instruction gives its second operand
/// where one is NaN.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn added(sums: &[f32; SIDE], addend: Row, floor: f32) -> Row {
    let (sums, floor) = (f32s(sums), _mm512_set1_ps(floor));
    [
        _mm512_max_ps(floor, _mm512_add_ps(addend[0], sums[0])),
        _mm512_max_ps(floor, _mm512_add_ps(addend[1], sums[1])),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn f32s(values: &[f32; SIDE]) -> Row {
    // SAFETY: both halves lie in the array.
    unsafe {
        [
            _mm512_loadu_ps(values.as_ptr()),
            _mm512_loadu_ps(values.as_ptr().add(ROWS)),
        ]
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn put(row: Row, values: &mut [f32; SIDE]) {
    // SAFETY: both halves lie in the array.
    unsafe {
        _mm512_storeu_ps(values.as_mut_ptr(), row[0]);
        _mm512_storeu_ps(values.as_mut_ptr().add(ROWS), row[1]);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn widened(values: &[Bf16; SIDE]) -> Row {
    // SAFETY: the array has 64 bytes.
    let values = unsafe { _mm512_loadu_si512(values.as_ptr().cast()) };
    [
        widened_half(_mm512_castsi512_si256(values)),
        widened_half(_mm512_extracti64x4_epi64::<1>(values)),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
fn widened_half(values: __m256i) -> __m512 {
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(values)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bf16,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
fn put_narrowed(row: Row, values: &mut [Bf16; SIDE]) {
    // SAFETY: the array has 64 bytes.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), bits(_mm512_cvtne2ps_pbh(row[1], row[0]))) }
}
