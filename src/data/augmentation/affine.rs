//! Rotation, shift and zoom as one affine map of sampling positions: Keras' `apply_affine_transform` with scipy's
//! bilinear interpolation (`order=1`) and the border repeated outwards (`mode="nearest"`).

use image::RgbImage;

use super::AugmentationParameters;

/// Sends an output position (column, row) to the input position that it shows.
pub(super) struct Affine {
    /// Input (column, row) moved by one output column.
    per_column: [f64; 2],
    /// Input (column, row) moved by one output row.
    per_row: [f64; 2],
    /// Input (column, row) of the output's first pixel.
    origin: [f64; 2],
}

impl Affine {
    /// Rotation · shift · zoom about the centre of a `width`×`height` image; `None` where that moves nothing.
    pub(super) fn new(parameters: &AugmentationParameters, width: u32, height: u32) -> Option<Self> {
        let shift = [parameters.shift_columns, parameters.shift_rows];
        let zoom = [parameters.zoom_columns, parameters.zoom_rows];
        if parameters.rotation_degrees == 0.0 && shift == [0.0; 2] && zoom == [1.0; 2] {
            return None;
        }
        let (sin, cos) = parameters.rotation_degrees.to_radians().sin_cos();
        let rotate = |[column, row]: [f64; 2]| [cos * column - sin * row, sin * column + cos * row];
        let per_column = rotate([zoom[0], 0.0]);
        let per_row = rotate([0.0, zoom[1]]);
        let shift = rotate(shift);
        let centre = [f64::from(width) / 2.0 - 0.5, f64::from(height) / 2.0 - 0.5];
        let origin =
            [0, 1].map(|axis| shift[axis] + centre[axis] - (per_column[axis] * centre[0] + per_row[axis] * centre[1]));
        Some(Self {
            per_column,
            per_row,
            origin,
        })
    }

    /// Samples `image` at every output position: height × width × 3.
    ///
    /// In f64 and in scipy's order of operations up to the final rounding, because a brightness step that follows
    /// truncates: a last-bit difference could become a whole level.
    pub(super) fn sample(&self, image: &RgbImage) -> Vec<f32> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let stride = width * 3;
        let source = image.as_raw();
        let mut pixels = Vec::with_capacity(source.len());
        for row in 0..height {
            let start_x = self.origin[0] + self.per_row[0] * row as f64;
            let start_y = self.origin[1] + self.per_row[1] * row as f64;
            for column in 0..width {
                let (left, right, x) = neighbours(start_x + self.per_column[0] * column as f64, width);
                let (above, below, y) = neighbours(start_y + self.per_column[1] * column as f64, height);
                let upper = &source[above * stride..][..stride];
                let lower = &source[below * stride..][..stride];
                for channel in 0..3 {
                    let at = |line: &[u8], column: usize| f64::from(line[column * 3 + channel]);
                    let value = at(upper, left) * (1.0 - y) * (1.0 - x)
                        + at(upper, right) * (1.0 - y) * x
                        + at(lower, left) * y * (1.0 - x)
                        + at(lower, right) * y * x;
                    pixels.push(value as f32);
                }
            }
        }
        pixels
    }
}

/// The two input positions beside `position` on an axis of `len` pixels, and the share of the second.
#[inline]
fn neighbours(position: f64, len: usize) -> (usize, usize, f64) {
    let last = len - 1;
    let position = position.clamp(0.0, last as f64);
    let first = position as usize;
    (first, (first + 1).min(last), position - first as f64)
}
