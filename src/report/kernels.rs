//! What a head's depthwise kernel learned about *where*: the mean of its weights over all channels at each place, and how
//! many of them the constraint holds at zero.

use std::path::Path;

use serde::Serialize;

use super::grid::{Cell, Grid};
use super::head_names::title;
use super::history::csv_error;
use super::{ReportError, files};
use crate::atomic_file::Disk;

const COLUMNS: [&str; 4] = ["row", "column", "mean", "zeros"];
/// The widest kernel whose figures are written into the cells.
const WRITTEN: usize = 7;
/// The widest that is read: no feature map is larger.
const WIDEST: usize = 1024;

/// A head's kernel over the places of the feature map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpatialKernel {
    /// Places in a row, and in a column.
    pub size: usize,
    /// Mean weight over the channels at each place, row by row.
    pub mean: Vec<f64>,
    /// Share of the channels whose weight at this place is exactly zero.
    pub zeros: Vec<f64>,
}

/// The kernel of a head, a mean over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadKernel {
    /// Name of the head.
    pub head: String,
    /// Over how many seeds.
    pub seeds: usize,
    /// The kernel.
    #[serde(flatten)]
    pub kernel: SpatialKernel,
}

impl HeadKernel {
    /// The mean weights, and the shares of zeros where there are any.
    pub fn grids(&self) -> Vec<Grid> {
        self.kernel.grids(title(&self.head), self.seeds)
    }
}

impl SpatialKernel {
    /// From weights of the shape `size × size × channels`; none for any other.
    pub fn of(shape: &[usize], weights: &[f32]) -> Option<Self> {
        let &[size, columns, channels] = shape else { return None };
        if size != columns || channels == 0 || weights.len() != size * size * channels {
            return None;
        }
        let places = || weights.chunks_exact(channels);
        let mean = |place: &[f32]| place.iter().map(|&w| f64::from(w)).sum::<f64>() / channels as f64;
        let zeros = |place: &[f32]| place.iter().filter(|&&w| w == 0.0).count() as f64 / channels as f64;
        Some(Self {
            size,
            mean: places().map(mean).collect(),
            zeros: places().map(zeros).collect(),
        })
    }

    /// The mean of several kernels of one size, as those of several seeds; none of no kernel, or of different sizes.
    pub fn mean_of(kernels: &[Self]) -> Option<Self> {
        let first = kernels.first()?;
        if kernels.iter().any(|kernel| kernel.size != first.size) {
            return None;
        }
        let mean = |of: fn(&Self) -> &[f64]| {
            let at = |place: usize| kernels.iter().map(|kernel| of(kernel)[place]).sum::<f64>() / kernels.len() as f64;
            (0..first.size * first.size).map(at).collect()
        };
        Some(Self {
            size: first.size,
            mean: mean(|kernel| &kernel.mean),
            zeros: mean(|kernel| &kernel.zeros),
        })
    }

    /// Share of all weights that are exactly zero.
    pub fn zero_share(&self) -> f64 {
        self.zeros.iter().sum::<f64>() / self.zeros.len().max(1) as f64
    }

    fn grids(&self, head: &str, seeds: usize) -> Vec<Grid> {
        let largest = self.mean.iter().fold(0.0_f64, |largest, mean| largest.max(mean.abs()));
        let seeds = if seeds == 1 {
            String::new()
        } else {
            format!(", mean of {seeds} seeds")
        };
        let means = self.grid(
            format!("{head}: mean weight"),
            &self.mean,
            |mean| (1000.0 * mean, mean / largest),
            format!("in thousandths, over all channels{seeds}"),
        );
        if self.zero_share() == 0.0 {
            return vec![means];
        }
        let zeros = self.grid(
            format!("{head}: weights at zero"),
            &self.zeros,
            |share| (100.0 * share, share),
            format!(
                "in % of the channels; {:.1} % of all weights",
                100.0 * self.zero_share()
            ),
        );
        vec![means, zeros]
    }

