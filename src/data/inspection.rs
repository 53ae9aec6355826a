//! A look at every image before training: which ones cannot be used, and which show the same picture.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};

use md5::{Digest, Md5};
use rayon::prelude::*;
use serde::Serialize;

use super::error::with_causes;
use super::{DataError, Split};

/// A split under the name that messages give it.
pub type Part<'a> = (&'static str, &'a Split);

/// An image that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The name of its part.
    pub split: &'static str,
    /// The image's name.
    pub image: String,
    /// What is wrong with it; the sentence names the image.
    pub reason: String,
}

/// An image in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// The name of its part.
    pub split: &'static str,
    /// Its class.
    pub class: String,
    /// The image's name.
    pub image: String,
}

/// Two images that are equal pixel by pixel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Why it matters.
    pub kind: DuplicateKind,
    /// The one that comes first.
    pub first: Placed,
    /// The other one.
    pub second: Placed,
}

/// Why a duplicate matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKind {
    /// The images are in two splits: the later one measures what was memorised.
    Leakage,
    /// The images are in one split under two classes: at least one label is wrong.
    Labels,
}

/// What decoding all images has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The images that cannot be used, in the order of the parts.
    pub unreadable: Vec<Unreadable>,
    /// For every image that repeats one before it in another split, or one of another class in its own: the first of those.
    pub duplicates: Vec<Duplicate>,
    /// How many images ask to be turned, whether they are or not.
    pub asking_for_turn: usize,
    /// The indices of each part's other images.
    readable: Vec<Vec<usize>>,
    /// What has no image left: a class of the first part, or a part.
    emptied: Vec<String>,
}

/// Stands for an image's size and pixels.
type Content = [u8; 16];

/// Where each content was first seen in each part that has it.
type Seen = HashMap<Content, Vec<(usize, usize)>>;

impl Inspection {
    /// Decodes every image of `parts` on the rayon pool and keeps none. The first part is what is trained on; `progress`
    /// is told the number of images so far, and that of all.
    pub fn of(classes: &[String], parts: &[Part<'_>], progress: &(dyn Fn(usize, usize) + Sync)) -> Self {
        let all = parts.iter().map(|(_, split)| split.len()).sum();
        let done = AtomicUsize::new(0);
        let mut inspection = Self::default();
        let mut seen = Seen::new();
        for (number, &(name, split)) in parts.iter().enumerate() {
            let contents = (0..split.len()).into_par_iter().map(|index| {
                let content = content(split, index);
                progress(1 + done.fetch_add(1, Ordering::Relaxed), all);
                content
            });
            let mut readable = Vec::new();
            for (index, content) in contents.collect::<Vec<_>>().into_iter().enumerate() {
                match content {
                    Ok((content, asks_for_turn)) => {
                        inspection.asking_for_turn += usize::from(asks_for_turn);
                        readable.push(index);
                        let place = |(part, index)| placed(classes, parts, part, index);
                        let found = earlier(&mut seen, content, (number, index), parts);
                        inspection.duplicates.extend(found.map(|(kind, first)| Duplicate {
                            kind,
                            first: place(first),
                            second: place((number, index)),
                        }));
                    }
                    Err(error) => inspection.unreadable.push(Unreadable {
                        split: name,
                        image: split.name(index),
                        reason: with_causes(&error),
                    }),
                }
            }
            let left = split.select(&readable);
            if number == 0 {
                inspection.emptied.extend(lost_classes(classes, split, &left));
            }
            if left.is_empty() && !split.is_empty() {
                inspection.emptied.push(format!("the {name} split has no image"));
            }
            inspection.readable.push(readable);
        }
        inspection
    }

    /// The images of part number `part` that can be used; `split` must be that part.
    pub fn readable(&self, part: usize, split: &Split) -> Split {
        self.readable
            .get(part)
            .map_or(split.clone(), |indices| split.select(indices))
    }

    /// Whether training may leave out the images that cannot be used.
    ///
    /// # Errors
    /// [`DataError::TooManyBadImages`] for more than `limit`, [`DataError::NothingLeft`] if a class of the first part or a
    /// whole part has no other image.
    pub fn allow(&self, limit: usize) -> Result<(), DataError> {
        let images = || self.unreadable.iter().map(|image| image.reason.clone()).collect();
        if self.unreadable.len() > limit {
            return Err(DataError::TooManyBadImages {
                limit,
                images: images(),
            });
        }
        match self.emptied.first() {
            Some(what) => Err(DataError::NothingLeft {
                what: what.clone(),
                images: images(),
            }),
            None => Ok(()),
        }
    }
}

/// The image's content as training sees it, and whether its file asks for a turn.
fn content(split: &Split, index: usize) -> Result<(Content, bool), DataError> {
    let decoded = split.decoded(index)?;
    let asks_for_turn = decoded.asks_for_turn();
    let image = decoded.oriented(split.orientation());
    let mut digest = Md5::new();
    digest.update(image.width().to_le_bytes());
    digest.update(image.as_raw());
    Ok((digest.finalize().into(), asks_for_turn))
}

/// The image before this one that it repeats where it should not, and why that matters.
fn earlier(
    seen: &mut Seen,
    content: Content,
    (part, index): (usize, usize),
    parts: &[Part<'_>],
) -> Option<(DuplicateKind, (usize, usize))> {
    let before = match seen.entry(content) {
        Entry::Vacant(new) => {
            new.insert(vec![(part, index)]);
            return None;
        }
        Entry::Occupied(old) => old.into_mut(),
    };
    let own = before.iter().copied().find(|&(other, _)| other == part);
    let first = before.iter().copied().find(|&(other, _)| other != part);
    if own.is_none() {
        before.push((part, index));
    }
    let label = |(part, index): (usize, usize)| parts.get(part).map(|(_, split)| split.label(index));
    let mislabelled = own.filter(|&own| label(own) != label((part, index)));
    let leak = first.map(|first| (DuplicateKind::Leakage, first));
    leak.or(mislabelled.map(|own| (DuplicateKind::Labels, own)))
}

fn placed(classes: &[String], parts: &[Part<'_>], part: usize, index: usize) -> Placed {
    let (name, split) = parts[part];
    Placed {
        split: name,
        class: classes.get(split.label(index)).cloned().unwrap_or_default(),
        image: split.name(index),
    }
}

/// The classes that have images in `before` and none in `after`.
fn lost_classes<'c>(classes: &'c [String], before: &Split, after: &Split) -> impl Iterator<Item = String> + use<'c> {
    let counts = before.class_counts().into_iter().zip(after.class_counts());
    let lost = classes
        .iter()
        .zip(counts)
        .filter(|(_, (before, after))| *before > 0 && *after == 0);
    lost.map(|(class, _)| format!("class '{class}' has no training image"))
}
