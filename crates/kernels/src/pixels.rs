//! Where a batch of maps lies: pixels with all their channels, side by side, or with some of the channels of a wider map.

use std::ops::Range;

use super::batch_norm::Affine;
use super::element::Element;
use super::product::{Matrix, competes, spread};

/// Pixels to be read, as they are or normalised on the way.
#[derive(Clone, Copy)]
pub struct Pixels<'a, T = f32> {
    values: &'a [T],
    place: Place,
    through: Option<&'a Affine>,
}

/// Pixels to be written.
pub struct PixelsMut<'a, T = f32> {
    /// Those of the wider map, all channels of all pixels.
    pub(super) values: &'a mut [T],
    place: Place,
}

/// Which channels of a map are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first one.
    pub first: usize,
    /// How many.
    pub channels: usize,
    /// Channels of the wider map.
    pub all: usize,
}

impl Place {
    /// All channels of a map.
    pub fn whole(channels: usize) -> Self {
        Self {
            first: 0,
            channels,
            all: channels,
        }
    }

    /// Whether nothing lies between the pixels.
    pub fn is_whole(self) -> bool {
        self.channels == self.all
    }

    /// The channels, in a pixel of the wider map.
    pub(super) fn range(self) -> Range<usize> {
        self.first..self.first + self.channels
    }

    /// Asserts that a slice of this length has whole pixels, with these channels.
    fn check(self, length: usize) {
        assert!(
            self.first.checked_add(self.channels).is_some_and(|end| end <= self.all),
            "channels of a map"
        );
        assert_eq!(
            length.checked_rem(self.all).unwrap_or(length),
            0,
            "whole pixels of {} channels",
            self.all
        );
    }
}

impl<'a, T: Element> Pixels<'a, T> {
    /// All channels of a map.
    ///
    /// # Panics
    /// If a pixel is cut.
    pub fn whole(values: &'a [T], channels: usize) -> Self {
        Self::of(values, Place::whole(channels))
    }

    /// Some channels of a map.
    ///
    /// # Panics
    /// If a pixel is cut, or the map lacks such channels.
    pub fn of(values: &'a [T], place: Place) -> Self {
        place.check(values.len());
        Self {
            values,
            place,
            through: None,
        }
    }

    /// The same pixels as a normalisation makes them.
    pub fn through(self, affine: &'a Affine) -> Self {
        assert_eq!(affine.channels(), self.place.channels, "channels of a normalisation");
        Self {
            through: Some(affine),
            ..self
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.values.len().checked_div(self.place.all).unwrap_or(0)
    }

    /// Values of a pixel.
    pub fn channels(&self) -> usize {
        self.place.channels
    }

    /// All values, of pixels that lie side by side as they are.
    ///
    /// # Panics
    /// If they don't.
    pub fn dense(&self) -> &'a [T] {
        assert!(
            self.place.is_whole() && self.through.is_none(),
            "pixels that lie side by side as they are"
        );
        self.values
    }

    /// The values of some pixels, one after the other, as they lie in memory.
    #[inline(always)]
    pub(super) fn rows(&self, pixels: Range<usize>) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        let Place { all, .. } = self.place;
        let channels = self.place.range();
        let values = &self.values[pixels.start * all..pixels.end * all];
        values
            .chunks_exact(all.max(1))
            .map(move |pixel| &pixel[channels.clone()])
    }

    /// A pixel's values, as they lie in memory.
    #[inline(always)]
    pub(super) fn pixel(&self, pixel: usize) -> &'a [T] {
        let first = pixel * self.place.all + self.place.first;
        &self.values[first..first + self.place.channels]
    }

    /// Copies some pixels, one after the other.
    ///
    /// # Panics
    /// If they are to be normalised on the way, or the copy has no room for just as many.
    pub(super) fn copy(&self, pixels: Range<usize>, copy: &mut [T]) {
        assert!(self.through.is_none(), "pixels as they are");
        assert_eq!(copy.len(), pixels.len() * self.channels(), "values of a copy");
        if self.place.is_whole() {
            copy.copy_from_slice(&self.values[pixels.start * self.place.all..pixels.end * self.place.all]);
            return;
        }
        for (copy, pixel) in copy.chunks_exact_mut(self.channels().max(1)).zip(self.rows(pixels)) {
            copy.copy_from_slice(pixel);
        }
    }

    /// What normalises them.
    pub(super) fn affine(&self) -> Option<&'a Affine> {
        self.through
    }

    /// The address of the first pixel's first channel.
    pub(super) fn first(&self) -> *const T {
        self.values[self.place.first.min(self.values.len())..].as_ptr()
    }

    /// Where they lie.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Pixels as a matrix, as they lie in memory.
    ///
    /// # Panics
    /// If they are to be normalised on the way.
    pub(super) fn lying(&self, pixels: Range<usize>) -> Matrix<'a, T> {
        assert!(self.through.is_none(), "pixels as they are");
        let Place { channels, first, all } = self.place;
        let values = &self.values[(pixels.start * all + first).min(self.values.len())..];
        Matrix::with_stride(values, pixels.len(), channels, all)
    }

    /// Some channels of some pixels as a matrix; normalised ones are written to the buffer.
    pub(super) fn matrix<'m>(
        &self,
        pixels: Range<usize>,
        channels: Range<usize>,
        buffer: &'m mut Vec<T>,
    ) -> Matrix<'m, T>
    where
        'a: 'm,
    {
        let Place { first, all, .. } = self.place;
        let (rows, columns, stride) = (pixels.len(), channels.len(), spread::<T>(channels.len()));
        let Some(affine) = self.through else {
            let values = &self.values[(pixels.start * all + first + channels.start).min(self.values.len())..];
            return Matrix::with_stride(values, rows, columns, all);
        };
        // What the buffer held is overwritten.
        buffer.resize(rows * stride, T::default());
        T::normalize_rows(*self, pixels, channels, affine, None, buffer, stride);
        Matrix::with_stride(buffer, rows, columns, stride)
    }

    /// As [`matrix`](Self::matrix), with all channels; rows that compete for the same places in a cache are copied to the buffer.
    pub(super) fn rows_apart<'m>(&self, pixels: Range<usize>, buffer: &'m mut Vec<T>) -> Matrix<'m, T>
    where
        'a: 'm,
    {
        if self.through.is_some() || !competes::<T>(self.place.all) {
            return self.matrix(pixels, 0..self.channels(), buffer);
        }
        let (rows, columns, stride) = (pixels.len(), self.channels(), spread::<T>(self.channels()));
        buffer.resize(rows * stride, T::default());
        for (copy, row) in buffer.chunks_exact_mut(stride).zip(self.rows(pixels)) {
            copy[..columns].copy_from_slice(row);
        }
        Matrix::with_stride(buffer, rows, columns, stride)
    }
}

impl<'a, T: Element> PixelsMut<'a, T> {
    /// All channels of a map.
    ///
    /// # Panics
    /// If a pixel is cut.
    pub fn whole(values: &'a mut [T], channels: usize) -> Self {
        Self::of(values, Place::whole(channels))
    }

    /// Some channels of a map; the others are left as they are.
    ///
    /// # Panics
    /// If a pixel is cut, or the map lacks such channels.
    pub fn of(values: &'a mut [T], place: Place) -> Self {
        place.check(values.len());
        Self { values, place }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.values.len().checked_div(self.place.all).unwrap_or(0)
    }

    /// Where they lie.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The same pixels, to be read.
    pub fn read(&self) -> Pixels<'_, T> {
        Pixels::of(self.values, self.place)
    }
}
