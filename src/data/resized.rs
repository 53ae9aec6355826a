//! Images kept in memory at the size that training wants, so that a small data set is decoded once and not once an
//! epoch.

use std::sync::OnceLock;

use image::RgbImage;

use super::decode::Decoded;
use super::split::{Source, Split};
use super::{Content, DataError, resize};

/// The bytes that `images` RGB images of `size`×`size` take.
pub(super) fn bytes_needed(images: usize, size: u32) -> u128 {
    images as u128 * u128::from(size) * u128::from(size) * 3
}

/// A split whose images are resized and remembered.
#[derive(Debug)]
pub(super) struct Resized {
    split: Split,
    size: u32,
    kept: Box<[OnceLock<RgbImage>]>,
}

impl Resized {
    pub(super) fn new(split: Split, size: u32) -> Self {
        Self {
            kept: (0..split.len()).map(|_| OnceLock::new()).collect(),
            split,
            size,
        }
    }
}

impl Source for Resized {
    fn classes(&self) -> usize {
        self.split.classes()
    }

    fn len(&self) -> usize {
        self.split.len()
    }

    fn label(&self, image: usize) -> usize {
        self.split.label(image)
    }

    fn name(&self, image: usize) -> String {
        self.split.name(image)
    }

    fn place(&self, image: usize) -> String {
        self.split.place(image)
    }

    fn content(&self, image: usize, before: Option<&Content>) -> Result<Option<Content>, DataError> {
        self.split.content(image, before)
    }

    fn decode(&self, image: usize) -> Result<Decoded, DataError> {
        if let Some(kept) = self.kept[image].get() {
            return Ok(Decoded::upright(kept.clone()));
        }
        let resized = resize::nearest(self.split.decode(image)?, self.size);
        // Turned already, if it had to be.
        Ok(Decoded::upright(self.kept[image].get_or_init(|| resized).clone()))
    }
}
