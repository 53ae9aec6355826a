//! One split of a data set, training or test: a cheap handle to labelled images that are decoded on demand.

use std::fmt::Debug;
use std::sync::Arc;

use image::RgbImage;

use super::decode::{Decoded, Orientation};
use super::{Content, DataError, resized, subset};

/// Where a split's images come from: files of a tree, or a generator.
pub(super) trait Source: Debug + Send + Sync {
    /// The number of classes of the data set.
    fn classes(&self) -> usize;
    /// The number of images.
    fn len(&self) -> usize;
    /// The class index of an image.
    fn label(&self, image: usize) -> usize;
    /// The image's name for messages.
    fn name(&self, image: usize) -> String;
    /// The image's place in the data set, wherever that lies.
    fn place(&self, image: usize) -> String {
        self.name(image)
    }
    /// The content of the image's file; none where the image is drawn. What was known `before` of a file that has its size
    /// and times still holds.
    fn content(&self, _image: usize, _before: Option<&Content>) -> Result<Option<Content>, DataError> {
        Ok(None)
    }
    /// The image in 8-bit RGB, as it is stored.
    fn decode(&self, image: usize) -> Result<Decoded, DataError>;
}

/// A split, or a subset of one: labelled images in a fixed order. Cloning copies two pointers.
///
/// The methods that take an index panic where it is not below [`Split::len`].
#[derive(Clone, Debug)]
pub struct Split {
    source: Arc<dyn Source>,
    /// Positions in the source of the images that belong to this split.
    images: Arc<[usize]>,
    /// Whether they are turned as their files say.
    orientation: Orientation,
}

impl Split {
    pub(super) fn new(source: impl Source + 'static) -> Self {
        Self {
            images: (0..source.len()).collect(),
            source: Arc::new(source),
            orientation: Orientation::default(),
        }
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The class index of image `index`: its class's place in [`Dataset::classes`](super::Dataset::classes).
    pub fn label(&self, index: usize) -> usize {
        self.source.label(self.images[index])
    }

    /// The name of image `index` for messages: its file, or what generated it.
    pub fn name(&self, index: usize) -> String {
        self.source.name(self.images[index])
    }

    /// The place of image `index` within the data set: the same on every machine.
    pub fn place(&self, index: usize) -> String {
        self.source.place(self.images[index])
    }

    /// The content of image `index`'s file; none where the image is drawn. The file is read unless its size and times are
    /// those of `before`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn content(&self, index: usize, before: Option<&Content>) -> Result<Option<Content>, DataError> {
        self.source.content(self.images[index], before)
    }

    /// Reads, decodes and turns image `index`, in its own size.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, or is larger than the limits of [`decode`](super::decode), by name.
    pub fn decode(&self, index: usize) -> Result<RgbImage, DataError> {
        Ok(self.decoded(index)?.oriented(self.orientation))
    }

    /// Image `index`, to be [`oriented`](Decoded::oriented) still.
    pub(super) fn decoded(&self, index: usize) -> Result<Decoded, DataError> {
        self.source.decode(self.images[index])
    }

    /// The same images, turned as their files say or as they are stored; a new split has them as they are stored.
    #[must_use]
    pub fn oriented(self, orientation: Orientation) -> Self {
        Self { orientation, ..self }
    }

    /// Whether the images are turned as their files say.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// The number of images of every class, in the order of the class indices.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.source.classes()];
        for label in self.labels() {
            counts[label] += 1;
        }
        counts
    }

    /// At most `limit` images, with class counts as equal as the split allows, chosen by `seed`; in the order of the
    /// split. A subset of a larger limit and the same seed contains it.
    pub fn balanced_subset(&self, limit: usize, seed: u64) -> Self {
        self.select(&subset::balanced(&self.indices_by_class(), limit, seed))
    }

    /// Holds out `fraction` (0 to 1) of the images, chosen by `seed`: `(rest, held out)`, both in the order of the split.
    /// Each class gives in proportion and keeps at least one image in the rest; what remains of an image goes by largest
    /// remainders.
    pub fn hold_out(&self, fraction: f64, seed: u64) -> (Self, Self) {
        let (rest, held_out) = subset::hold_out(&self.indices_by_class(), fraction, seed);
        (self.select(&rest), self.select(&held_out))
    }

    /// The same images resized to `size`×`size` (nearest neighbour), each kept in memory once it was decoded, where
    /// all of them need at most `max_bytes`; otherwise the split as it is.
    ///
    /// Batches are the same with and without: a [`Loader`](super::Loader) of that image size only saves the decoding
    /// from the second epoch on.
    pub fn keep_resized(&self, size: u32, max_bytes: usize) -> Self {
        if resized::bytes_needed(self.len(), size) > max_bytes as u128 {
            return self.clone();
        }
        Self::new(resized::Resized::new(self.clone(), size))
    }

    pub(super) fn classes(&self) -> usize {
        self.source.classes()
    }

    fn labels(&self) -> impl Iterator<Item = usize> {
        self.images.iter().map(|&image| self.source.label(image))
    }

    /// For every class the indices of its images.
    fn indices_by_class(&self) -> Vec<Vec<usize>> {
        let mut classes = vec![Vec::new(); self.source.classes()];
        for (index, label) in self.labels().enumerate() {
            classes[label].push(index);
        }
        classes
    }

    /// The images of these indices.
    pub(super) fn select(&self, indices: &[usize]) -> Self {
        Self {
            source: Arc::clone(&self.source),
            images: indices.iter().map(|&index| self.images[index]).collect(),
            orientation: self.orientation,
        }
    }
}
