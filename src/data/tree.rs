//! A tree of files, in a folder or in a zip file, and the images that a training and a test folder in it hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;

use super::dataset::Dataset;
use super::decode::{decode, is_image_path};
use super::split::{Source, Split};
use super::{DataError, folder::Folder, zip::Zip};

/// Files that are named by '/'-separated paths and read by their position among them.
pub(super) trait Tree: Debug + Send + Sync {
    /// The folder or zip file.
    fn location(&self) -> &Path;
    /// The files' paths below the location.
    fn paths(&self) -> &[String];
    /// The content of the file `paths()[file]`.
    fn read(&self, file: usize) -> Result<Vec<u8>, DataError>;
    /// Names directly below the location, for messages; in any order, repeated or not.
    fn top_level(&self) -> Vec<String>;
    /// The file's name for messages.
    fn name(&self, file: usize) -> String {
        self.location().join(&self.paths()[file]).display().to_string()
    }
}

/// The names of the folders that hold the training and the test images, one folder a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitNames<'a> {
    pub(super) train: &'a str,
    pub(super) test: &'a str,
    /// What to say to a person whose data set is not found.
    pub(super) advice: &'a str,
}

/// Opens the folder or zip file at `path` and finds the images of both splits in it.
pub(super) fn open(path: &Path, names: SplitNames<'_>) -> Result<Dataset, DataError> {
    let not_a_dataset = |reason: &str| DataError::NotADataset {
        path: path.to_owned(),
        reason: reason.to_owned(),
        advice: names.advice.to_owned(),
    };
    for name in [names.train, names.test] {
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(DataError::InvalidSplitName { name: name.to_owned() });
        }
    }
    let is_zip = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let tree: Arc<dyn Tree> = if path.is_dir() {
        Arc::new(Folder::open(path, &[names.train, names.test])?)
    } else if !path.exists() {
        return Err(not_a_dataset("there is no such file or folder"));
    } else if is_zip {
        Arc::new(Zip::open(path)?)
    } else {
        return Err(not_a_dataset("it is neither a folder nor a .zip file"));
    };
    dataset(tree, names)
}

fn dataset(tree: Arc<dyn Tree>, names: SplitNames<'_>) -> Result<Dataset, DataError> {
    let root = find_root(&*tree, names)?;
    let mut train = images_below(&*tree, &format!("{root}{}/", names.train));
    let mut test = images_below(&*tree, &format!("{root}{}/", names.test));
    if train.classes.is_empty() || test.classes.is_empty() {
        return Err(splits_not_found(&*tree, names));
    }
    let classes: Vec<String> = train.classes.keys().cloned().collect();
    if let Some(class) = test.classes.keys().find(|class| !train.classes.contains_key(*class)) {
        return Err(DataError::UnknownTestClass {
            path: tree.location().to_owned(),
            class: class.clone(),
        });
    }
    let ignored_files = train.ignored + test.ignored;
    Ok(Dataset {
        train: Split::new(TreeImages::new(&tree, &classes, &mut train)),
        test: Split::new(TreeImages::new(&tree, &classes, &mut test)),
        classes,
        ignored_files,
        note: None,
    })
}

/// The enclosing folders of both splits as a prefix of paths: empty, or ending in '/'. The one nearest to the top.
fn find_root(tree: &dyn Tree, names: SplitNames<'_>) -> Result<String, DataError> {
    let train = prefixes(tree, names.train);
    let test = prefixes(tree, names.test);
    let mut roots: Vec<&str> = train.intersection(&test).copied().collect();
    let depth = |root: &&str| root.matches('/').count();
    roots.sort_by_key(depth);
    match roots[..] {
        [] => Err(splits_not_found(tree, names)),
        [first, second, ..] if depth(&first) == depth(&second) => Err(DataError::AmbiguousRoot {
            path: tree.location().to_owned(),
            first: first.to_owned(),
            second: second.to_owned(),
        }),
        [root, ..] => Ok(root.to_owned()),
    }
}

/// Every prefix after which `name/` follows in some image's path.
fn prefixes<'a>(tree: &'a dyn Tree, name: &str) -> BTreeSet<&'a str> {
    let folder = format!("{name}/");
    let images = tree.paths().iter().filter(|path| is_visible_image(path));
    let starts = images.flat_map(|path| {
        let folder = folder.as_str();
        path.match_indices(folder).map(|(start, _)| &path[..start])
    });
    starts
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
        .collect()
}

fn is_visible_image(path: &str) -> bool {
    is_image_path(path) && path.split('/').all(|part| part != "__MACOSX" && !part.starts_with('.'))
}

fn splits_not_found(tree: &dyn Tree, names: SplitNames<'_>) -> DataError {
    const SHOWN: usize = 8;
    let found: BTreeSet<String> = tree.top_level().into_iter().collect();
    let mut shown: Vec<&str> = found.iter().take(SHOWN).map(String::as_str).collect();
    if found.is_empty() {
        shown.push("nothing");
    } else if found.len() > SHOWN {
        shown.push("…");
    }
    DataError::SplitsNotFound {
        path: tree.location().to_owned(),
        train: names.train.to_owned(),
        test: names.test.to_owned(),
        found: shown.join(", "),
        advice: names.advice.to_owned(),
    }
}

/// The images below one split's folder.
struct Found {
    /// The file positions of every class, by the class's name; both in byte order.
    classes: BTreeMap<String, Vec<usize>>,
    /// Files that are no image of a class.
    ignored: usize,
}

fn images_below(tree: &dyn Tree, folder: &str) -> Found {
    let mut files: Vec<(&str, usize)> = Vec::new();
    for (file, path) in tree.paths().iter().enumerate() {
        if let Some(below) = path.strip_prefix(folder) {
            files.push((below, file));
        }
    }
    // Kaggle's Intel archive repeats the split's folder: seg_train/seg_train/<class>.
    let own_name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or(folder);
    let doubled = format!("{own_name}/");
    if files.iter().any(|(below, _)| is_visible_image(below))
        && files
            .iter()
            .filter(|(below, _)| is_visible_image(below))
            .all(|(below, _)| below.starts_with(&doubled))
    {
        return images_below(tree, &format!("{folder}{doubled}"));
    }
    files.sort_unstable();
    let mut found = Found {
        classes: BTreeMap::new(),
        ignored: 0,
    };
    for (below, file) in files {
        match below.split_once('/') {
            Some((class, _)) if is_visible_image(below) => {
                found.classes.entry(class.to_owned()).or_default().push(file);
            }
            _ => found.ignored += 1,
        }
    }
    found
}

/// One split's images as files of a tree.
#[derive(Debug)]
struct TreeImages {
    tree: Arc<dyn Tree>,
    classes: usize,
    /// File position and class index of every image.
    images: Vec<(usize, usize)>,
}

impl TreeImages {
    fn new(tree: &Arc<dyn Tree>, classes: &[String], found: &mut Found) -> Self {
        let mut images = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            images.extend(
                found
                    .classes
                    .remove(class)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|file| (file, label)),
            );
        }
        Self {
            tree: Arc::clone(tree),
            classes: classes.len(),
            images,
        }
    }
}

impl Source for TreeImages {
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

    fn decode(&self, image: usize) -> Result<RgbImage, DataError> {
        let file = self.images[image].0;
        decode(&self.tree.read(file)?, &self.tree.name(file))
    }
}
