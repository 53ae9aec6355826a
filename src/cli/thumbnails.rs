//! Small pictures of the test images on which the heads disagree, for the report.

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};

use super::error::CommandError;
use crate::data::Split;
use crate::report::{disagreeing_images, write_thumbnail};
use crate::runner::folder::{THUMBNAILS, is_thumbnail, thumbnail};
use crate::runner::{Lock, delete};

/// Width and height.
const SIDE: u32 = 96;

/// Writes the thumbnails of the images on which the runs in the folder disagree, in the place of those before.
pub fn write(lock: &Lock<'_>, test: &Split) -> Result<(), CommandError> {
    lock.check()?;
    let folder = lock.folder();
    let mut images = disagreeing_images(folder)?;
    images.retain(|&index| index < test.len());
    let name = |index: &usize| thumbnail(folder, *index).file_name().map(|name| name.to_owned());
    let wanted: Vec<_> = images.iter().filter_map(name).collect();
    delete(&folder.join(THUMBNAILS), |name| {
        is_thumbnail(name) && !wanted.iter().any(|wanted| wanted == name)
    })?;
    for index in images {
        write_thumbnail(lock, folder, index, &small(&test.decode(index)?))?;
    }
    Ok(())
}

/// The middle of a photograph, as a square.
fn small(photograph: &RgbImage) -> RgbImage {
    let (width, height) = photograph.dimensions();
    let side = width.min(height);
    let middle = crop_imm(photograph, (width - side) / 2, (height - side) / 2, side, side).to_image();
    resize(&middle, SIDE, SIDE, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_the_middle_of_the_photograph() {
        let photograph = RgbImage::from_fn(300, 100, |x, _| {
            image::Rgb([if (100..200).contains(&x) { 255 } else { 0 }; 3])
        });
        let small = small(&photograph);
        assert_eq!(small.dimensions(), (SIDE, SIDE));
        assert!(small.pixels().all(|pixel| pixel.0 == [255; 3]));
    }
}
