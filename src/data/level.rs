//! The folders of images in one folder of a tree: what could be splits, or classes.

use std::collections::{BTreeMap, BTreeSet};

use super::split_name::SplitName;
use super::tree::{self, Tree};

/// The folders with images in a folder, which is a prefix of paths; in byte order.
#[derive(Debug)]
pub(super) struct Level<'a> {
    pub(super) folders: Vec<Inside<'a>>,
}

/// A folder that holds images, in itself or in folders.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    pub(super) name: &'a str,
    /// Whether images lie in it and not only in its folders.
    pub(super) holds_images: bool,
    /// The folders with images in it.
    pub(super) folders: BTreeSet<&'a str>,
}

impl<'a> Level<'a> {
    pub(super) fn of(tree: &'a dyn Tree, folder: &str) -> Self {
        let mut images: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in tree.paths().iter().filter(|path| tree::is_visible_image(path)) {
            if let Some((name, image)) = path.strip_prefix(folder).and_then(|below| below.split_once('/')) {
                images.entry(name).or_default().push(image);
            }
        }
        let folders = images.into_iter().map(|(name, images)| Inside::of(name, images));
        Self {
            folders: folders.collect(),
        }
    }
}

impl<'a> Inside<'a> {
    fn of(name: &'a str, mut images: Vec<&'a str>) -> Self {
        // As `innermost` does.
        let inner = |image: &&'a str| image.strip_prefix(name)?.strip_prefix('/');
        while let Some(inner) = images.iter().map(inner).collect() {
            images = inner;
        }
        Self {
            name,
            holds_images: images.iter().any(|image| !image.contains('/')),
            folders: images
                .iter()
                .filter_map(|image| Some(image.split_once('/')?.0))
                .collect(),
        }
    }

    /// The split whose name this is.
    pub(super) fn split(&self) -> Option<SplitName> {
        SplitName::of(self.name)
    }
}

/// A folder, as a prefix of paths, or the one in it that repeats its name and holds all its images: Kaggle's Intel archive
/// has `seg_train/seg_train/<class>`.
pub(super) fn innermost(tree: &dyn Tree, folder: &str) -> String {
    let own_name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder);
    let inner = format!("{folder}{own_name}/");
    let paths = tree.paths().iter().filter(|path| path.starts_with(folder));
    let mut images = paths.filter(|path| tree::is_visible_image(path)).peekable();
    if images.peek().is_some() && images.all(|path| path.starts_with(&inner)) {
        innermost(tree, &inner)
    } else {
        folder.to_owned()
    }
}

/// The folder that holds all images, as a prefix of paths: those that hold nothing but one folder are entered.
pub(super) fn enclosing_folder(tree: &dyn Tree) -> String {
    let mut root = String::new();
    loop {
        let images = tree.paths().iter().filter(|path| tree::is_visible_image(path));
        let below = images.filter_map(|path| path.strip_prefix(&root));
        let first: BTreeSet<Option<&str>> = below.map(|path| Some(path.split_once('/')?.0)).collect();
        match first.first() {
            Some(Some(only)) if first.len() == 1 => root = format!("{root}{only}/"),
            _ => return root,
        }
    }
}