    fn grid(&self, title: String, values: &[f64], shown: impl Fn(f64) -> (f64, f64), remark: String) -> Grid {
        let cell = |&value: &f64| {
            let (number, shade) = shown(value);
            let text = if self.size <= WRITTEN {
                format!("{number:.1}")
            } else {
                String::new()
            };
            Cell::new(text, shade)
        };
        Grid {
            title,
            rows: Vec::new(),
            columns: Vec::new(),
            cells: values
                .chunks(self.size.max(1))
                .map(|row| row.iter().map(cell).collect())
                .collect(),
            remark,
        }
    }

    /// Writes a line for each place, in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), ReportError> {
        let mut text = COLUMNS.join(",") + "\n";
        for (place, (mean, zeros)) in self.mean.iter().zip(&self.zeros).enumerate() {
            let (row, column) = (place / self.size + 1, place % self.size + 1);
            text += &format!("{row},{column},{mean:?},{zeros:?}\n");
        }
        files::replace(disk, path, text.as_bytes())
    }

    /// Reads what [`write`](Self::write) wrote; none where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read, or that does not hold a line for each place of a square.
    pub fn read(path: &Path) -> Result<Option<Self>, ReportError> {
        let Some(bytes) = files::read_if_there(path)? else {
            return Ok(None);
        };
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let mut places: Vec<(usize, usize, f64, f64)> = Vec::new();
        for record in reader.deserialize() {
            places.push(record.map_err(|error| csv_error(path, &error))?);
        }
        let size = places.len().isqrt();
        let in_order = (0..)
            .zip(&places)
            .all(|(at, place): (usize, _)| (place.0, place.1) == (at / size.max(1) + 1, at % size.max(1) + 1));
        if size == 0 || size > WIDEST || size * size != places.len() || !in_order {
            let reason = "it must hold a line for each place of a square, row by row";
            return Err(ReportError::content(path, reason));
        }
        Ok(Some(Self {
            size,
            mean: places.iter().map(|place| place.2).collect(),
            zeros: places.iter().map(|place| place.3).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::atomic_file::System;

    fn kernel() -> SpatialKernel {
        SpatialKernel::of(&[2, 2, 2], &[0.0, 0.5, 0.25, 0.25, 0.0, 0.0, 1.0, 0.0]).unwrap()
    }

    #[test]
    fn places_have_the_mean_of_their_channels_and_the_share_of_zeros() {
        assert_eq!(kernel().mean, [0.25, 0.25, 0.0, 0.5]);
        assert_eq!(kernel().zeros, [0.5, 0.0, 1.0, 0.5]);
        assert_eq!(kernel().zero_share(), 0.5);
    }

    #[test]
    fn other_shapes_are_no_kernel() {
        assert_eq!(SpatialKernel::of(&[2, 4], &[0.0; 8]), None);
        assert_eq!(SpatialKernel::of(&[2, 2, 3], &[0.0; 8]), None);
        assert_eq!(SpatialKernel::of(&[1, 2, 4], &[0.0; 8]), None);
    }

    #[test]
    fn a_kernel_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel.csv");
        kernel().write(&System, &path).unwrap();
        assert_eq!(SpatialKernel::read(&path).unwrap(), Some(kernel()));
        assert_eq!(SpatialKernel::read(&folder.path().join("absent")).unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel.csv");
        for text in [
            "row,column,mean,zeros\n1,1,0.5,0\n1,2,0.5,0\n",
            "row,column,mean,zeros\n1,1,x,0\n",
            "",
        ] {
            fs::write(&path, text).unwrap();
            assert!(
                SpatialKernel::read(&path)
                    .unwrap_err()
                    .to_string()
                    .contains("kernel.csv")
            );
        }
    }

    #[test]
    fn kernels_of_several_seeds_are_averaged_and_zeros_drawn_where_there_are_any() {
        let ones = SpatialKernel::of(&[2, 2, 1], &[1.0; 4]).unwrap();
        let mean = SpatialKernel::mean_of(&[kernel(), ones.clone()]).unwrap();
        assert_eq!(mean.mean, [0.625, 0.625, 0.5, 0.75]);
        assert_eq!(
            (mean.grids("Wise-SrNet", 2).len(), ones.grids("Depthwise", 1).len()),
            (2, 1)
        );
        let three = SpatialKernel::of(&[3, 3, 1], &[1.0; 9]).unwrap();
        assert_eq!(SpatialKernel::mean_of(&[ones, three]), None);
    }
}
