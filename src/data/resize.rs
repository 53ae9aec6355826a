//! Nearest-neighbour resizing, pixel for pixel as Pillow's `NEAREST`, which Keras' `load_img` uses by default.

use image::RgbImage;

/// Resizes to `size`×`size`; an image of that size is returned as it is.
pub fn nearest(image: RgbImage, size: u32) -> RgbImage {
    if image.dimensions() == (size, size) {
        return image;
    }
    let columns = source_positions(image.width(), size);
    let rows = source_positions(image.height(), size);
    let stride = image.width() as usize * 3;
    let source = image.as_raw();
    let mut pixels = Vec::with_capacity(columns.len() * rows.len() * 3);
    for row in rows {
        let line = &source[row * stride..][..stride];
        for &column in &columns {
            pixels.extend_from_slice(&line[column * 3..][..3]);
        }
    }
    RgbImage::from_raw(size, size, pixels).expect("one pixel was pushed for every row and column")
}

/// For every output position the input position that it shows.
///
/// Pillow adds the scale up step by step instead of multiplying, and where a sample falls on a pixel's edge the
/// rounding of that sum decides: this sum must stay a sum.
fn source_positions(input: u32, output: u32) -> Vec<usize> {
    let scale = f64::from(input) / f64::from(output);
    let last = input.saturating_sub(1) as usize;
    let mut position = 0.5 * scale;
    let mut positions = Vec::with_capacity(output as usize);
    for _ in 0..output {
        positions.push((position as usize).min(last));
        position += scale;
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by Pillow 13 for a row of pixels that hold their own positions:
    /// `Image.fromarray(numpy.arange(input, dtype="int32")[None]).resize((output, 1), Image.NEAREST)`.
    /// In the last three a product in the place of the sum gives other positions.
    const PILLOW: [(u32, u32, &[usize]); 5] = [
        (5, 3, &[0, 2, 4]),
        (3, 7, &[0, 0, 1, 1, 1, 2, 2]),
        (6, 9, &[0, 1, 1, 2, 2, 3, 4, 5, 5]),
        (8, 12, &[0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7, 7]),
        (12, 9, &[0, 2, 3, 4, 5, 7, 8, 10, 11]),
    ];

    #[test]
    fn samples_are_taken_where_pillow_takes_them() {
        for (input, output, expected) in PILLOW {
            assert_eq!(source_positions(input, output), expected, "{input} to {output}");
        }
    }

    #[test]
    fn an_image_is_stretched_to_a_square_whatever_its_shape() {
        let image = RgbImage::from_fn(4, 2, |column, row| image::Rgb([column as u8, row as u8, 9]));
        let small = nearest(image, 2);
        assert_eq!(small.into_raw(), [1, 0, 9, 3, 0, 9, 1, 1, 9, 3, 1, 9]);
    }
}
