//! Data sets that have a folder for each split, and in it one for each class: Kaggle's Intel data set, and any other that is laid out so.

use std::collections::BTreeMap;
use std::path::Path;

use super::composed::composed;
use super::folder::Folder;
use super::labelled_files::{ClassFiles, SplitFiles, dataset};
use super::left_out::unread_photograph;
use super::level::innermost;
use super::tree::{self, Tree};
use super::{DataError, Dataset, LeftOut};

/// The names of the folders that hold the images of each split, one folder a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitFolders<'a> {
    pub(super) train: &'a str,
    pub(super) validation: Option<&'a str>,
    pub(super) test: &'a str,
    /// What to say to a person whose data set is not found.
    pub(super) advice: &'a str,
}

impl<'a> SplitFolders<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        [Some(self.train), self.validation, Some(self.test)]
            .into_iter()
            .flatten()
    }
}

/// Opens the folder or zip file at `path` and finds the images of all splits in it.
pub(super) fn open(path: &Path, folders: SplitFolders<'_>) -> Result<Dataset, DataError> {
    folders.names().try_for_each(tree::check_inside)?;
    let names: Vec<&str> = folders.names().collect();
    let tree = tree::open(path, folders.advice, |root| Folder::open(root, &names).whole())?;
    let root = find_root(&*tree, folders)?;
    let mut left_out = LeftOut::default();
    let mut empty_folders = Vec::new();
    let mut images_of = |split: &str| {
        let found = images_below(&*tree, &format!("{root}{split}/"), |_| true)?;
        if found.classes.is_empty() {
            return Err(not_found(&*tree, folders));
        }
        left_out += found.left_out;
        empty_folders.extend(found.empty_folders);
        Ok(found.classes)
    };
    let files = SplitFiles {
        train: images_of(folders.train)?,
        validation: folders.validation.map(&mut images_of).transpose()?,
        test: images_of(folders.test)?,
    };
    Ok(Dataset {
        left_out,
        empty_folders,
        ..dataset(&tree, files, path.to_owned())?
    })
}

/// The folder of all splits as a prefix of paths.
fn find_root(tree: &dyn Tree, folders: SplitFolders<'_>) -> Result<String, DataError> {
    let mut roots = tree::folders_with_images_in(tree, folders.train);
    for split in folders.names().skip(1) {
        roots = &roots & &tree::folders_with_images_in(tree, split);
    }
    tree::nearest_to_top(tree, &roots)?.ok_or_else(|| not_found(tree, folders))
}

fn not_found(tree: &dyn Tree, folders: SplitFolders<'_>) -> DataError {
    let all: Vec<String> = folders
        .names()
        .map(|split| format!("'{split}/<class>/<image>'"))
        .collect();
    let expected = if all.len() == 2 { "both " } else { "all of " }.to_owned() + &all.join(" and ");
    tree::not_found(tree, expected, folders.advice)
}

/// The images below a folder of classes.
pub(super) struct Found {
    pub(super) classes: ClassFiles,
    pub(super) left_out: LeftOut,
    /// Folders beside those of the classes that hold no image, by their paths in the tree.
    pub(super) empty_folders: Vec<String>,
}

/// Finds the images of the classes in `folder`, a prefix of paths; `may_be_class` knows which folders can be one. Classes have their names with accents composed.
///
/// # Errors
/// [`DataError::SameName`] for two folders whose names look equal.
/// [`DataError::UnreadClass`] for a class whose photographs are all in formats that aren't read.
pub(super) fn images_below(
    tree: &dyn Tree,
    folder: &str,
    may_be_class: impl Fn(&str) -> bool,
) -> Result<Found, DataError> {
    let folder = &*innermost(tree, folder);
    let mut files: Vec<(&str, usize)> = Vec::new();
    for (file, path) in tree.paths().iter().enumerate() {
        if let Some(below) = path.strip_prefix(folder) {
            files.push((below, file));
        }
    }
    files.sort_unstable();
    let mut found = Found {
        classes: ClassFiles::new(),
        left_out: LeftOut::default(),
        empty_folders: Vec::new(),
    };
    let mut written = BTreeMap::new();
    let mut unread = BTreeMap::new();
    for (below, file) in files {
        match below.split_once('/') {
            Some((class, _)) if tree::is_visible_image(below) => {
                let name = composed(class).into_owned();
                let first = *written.entry(name.clone()).or_insert(class);
                if first != class {
                    return Err(DataError::SameName {
                        path: tree.location().join(folder),
                        first: first.to_owned(),
                        second: class.to_owned(),
                    });
                }
                found.classes.entry(name).or_default().push(file);
                continue;
            }
            Some((class, _)) if may_be_class(class) => {
                unread_photograph(below).map(|photograph| unread.entry(class).or_insert(photograph));
            }
            _ => {}
        }
        found.left_out.count(below);
    }
    let passed_over = tree.passed_over().iter();
    let passed_over = passed_over.filter_map(|path| path.strip_prefix(folder));
    passed_over.for_each(|below| found.left_out.count(below));
    unread.retain(|class, _| !found.classes.contains_key(&*composed(class)));
    if let Some((class, (ending, advice))) = unread.first_key_value() {
        return Err(DataError::UnreadClass {
            path: tree.location().join(format!("{folder}{class}")),
            ending,
            advice,
            others: unread.len() - 1,
        });
    }
    found.empty_folders = tree::folders_in(tree, folder);
    found
        .empty_folders
        .retain(|name| !found.classes.contains_key(&*composed(name)));
    found
        .empty_folders
        .iter_mut()
        .for_each(|name| name.insert_str(0, folder));
    Ok(found)
}
