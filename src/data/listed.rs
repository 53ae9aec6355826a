//! Data sets whose splits are lists of files: the MIT Indoor Scenes, Sub-ImageNet, and any other with such lists.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use super::composed::{composed, spelled_out};
use super::folder_with_zips::FolderWithZips;
use super::labelled_files::{ClassFiles, SplitFiles, dataset};
use super::list_file::{self, Entry, Format, MOST_MISTAKES, Mistake, assert_faultless};
use super::tree::{self, Tree};
use super::{DataError, Dataset};

/// The files that list the training and the test images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists<'a> {
    pub(super) format: Format,
    pub(super) train: &'a str,
    pub(super) test: &'a str,
    /// The folder where listed paths begin; without one, the lists' own.
    pub(super) images: Option<&'a str>,
    /// What to say to a person whose data set is not found.
    pub(super) advice: &'a str,
}

/// Opens the folder or zip file at `path`, finds both lists in it, and the images that they name.
pub(super) fn open(path: &Path, lists: Lists<'_>) -> Result<Dataset, DataError> {
    let mut names = [lists.train, lists.test].into_iter().chain(lists.images);
    names.try_for_each(tree::check_inside)?;
    let tree = tree::open(path, lists.advice, FolderWithZips::open)?;
    let home = lists_folder(&*tree, lists)?;
    let folder = images_folder(&*tree, lists, &home)?;
    let [train_list, test_list] = [lists.train, lists.test].map(|list| format!("{home}{list}"));
    let mut images = Images::below(&*tree, &folder);
    let files = SplitFiles {
        train: images.of_list(lists.format, &train_list)?,
        validation: None,
        test: images.of_list(lists.format, &test_list)?,
    };
    dataset(&tree, files, tree.location().join(&test_list))
}

/// The folder that holds both lists, as a prefix of paths.
fn lists_folder(tree: &dyn Tree, lists: Lists<'_>) -> Result<String, DataError> {
    let Lists {
        train, test, advice, ..
    } = lists;
    let folders = &tree::folders_with_file(tree, train) & &tree::folders_with_file(tree, test);
    let expected = || format!("both '{train}' and '{test}'");
    tree::nearest_to_top(tree, &folders)?.ok_or_else(|| tree::not_found(tree, expected(), advice))
}

/// The folder where listed paths begin, as a prefix of paths: `home` unless the layout names another.
fn images_folder(tree: &dyn Tree, lists: Lists<'_>, home: &str) -> Result<String, DataError> {
    let Some(name) = lists.images else {
        return Ok(home.to_owned());
    };
    match tree::nearest_to_top(tree, &tree::folders_with_images_in(tree, name))? {
        Some(parent) => Ok(format!("{parent}{name}/")),
        None => Err(tree::not_found(tree, format!("'{name}/<image>'"), lists.advice)),
    }
}

/// What there is at a listed path.
enum Found {
    One(usize),
    /// No file of this name, and two or more whose names look like it.
    LookAlikes(usize, usize),
    None,
}

/// The files below the folder where listed paths begin, and which of them were listed so far.
struct Images<'a> {
    tree: &'a dyn Tree,
    folder: &'a str,
    files: HashMap<&'a str, usize>,
    /// Those whose paths are not ASCII alone, by their paths with accents composed.
    accented: HashMap<String, Vec<usize>>,
    /// The list and line of every file that was listed.
    listed: HashMap<usize, (&'a str, usize)>,
}

