//! Data sets that are two folders of one folder a class: Kaggle's Intel data set, and any other that is laid out so.

use std::collections::BTreeMap;
use std::path::Path;

use super::folder::Folder;
use super::labelled_files::{ClassFiles, dataset};
use super::left_out::unread_photograph;
use super::tree::{self, Tree};
use super::{DataError, Dataset, LeftOut};

/// The names of the folders that hold the training and the test images, one folder a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitFolders<'a> {
    pub(super) train: &'a str,
    pub(super) test: &'a str,
    /// What to say to a person whose data set is not found.
    pub(super) advice: &'a str,
}

/// Opens the folder or zip file at `path` and finds the images of both splits in it.
pub(super) fn open(path: &Path, folders: SplitFolders<'_>) -> Result<Dataset, DataError> {
    let names = [folders.train, folders.test];
    names.into_iter().try_for_each(tree::check_inside)?;
    let tree = tree::open(path, folders.advice, |root| Folder::open(root, &names))?;
    let root = find_root(&*tree, folders)?;
    let train = images_below(&*tree, &format!("{root}{}/", folders.train))?;
    let test = images_below(&*tree, &format!("{root}{}/", folders.test))?;
    if train.classes.is_empty() || test.classes.is_empty() {
        return Err(not_found(&*tree, folders));
    }
    let mut left_out = train.left_out;
    left_out += test.left_out;
    let empty_folders = [train.empty_folders, test.empty_folders].concat();
    Ok(Dataset {
        left_out,
        empty_folders,
        ..dataset(&tree, train.classes, test.classes, path.to_owned())?
    })
}

/// The folder of both splits as a prefix of paths.
fn find_root(tree: &dyn Tree, folders: SplitFolders<'_>) -> Result<String, DataError> {
    let train = tree::folders_with_images_in(tree, folders.train);
    let test = tree::folders_with_images_in(tree, folders.test);
    tree::nearest_to_top(tree, &(&train & &test))?.ok_or_else(|| not_found(tree, folders))
}

fn not_found(tree: &dyn Tree, folders: SplitFolders<'_>) -> DataError {
    let SplitFolders { train, test, advice } = folders;
    let expected = format!("both '{train}/<class>/<image>' and '{test}/<class>/<image>'");
    tree::not_found(tree, expected, advice)
}

/// The images below a folder of classes.
pub(super) struct Found {
    pub(super) classes: ClassFiles,
    pub(super) left_out: LeftOut,
    /// Folders beside those of the classes that hold no image, by their paths in the tree.
    pub(super) empty_folders: Vec<String>,
}

/// Finds the images below `folder`, a prefix of paths.
///
/// # Errors
/// [`DataError::UnreadClass`] for a class whose photographs are all in formats that aren't read.
pub(super) fn images_below(tree: &dyn Tree, folder: &str) -> Result<Found, DataError> {
    let mut files: Vec<(&str, usize)> = Vec::new();
    for (file, path) in tree.paths().iter().enumerate() {
        if let Some(below) = path.strip_prefix(folder) {
            files.push((below, file));
        }
    }
    // Kaggle's Intel archive repeats the split's folder: seg_train/seg_train/<class>.
    let own_name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder);
    let doubled = format!("{own_name}/");
    let mut images = files
        .iter()
        .map(|(below, _)| below)
        .filter(|below| tree::is_visible_image(below))
        .peekable();
    if images.peek().is_some() && images.all(|below| below.starts_with(&doubled)) {
        return images_below(tree, &format!("{folder}{doubled}"));
    }
    files.sort_unstable();
    let mut found = Found {
        classes: ClassFiles::new(),
        left_out: LeftOut::default(),
        empty_folders: Vec::new(),
    };
    let mut unread = BTreeMap::new();
    for (below, file) in files {
        match below.split_once('/') {
            Some((class, _)) if tree::is_visible_image(below) => {
                found.classes.entry(class.to_owned()).or_default().push(file);
                continue;
            }
            Some((class, _)) => {
                unread_photograph(below).map(|photograph| unread.entry(class).or_insert(photograph));
            }
            None => {}
        }
        found.left_out.count(below);
    }
    unread.retain(|class, _| !found.classes.contains_key(*class));
    if let Some((class, (ending, advice))) = unread.first_key_value() {
        return Err(DataError::UnreadClass {
            path: tree.location().join(format!("{folder}{class}")),
            ending,
            advice,
            others: unread.len() - 1,
        });
    }
    found.empty_folders = tree::folders_in(tree, folder);
    found.empty_folders.retain(|name| !found.classes.contains_key(name));
    found
        .empty_folders
        .iter_mut()
        .for_each(|name| name.insert_str(0, folder));
    Ok(found)
}
