//! Windows over maps as the rows of a factor: neighbours overlap, and nothing is gathered.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::amx;
use super::packed::{Packed, PackedBf16};
use super::{Product, check_rows};
use crate::accumulate::{Output, keep_or_clear};
use crate::element::{Bf16, Element};
use crate::length;
use crate::product::matrix::Matrix;
use crate::product::multiply::Start;

/// Square windows that move by a pixel over rows of pixels which lie side by side. What stands around a map lies
/// between its rows. The windows of all runs, one after the other, are the rows of a left factor; its terms are ordered as a
/// kernel is: the window's rows, its columns, channels.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// All channels of all pixels.
    pub values: &'a [Bf16],
    /// Values of a pixel.
    pub channels: usize,
    /// Pixels along each side of a window.
    pub kernel: usize,
    /// Pixels from a row to the next.
    pub pitch: usize,
    /// Windows in a row.
    pub width: usize,
    /// Rows of windows.
    pub runs: &'a [Run],
}

/// Rows of windows that begin one below the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first window's first pixel.
    pub first: usize,
    /// How many rows.
    pub rows: usize,
}

impl Windows<'_> {
    /// How many.
    pub fn count(&self) -> usize {
        self.runs.iter().map(|run| length::of(&[run.rows, self.width])).sum()
    }

    /// Values of a window.
    pub fn depth(&self) -> usize {
        length::of(&[self.kernel, self.kernel, self.channels])
    }

    /// From a window's first pixel to its last one.
    pub fn farthest(&self) -> usize {
        length::of_rows(self.kernel, self.kernel, self.pitch) - 1
    }

    /// From the first pixel of all to the last one that a window has.
    pub fn pixels(&self) -> usize {
        let ends = self
            .runs
            .iter()
            .map(|run| run.first + length::of_rows(run.rows, self.width, self.pitch));
        ends.max().map_or(0, |end| end + self.farthest())
    }

    /// From a window's first value to its last one.
    pub fn reach(&self) -> usize {
        let row = length::of(&[self.kernel, self.channels]);
        length::of_rows(self.kernel, row, length::of(&[self.pitch, self.channels]))
    }
}

/// As [`multiply_bf16`](super::multiply_bf16), with windows for the left factor's rows.
///
/// # Panics
/// If the sizes don't fit, channels don't make whole tiles, or the right factor was not packed for AMX.
pub fn multiply_windows<T: Element>(
    floor: f32,
    windows: &Windows<'_>,
    right: &PackedBf16,
    start: Start<'_>,
    output: &mut [T],
    output_stride: usize,
) {
    let sizes = [windows.count(), windows.depth()];
    let Some((product, output)) = Product::checked(floor, sizes, right, start, output, output_stride) else {
        return;
    };
    match &right.packed {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        Packed::Tiles(panels) => amx::multiply_windows(&product, windows, panels, output),
        Packed::Vectors(_) => {
            let _ = (product, output);
            panic!("windows are multiplied by AMX alone")
        }
    }
}

/// Terms of the windows that make up a block of [`sum_over_windows`].
pub const BLOCK: usize = 32;

/// `output = windowsᵀ · dy`, or `+=` if it `adds`: the sum over the windows, which are dy's rows. The output is given
/// in blocks of 32 of the windows' terms each.
///
/// # Panics
/// If the sizes don't fit, channels don't make whole blocks, or there is no AMX.
pub fn sum_over_windows(windows: &Windows<'_>, dy: Matrix<'_, Bf16>, adds: bool, output: &mut [&mut [f32]]) {
    assert_eq!(windows.count(), dy.rows, "windows, and rows of a map");
    assert!(
        windows.channels.is_multiple_of(BLOCK),
        "channels that make whole blocks"
    );
    assert_eq!(output.len(), windows.depth() / BLOCK, "blocks of the windows' terms");
    let block = length::of(&[BLOCK, dy.columns]);
    assert!(output.iter().all(|values| values.len() == block), "values of a block");
    assert!(windows.pitch >= windows.width, "windows that lie in a row");
    assert!(
        length::of(&[windows.pixels(), windows.channels]) <= windows.values.len(),
        "pixels of all windows"
    );
    check_rows(dy);
    if output.is_empty() || dy.columns == 0 {
        return;
    }
    if dy.rows == 0 {
        let mode = if adds { Output::Add } else { Output::Overwrite };
        return output.iter_mut().for_each(|values| keep_or_clear(mode, values));
    }
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    amx::sum_over_windows(windows, dy, adds, output);
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    panic!("sums over windows are computed by AMX alone");
}
