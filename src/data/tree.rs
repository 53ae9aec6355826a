//! A tree of files, in a folder or in a zip file, and the search for the places in it that a layout names.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::decode::is_image_path;
use super::file_kind::FileKind;
use super::zip::{Zip, is_zip_path};
use super::{Content, DataError, LeftOut};

/// Files that are named by '/'-separated paths and read by their position among them.
pub(super) trait Tree: Debug + Send + Sync {
    /// The folder or zip file.
    fn location(&self) -> &Path;
    /// The files' paths below the location.
    fn paths(&self) -> &[String];
    /// The paths of the folders below the location that are known as such; a file's folders need not be among them.
    fn folders(&self) -> &[String] {
        &[]
    }
    /// What is neither in [`paths`](Self::paths) nor missed there: hidden files, and others that are no images, which
    /// can't be read or named.
    fn passed_over(&self) -> &[String] {
        &[]
    }
    /// Sentences on what could not be looked into, and may hold what is searched for.
    fn unknown(&self) -> &[String] {
        &[]
    }
    /// Whether the file `paths()[file]` is of a kind that [`read`](Self::read) can read, as far as is known without
    /// reading it.
    fn check(&self, _file: usize) -> Result<(), DataError> {
        Ok(())
    }
    /// The content of the file `paths()[file]`.
    fn read(&self, file: usize) -> Result<Vec<u8>, DataError>;
    /// What the file holds: of `before` where its size and times are the same, otherwise by reading it.
    fn content(&self, file: usize, before: Option<&Content>) -> Result<Content, DataError>;
    /// Names directly below the location, for messages; in any order, repeated or not.
    fn top_level(&self) -> Vec<String>;
    /// The file's name for messages.
    fn name(&self, file: usize) -> String {
        self.location().join(&self.paths()[file]).to_string_lossy().into_owned()
    }
}

/// Opens the zip file at `path`, or the folder by `open_folder`; `advice` is for a person who has neither.
pub(super) fn open<T: Tree + 'static>(
    path: &Path,
    advice: &str,
    open_folder: impl FnOnce(&Path) -> Result<T, DataError>,
) -> Result<Arc<dyn Tree>, DataError> {
    let not_a_dataset = |reason: &str| DataError::NotADataset {
        path: path.to_owned(),
        reason: reason.to_owned(),
        advice: advice.to_owned(),
    };
    if path.is_dir() {
        Ok(Arc::new(open_folder(path)?))
    } else if !path.exists() {
        Err(not_a_dataset("there is no such file or folder"))
    } else if is_zip_path(path) {
        Ok(Arc::new(Zip::open(path)?))
    } else {
        let kind = FileKind::of(path).map(|kind| format!(", but {kind}"));
        let reason = format!("it is neither a folder nor a .zip file{}", kind.unwrap_or_default());
        Err(not_a_dataset(&reason))
    }
}

/// Refuses a name in a layout that would leave the data set.
pub(super) fn check_inside(name: &str) -> Result<(), DataError> {
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(DataError::OutsideDataSet { name: name.to_owned() });
    }
    Ok(())
}

/// Whether a file takes part in a data set: an image by its ending, and not hidden.
pub(super) fn is_visible_image(path: &str) -> bool {
    is_image_path(path) && !is_hidden(path)
}

/// Whether a path, or a folder on its way, is hidden or the bookkeeping of an archive, a disk or a disk's station.
pub(super) fn is_hidden(path: &str) -> bool {
    const BOOKKEEPING: [&str; 5] = [
        "__MACOSX",
        "@eaDir",
        "lost+found",
        "$RECYCLE.BIN",
        "System Volume Information",
    ];
    path.split('/')
        .any(|part| part.starts_with('.') || BOOKKEEPING.contains(&part))
}

/// Every folder that holds a folder `name` with images somewhere in it, as a prefix of paths: empty, or ending in '/'.
pub(super) fn folders_with_images_in<'a>(tree: &'a dyn Tree, name: &str) -> BTreeSet<&'a str> {
    let folder = format!("{name}/");
    let images = tree.paths().iter().filter(|path| is_visible_image(path));
    let starts = images.flat_map(|path| {
        let folder = folder.as_str();
        path.match_indices(folder).map(|(start, _)| &path[..start])
    });
    starts.filter(|prefix| is_folder(prefix)).collect()
}

/// Every folder that holds a file `name`, as a prefix of paths.
pub(super) fn folders_with_file<'a>(tree: &'a dyn Tree, name: &str) -> BTreeSet<&'a str> {
    let prefixes = tree.paths().iter().filter_map(|path| path.strip_suffix(name));
    prefixes.filter(|prefix| is_folder(prefix)).collect()
}

/// The names of the visible folders directly in `folder`, a prefix of paths; sorted.
pub(super) fn folders_in(tree: &dyn Tree, folder: &str) -> Vec<String> {
    let known = tree.folders().iter().filter_map(|path| path.strip_prefix(folder));
    let of_files = tree
        .paths()
        .iter()
        .filter_map(|path| path.strip_prefix(folder)?.rsplit_once('/'));
    let paths = known.chain(of_files.map(|(path, _)| path));
    let names = paths.filter_map(|path| path.split('/').next());
    let visible = names.filter(|name| !name.is_empty() && !is_hidden(name));
    visible
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn is_folder(prefix: &str) -> bool {
    prefix.is_empty() || prefix.ends_with('/')
}

/// The one of `folders` that is nearest to the top, or `None` if there are none.
///
/// # Errors
/// [`DataError::Ambiguous`] if two are equally near.
pub(super) fn nearest_to_top(tree: &dyn Tree, folders: &BTreeSet<&str>) -> Result<Option<String>, DataError> {
    let depth = |folder: &str| folder.matches('/').count();
    let mut folders: Vec<&str> = folders.iter().copied().collect();
    folders.sort_by_key(|folder| depth(folder));
    match folders[..] {
        [first, second, ..] if depth(first) == depth(second) => Err(DataError::Ambiguous {
            path: tree.location().to_owned(),
            first: first.to_owned(),
            second: second.to_owned(),
        }),
        [nearest, ..] => Ok(Some(nearest.to_owned())),
        [] => Ok(None),
    }
}

/// The first of what could not be looked into, and how many more there are.
pub(super) fn unknown(tree: &dyn Tree) -> Option<String> {
    match tree.unknown() {
        [] => None,
        [only] => Some(only.clone()),
        [first, rest @ ..] => Some(format!("{first}, and {} more such", rest.len())),
    }
}

/// The error for a tree that lacks what its layout names.
pub(super) fn not_found(tree: &dyn Tree, expected: String, advice: &str) -> DataError {
    const SHOWN: usize = 8;
    let found: BTreeSet<String> = tree.top_level().into_iter().collect();
    let mut shown: Vec<&str> = found.iter().take(SHOWN).map(String::as_str).collect();
    if found.is_empty() {
        shown.push("nothing");
    } else if found.len() > SHOWN {
        shown.push("…");
    }
    let mut left_out = LeftOut::default();
    tree.paths().iter().for_each(|path| left_out.count(path));
    let unread = left_out
        .unread()
        .map(|of| format!("{} .{} files, which are not read: {}", of.files, of.ending, of.advice));
    let more: Vec<String> = unread.chain(unknown(tree)).collect();
    let more = more.iter().map(|sentence| format!("; {sentence}"));
    DataError::NotFound {
        path: tree.location().to_owned(),
        expected,
        found: shown.join(", ") + &more.collect::<String>(),
        advice: advice.to_owned(),
    }
}