impl<'a> Images<'a> {
    fn below(tree: &'a dyn Tree, folder: &'a str) -> Self {
        let below = |(file, path): (usize, &'a String)| Some((path.strip_prefix(folder)?, file));
        let files: HashMap<&str, usize> = tree.paths().iter().enumerate().filter_map(below).collect();
        let mut accented: HashMap<String, Vec<usize>> = HashMap::new();
        let paths = tree.paths().iter().enumerate().filter_map(below);
        for (path, file) in paths.filter(|(path, _)| !path.is_ascii()) {
            accented.entry(composed(path).into_owned()).or_default().push(file);
        }
        Self {
            tree,
            folder,
            files,
            accented,
            listed: HashMap::new(),
        }
    }

    /// The images that the list at this path of the tree names.
    fn of_list(&mut self, format: Format, list: &'a str) -> Result<ClassFiles, DataError> {
        let entries = list_file::read(format, &self.read(list)?, &self.name(list))?;
        let mut found = Vec::with_capacity(entries.len());
        let mut mistakes = Vec::new();
        let mut complete = true;
        for entry in &entries {
            if mistakes.len() >= MOST_MISTAKES {
                break;
            }
            match self.find(&entry.path) {
                Found::One(file) => {
                    mistakes.extend(self.mark_listed(list, entry, file));
                    found.push((entry, file));
                }
                Found::LookAlikes(first, second) => {
                    let [first, second] = [first, second].map(|file| spelled_out(&self.tree.paths()[file]));
                    let problem = format!(
                        "there are two files whose names differ from '{}' only in how Unicode writes their accents, \
                         '{first}' and '{second}': list the name as it is written there",
                        entry.path
                    );
                    mistakes.push((entry.line, problem));
                }
                Found::None if complete => {
                    complete = false;
                    mistakes.push((entry.line, self.missing(entry, &entries)));
                }
                // The first of them tells how many there are.
                Found::None => {}
            }
        }
        assert_faultless(&self.name(list), mistakes)?;
        found.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let mut classes = ClassFiles::new();
        for (entry, file) in found {
            let class = composed(&entry.class).into_owned();
            classes.entry(class).or_default().push(file);
        }
        Ok(classes)
    }

    /// The file at a listed path, also if Unicode writes its accents there in another way than here.
    fn find(&self, path: &str) -> Found {
        if let Some(&file) = self.files.get(path) {
            return Found::One(file);
        }
        match self.accented.get(&*composed(path)).map(Vec::as_slice) {
            None | Some([]) => Found::None,
            Some(&[only]) => Found::One(only),
            Some(&[first, second, ..]) => Found::LookAlikes(first, second),
        }
    }

    /// What messages call the file at a path of the tree.
    fn name(&self, path: &str) -> String {
        self.tree.location().join(path).to_string_lossy().into_owned()
    }

    fn read(&self, list: &str) -> Result<Vec<u8>, DataError> {
        let file = self.tree.paths().iter().position(|path| path == list);
        let absent = || DataError::Read {
            name: self.name(list),
            source: ErrorKind::NotFound.into(),
        };
        self.tree.read(file.ok_or_else(absent)?)
    }

    /// Refuses an image that was listed before: twice in one list it would count twice, and in both lists the test
    /// would be of a training image.
    fn mark_listed(&mut self, list: &'a str, entry: &Entry, file: usize) -> Option<Mistake> {
        let (earlier, line) = self.listed.insert(file, (list, entry.line))?;
        let (path, earlier) = (&entry.path, self.name(earlier));
        let problem = format!("'{path}' is already listed in '{earlier}', line {line}: remove one of the lines");
        Some((entry.line, problem))
    }

    /// What to say of the first listed image that isn't there.
    fn missing(&self, first: &Entry, entries: &[Entry]) -> String {
        let file = self.name(&format!("{}{}", self.folder, first.path));
        let is_missing = |entry: &&Entry| matches!(self.find(&entry.path), Found::None);
        let (missing, all) = (entries.iter().filter(is_missing).count(), entries.len());
        format!(
            "there is no file '{file}' (missing: {missing} of the {all} listed images): unpack the data set \
             completely, or name the folder where the listed paths begin by `images` in the layout{}",
            tree::unknown(self.tree)
                .map(|what| format!("; {what}"))
                .unwrap_or_default()
        )
    }
}
