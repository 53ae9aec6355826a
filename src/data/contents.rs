//! The contents of a data set's image files: a run notices when images were replaced between two of its starts.
//!
//! A file whose size and times are those of before counts as unchanged without being read. Any other is summed up.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{DataError, Split};
use crate::atomic_file::{Disk, replace_on};
use crate::{input_file, random};

/// The content of one image's file, and what tells cheaply that it is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The size in bytes.
    pub bytes: u64,
    /// The CRC-32 of all bytes, as zip files have it.
    pub crc32: u32,
    /// Stands for the times at which the file was written and last touched in any way; 0 in a zip file.
    pub times: u64,
}

/// An image of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    /// Its place in the data set.
    image: String,
    /// None where nothing was trained on the image yet, whatever its file held: it could not be read.
    content: Option<Content>,
    /// Whether it took another's place after the experiment had begun.
    is_replaced: bool,
}

impl Known {
    fn is_other_than(&self, before: &Self) -> bool {
        let both = self.content.as_ref().zip(before.content.as_ref());
        both.is_some_and(|(now, before)| (now.bytes, now.crc32) != (before.bytes, before.crc32))
    }
}

/// The contents of all image files of some splits, in the order of the splits. Those that the program draws itself aren't
/// among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents(Vec<Known>);

impl Contents {
    /// The contents of the images of `splits`. Files are read on the rayon pool where their size or times aren't those in
    /// `before`; `progress` is told the number of images so far, and that of all.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(splits: &[&Split], before: &Self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Self, DataError> {
        let before = before.by_place();
        let (all, done) = (splits.iter().map(|split| split.len()).sum(), AtomicUsize::new(0));
        let mut contents = Vec::new();
        for split in splits {
            let images = (0..split.len()).into_par_iter().map(|index| {
                let image = split.place(index);
                let before = before.get(image.as_str());
                let content = split.content(index, before.and_then(|before| before.content.as_ref()))?;
                progress(1 + done.fetch_add(1, Ordering::Relaxed), all);
                let mut known = Known {
                    image,
                    content,
                    is_replaced: false,
                };
                known.is_replaced = before.is_some_and(|before| before.is_replaced || known.is_other_than(before));
                Ok(known)
            });
            let images: Vec<Known> = images.collect::<Result<_, DataError>>()?;
            contents.extend(images.into_iter().filter(|known| known.content.is_some()));
        }
        Ok(Self(contents))
    }

    fn by_place(&self) -> HashMap<&str, &Known> {
        self.0.iter().map(|known| (known.image.as_str(), known)).collect()
    }

    /// Stands for all contents in their order, wherever the files lie.
    pub fn digest(&self) -> u64 {
        let contents = self.0.iter().filter_map(|known| known.content);
        contents.fold(0, |hash, content| {
            random::key(hash, "image", &[content.bytes, u64::from(content.crc32)])
        })
    }

    /// Whether `before` knows every image, with this content or another.
    pub fn are_all_known(&self, before: &Self) -> bool {
        let before = before.by_place();
        self.0.iter().all(|known| before.contains_key(known.image.as_str()))
    }

    /// The places of the images that were there `before` with another content.
    pub fn replaced_since(&self, before: &Self) -> Vec<&str> {
        let before = before.by_place();
        let replaced = self.0.iter().filter(|known| {
            let before = before.get(known.image.as_str());
            before.is_some_and(|before| known.is_other_than(before))
        });
        replaced.map(|known| known.image.as_str()).collect()
    }

    /// How many images took another's place after the experiment had begun.
    pub fn replaced(&self) -> usize {
        self.0.iter().filter(|known| known.is_replaced).count()
    }

    /// Forgets what the image at this place holds: nothing was trained on it.
    pub fn forget(&mut self, place: &str) {
        let image = self.0.iter_mut().find(|known| known.image == place);
        image.into_iter().for_each(|known| known.content = None);
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// A file that isn't there, cannot be read, or is not such a table.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut table = csv::Reader::from_reader(input_file::open(path)?);
        let rows = table.deserialize().map(|row| {
            let (image, bytes, crc32, times, is_replaced): (_, Option<u64>, Option<u32>, Option<u64>, _) = row?;
            let content = bytes.zip(crc32).zip(times);
            Ok(Known {
                image,
                content: content.map(|((bytes, crc32), times)| Content { bytes, crc32, times }),
                is_replaced,
            })
        });
        rows.collect::<io::Result<_>>().map(Self)
    }

    /// Writes them as CSV: `image,bytes,crc32,times,replaced`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["image", "bytes", "crc32", "times", "replaced"])?;
        for known in &self.0 {
            let content = known.content;
            table.serialize((
                &known.image,
                content.map(|content| content.bytes),
                content.map(|content| content.crc32),
                content.map(|content| content.times),
                known.is_replaced,
            ))?;
        }
        let text = table.into_inner().map_err(|error| error.into_error())?;
        replace_on(disk, path, None, &text)
    }
}
