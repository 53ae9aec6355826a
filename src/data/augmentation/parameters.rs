//! The changes drawn for one image in one epoch, and their application in Keras' order.

use image::RgbImage;
use rand::Rng;

use super::affine::Affine;
use super::{Augmentation, colour};
use crate::random::stream;

/// What happens to one image: `ImageDataGenerator.get_random_transform`'s dictionary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AugmentationParameters {
    /// Rotation in degrees (`theta`).
    pub rotation_degrees: f64,
    /// Shift of the sampling positions along the columns, in pixels, before the rotation (`tx`).
    pub shift_columns: f64,
    /// Shift of the sampling positions along the rows, in pixels, before the rotation (`ty`).
    pub shift_rows: f64,
    /// Spread of the sampling positions along the columns (`zx`).
    pub zoom_columns: f64,
    /// Spread of the sampling positions along the rows (`zy`).
    pub zoom_rows: f64,
    /// Added to every channel, then clipped to the image's own least and greatest value (`channel_shift_intensity`).
    pub channel_shift: Option<f32>,
    /// Mirrors left and right (`flip_horizontal`).
    pub flip_horizontal: bool,
    /// Mirrors top and bottom (`flip_vertical`).
    pub flip_vertical: bool,
    /// Brightness factor (`brightness`).
    pub brightness: Option<f32>,
}

impl AugmentationParameters {
    /// Draws the changes of image `image` in epoch `epoch` for images of `size`×`size`.
    ///
    /// Every number is drawn whether or not it is used, so that switching one change on or off leaves the others of
    /// the same image as they were.
    pub fn draw(augmentation: &Augmentation, size: u32, seed: u64, epoch: u64, image: u64) -> Self {
        let mut random = stream(seed, "augmentation", &[epoch, image]);
        let mut unit = || random.r#gen::<f64>();
        let size = f64::from(size);
        Self {
            rotation_degrees: symmetric(unit(), augmentation.rotation_degrees),
            shift_columns: symmetric(unit(), augmentation.width_shift) * size,
            shift_rows: symmetric(unit(), augmentation.height_shift) * size,
            zoom_columns: between(unit(), augmentation.zoom),
            zoom_rows: between(unit(), augmentation.zoom),
            flip_horizontal: (unit() < 0.5) & augmentation.horizontal_flip,
            flip_vertical: (unit() < 0.5) & augmentation.vertical_flip,
            channel_shift: Some(symmetric(unit(), augmentation.channel_shift) as f32)
                .filter(|_| augmentation.channel_shift != 0.0),
            brightness: Some(unit()).and_then(|unit| Some(between(unit, augmentation.brightness?) as f32)),
        }
    }

    /// Applies the changes as `ImageDataGenerator.apply_transform` does: one affine map of rotation, shift and zoom
    /// (bilinear, border repeated), channel shift, flips, brightness.
    ///
    /// # Shapes
    /// Height × width × 3 RGB values of 0 to 255, like the image. Equal to Keras for square images.
    pub fn apply(&self, image: &RgbImage) -> Vec<f32> {
        let mut pixels = match Affine::new(self, image.width(), image.height()) {
            Some(affine) => affine.sample(image),
            None => image.as_raw().iter().copied().map(f32::from).collect(),
        };
        if let Some(intensity) = self.channel_shift {
            colour::shift_channels(&mut pixels, intensity);
        }
        let row = image.width() as usize * 3;
        if self.flip_horizontal {
            pixels.chunks_exact_mut(row).for_each(flip_row);
        }
        if self.flip_vertical {
            flip_rows(&mut pixels, row);
        }
        if let Some(factor) = self.brightness {
            colour::scale_brightness(&mut pixels, factor);
        }
        pixels
    }
}

/// A draw from [0, 1) as one from [−`limit`, `limit`).
fn symmetric(unit: f64, limit: f64) -> f64 {
    between(unit, (-limit, limit))
}

fn between(unit: f64, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * unit
}

fn flip_row(row: &mut [f32]) {
    let (pixels, _) = row.as_chunks_mut::<3>();
    pixels.reverse();
}

fn flip_rows(pixels: &mut [f32], row: usize) {
    let mut rows = pixels.chunks_exact_mut(row);
    while let (Some(top), Some(bottom)) = (rows.next(), rows.next_back()) {
        top.swap_with_slice(bottom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(augmentation: &Augmentation, seed: u64, epoch: u64, image: u64) -> AugmentationParameters {
        AugmentationParameters::draw(augmentation, 100, seed, epoch, image)
    }

    #[test]
    fn draws_depend_on_seed_epoch_and_image_alone() {
        let paper = Augmentation::paper();
        let reference = draw(&paper, 1, 2, 3);
        assert_eq!(reference, draw(&paper, 1, 2, 3));
        for other in [draw(&paper, 0, 2, 3), draw(&paper, 1, 0, 3), draw(&paper, 1, 2, 0)] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn the_papers_draws_fill_their_ranges_and_stay_inside() {
        let draws: Vec<_> = (0..2000)
            .map(|image| draw(&Augmentation::paper(), 0, 0, image))
            .collect();
        let fills = |low: f64, high: f64, value: &dyn Fn(&AugmentationParameters) -> f64| {
            let values: Vec<f64> = draws.iter().map(value).collect();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let margin = (high - low) * 0.01;
            low <= least && least < low + margin && high - margin < greatest && greatest <= high + 1e-6
        };
        assert!(fills(-360.0, 360.0, &|draw| draw.rotation_degrees));
        assert!(fills(-10.0, 10.0, &|draw| draw.shift_rows));
        assert!(fills(-10.0, 10.0, &|draw| draw.shift_columns));
        assert!(fills(0.8, 1.2, &|draw| draw.zoom_rows));
        assert!(fills(0.8, 1.2, &|draw| draw.zoom_columns));
        assert!(fills(-50.0, 50.0, &|draw| draw.channel_shift.unwrap().into()));
        assert!(fills(0.0, 1.2, &|draw| draw.brightness.unwrap().into()));
        let flipped = draws.iter().filter(|draw| draw.flip_horizontal).count();
        assert!((900..1100).contains(&flipped), "{flipped} of 2000");
        let both = draws
            .iter()
            .filter(|draw| draw.flip_horizontal && draw.flip_vertical)
            .count();
        assert!((400..600).contains(&both), "{both} of 2000");
    }

    #[test]
    fn switching_one_change_off_leaves_the_others_as_drawn() {
        let without = Augmentation {
            rotation_degrees: 0.0,
            horizontal_flip: false,
            ..Augmentation::paper()
        };
        for image in 0..20 {
            let mut all = draw(&Augmentation::paper(), 5, 0, image);
            (all.rotation_degrees, all.flip_horizontal) = (0.0, false);
            assert_eq!(all, draw(&without, 5, 0, image));
        }
    }

    #[test]
    fn no_augmentation_changes_nothing() {
        let image = RgbImage::from_fn(5, 5, |column, row| image::Rgb([column as u8, row as u8, 200]));
        let parameters = draw(&Augmentation::default(), 1, 2, 3);
        let expected: Vec<f32> = image.as_raw().iter().map(|&value| value.into()).collect();
        assert_eq!(parameters.apply(&image), expected);
    }
}
