//! The transforms of Winograd's convolution: `T · x · Tᵀ` of a small square of pixels, all channels. Written once for each
//! instruction set.
#![allow(unsafe_code)]

use crate::simd::{InstructionSet, for_each_instruction_set, of_instruction_set};

/// A constant matrix `T` of `OUT × IN`.
pub trait Transform<const OUT: usize, const IN: usize> {
    const MATRIX: [[f32; IN]; OUT];
}

/// `Bᵀ`: from a patch of 6×6 pixels.
pub struct Patch;

impl Transform<6, 6> for Patch {
    const MATRIX: [[f32; 6]; 6] = [
        [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
        [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
        [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
        [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
        [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
        [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
    ];
}

/// `G`: from a kernel of 3×3 cells.
pub struct Kernel;

impl Transform<6, 3> for Kernel {
    const MATRIX: [[f32; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
}

/// `Gᵀ`: to a kernel's gradient.
pub struct KernelGradient;

impl Transform<3, 6> for KernelGradient {
    const MATRIX: [[f32; 6]; 3] = transposed(Kernel::MATRIX);
}

/// `Aᵀ`: to 4×4 outputs.
pub struct Outputs;

impl Transform<4, 6> for Outputs {
    const MATRIX: [[f32; 6]; 4] = [
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        [0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
        [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
        [0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
    ];
}

/// `A`: from the gradients of 4×4 outputs.
pub struct OutputGradients;

impl Transform<6, 4> for OutputGradients {
    const MATRIX: [[f32; 4]; 6] = transposed(Outputs::MATRIX);
}

const fn transposed<const OUT: usize, const IN: usize>(matrix: [[f32; IN]; OUT]) -> [[f32; OUT]; IN] {
    let mut result = [[0.0; OUT]; IN];
    let mut row = 0;
    while row < OUT {
        let mut column = 0;
        while column < IN {
            result[column][row] = matrix[row][column];
            column += 1;
        }
        row += 1;
    }
    result
}

/// A square of pixels, of which some may lie outside of the map. Distances are in values.
#[derive(Clone, Copy)]
pub struct Square<P> {
    /// The square's first pixel; valid only if that is inside.
    pub first: P,
    pub row: isize,
    pub column: isize,
    /// First row and column inside the map, and the first behind it.
    pub from: [usize; 2],
    pub to: [usize; 2],
}

impl<P> Square<P> {
    fn contains(&self, row: usize, column: usize) -> bool {
        (self.from[0]..self.to[0]).contains(&row) && (self.from[1]..self.to[1]).contains(&column)
    }

    fn offset(&self, row: usize, column: usize) -> isize {
        row as isize * self.row + column as isize * self.column
    }
}

/// What becomes of a transform's results.
#[derive(Clone, Copy)]
pub struct Ends {
    /// A row of one value a channel that is added, or null.
    pub start: *const f32,
    /// Whether what the target holds is added instead.
    pub adds: bool,
    /// Results below it become it; NaN stays NaN.
    pub floor: f32,
}

impl Ends {
    /// Results replace what the target holds.
    pub const REPLACE: Self = Self {
        start: std::ptr::null(),
        adds: false,
        floor: f32::NEG_INFINITY,
    };
}

/// `target = start + T · source · Tᵀ` for each channel; pixels outside of the source are zero, those outside of the target
/// are dropped.
///
/// # Safety
/// The pixels inside of both squares, and the start if it is not null, must be valid for `channels` values.
pub unsafe fn transform<T: Transform<OUT, IN>, const OUT: usize, const IN: usize>(
    channels: usize,
    source: Square<*const f32>,
    target: Square<*mut f32>,
    ends: Ends,
) {
    // SAFETY: the caller's promise; the instruction set is this processor's.
    unsafe {
        of_instruction_set!(
            InstructionSet::current(),
            transform::<T, OUT, IN>(channels, source, target, ends)
        );
    }
}

macro_rules! transforms {
    ($set:ident $(, feature $feature:literal)?) => {
        mod $set {
            use super::{Ends, Square, Transform};
            use crate::simd::$set::*;

            /// # Safety
            /// That of [`super::transform`].
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn transform<T: Transform<OUT, IN>, const OUT: usize, const IN: usize>(
                channels: usize,
                source: Square<*const f32>,
                target: Square<*mut f32>,
                ends: Ends,
            ) {
                for channel in (0..channels).step_by(LANES) {
                    let lanes = LANES.min(channels - channel);
                    let mut half = [[splat(0.0); IN]; OUT];
                    for column in 0..IN {
                        let mut values = [splat(0.0); IN];
                        for (row, value) in values.iter_mut().enumerate() {
                            if source.contains(row, column) {
                                let offset = source.offset(row, column) + channel as isize;
                                // SAFETY: a pixel inside the source.
                                *value = unsafe { load_first(source.first.wrapping_offset(offset), lanes) };
                            }
                        }
                        for (half, value) in half.iter_mut().zip(&apply::<T, OUT, IN>(&values)) {
                            half[column] = *value;
                        }
                    }
                    // By reference: an array that is moved into an iterator is copied.
                    for (row, half) in half.iter().enumerate() {
                        for (column, &value) in apply::<T, OUT, IN>(half).iter().enumerate() {
                            if !target.contains(row, column) {
                                continue;
                            }
                            let address = target.first.wrapping_offset(target.offset(row, column) + channel as isize);
                            // SAFETY: a pixel inside the target, and a start for each channel.
                            unsafe {
                                let value = if ends.adds {
                                    add(value, load_first(address, lanes))
                                } else if ends.start.is_null() {
                                    value
                                } else {
                                    add(value, load_first(ends.start.add(channel), lanes))
                                };
                                store_first(address, lanes, at_least(splat(ends.floor), value));
                            }
                        }
                    }
                }
            }

            /// `T · values`.
            #[inline]
            $(#[target_feature(enable = $feature)])?
            fn apply<T: Transform<OUT, IN>, const OUT: usize, const IN: usize>(values: &[Vector; IN]) -> [Vector; OUT] {
                let mut results = [splat(0.0); OUT];
                for (result, weights) in results.iter_mut().zip(T::MATRIX) {
                    for (&value, weight) in values.iter().zip(weights) {
                        if weight != 0.0 {
                            *result = multiply_add(value, splat(weight), *result);
                        }
                    }
                }
                results
            }
        }
    };
}
for_each_instruction_set!(transforms);
