//! Splits whose images are files of a tree: what every layout on disk comes to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::decode::{Decoded, decode};
use super::split::{Source, Split};
use super::tree::Tree;
use super::{Content, DataError, Dataset, LeftOut};

/// The file positions of every class's images, by the class's name: classes in byte order, files in the byte order of
/// their paths.
pub(super) type ClassFiles = BTreeMap<String, Vec<usize>>;

/// The files of all splits.
#[derive(Debug)]
pub(super) struct SplitFiles {
    pub(super) train: ClassFiles,
    pub(super) validation: Option<ClassFiles>,
    pub(super) test: ClassFiles,
}

/// The data set of these files; its classes are the training split's. `place` is what a message calls the place that
/// names the other splits' classes.
pub(super) fn dataset(tree: &Arc<dyn Tree>, files: SplitFiles, place: PathBuf) -> Result<Dataset, DataError> {
    let SplitFiles {
        train,
        validation,
        test,
    } = files;
    for (split, files) in [("validation", validation.as_ref()), ("test", Some(&test))] {
        let named = files.into_iter().flat_map(ClassFiles::keys);
        let unknown: Vec<String> = named.filter(|class| !train.contains_key(*class)).cloned().collect();
        if !unknown.is_empty() {
            return Err(DataError::UnknownClass {
                path: place,
                split,
                classes: unknown,
            });
        }
    }
    for files in [Some(&train), validation.as_ref(), Some(&test)].into_iter().flatten() {
        files.values().flatten().try_for_each(|&file| tree.check(file))?;
    }
    let classes: Vec<String> = train.keys().cloned().collect();
    let split = |files| Split::new(LabelledFiles::new(tree, &classes, files));
    Ok(Dataset {
        train: split(train),
        validation: validation.map(split),
        test: split(test),
        classes,
        left_out: LeftOut::default(),
        empty_folders: Vec::new(),
        note: None,
    })
}

/// One split's images.
#[derive(Debug)]
struct LabelledFiles {
    tree: Arc<dyn Tree>,
    classes: usize,
    /// File position and class index of every image.
    images: Vec<(usize, usize)>,
}

impl LabelledFiles {
    fn new(tree: &Arc<dyn Tree>, classes: &[String], mut files: ClassFiles) -> Self {
        let mut images = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            let of_class = files.remove(class).unwrap_or_default();
            images.extend(of_class.into_iter().map(|file| (file, label)));
        }
        Self {
            tree: Arc::clone(tree),
            classes: classes.len(),
            images,
        }
    }
}

impl Source for LabelledFiles {
    fn classes(&self) -> usize {
        self.classes
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn label(&self, image: usize) -> usize {
        self.images[image].1
    }

    fn name(&self, image: usize) -> String {
        self.tree.name(self.images[image].0)
    }

    fn place(&self, image: usize) -> String {
        self.tree.paths()[self.images[image].0].clone()
    }

    fn content(&self, image: usize, before: Option<&Content>) -> Result<Option<Content>, DataError> {
        self.tree.content(self.images[image].0, before).map(Some)
    }

    fn decode(&self, image: usize) -> Result<Decoded, DataError> {
        let file = self.images[image].0;
        decode(&self.tree.read(file)?, &self.tree.name(file))
    }
}
