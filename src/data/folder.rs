//! A data set in a folder.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use walkdir::WalkDir;

use super::decode::{MAX_FILE_BYTES, is_image_path};
use super::tree::{Tree, is_hidden};
use super::{Content, DataError};
use crate::text::printable;
use crate::{input_file, random};

/// The files below some folders of a root folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    paths: Vec<String>,
    folders: Vec<String>,
    passed_over: Vec<String>,
    problems: Vec<(PathBuf, DataError)>,
}

/// What is known of something that can't be read or named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// A file, or what will never be a folder.
    File,
    Folder,
    /// A link to nowhere may have been either.
    Nothing,
}

impl Folder {
    /// Lists the files below `root/<name>` for each of `names`; a name that is not there contributes nothing, and an
    /// empty name is the root itself. Symbolic links are followed,
    /// but no hidden ones to folders.
    ///
    /// What can't be read or named is a [problem](Self::take_problems) if it may be an image or hold some, and otherwise
    /// passed over.
    pub(super) fn open(root: &Path, names: &[&str]) -> Self {
        let mut listed = Self {
            root: root.to_owned(),
            paths: Vec::new(),
            folders: Vec::new(),
            passed_over: Vec::new(),
            problems: Vec::new(),
        };
        for name in names {
            let top = root.join(name);
            if top.is_dir() {
                listed.list(&top);
            }
        }
        listed
    }

    fn list(&mut self, top: &Path) {
        // Hidden links to folders may lead anywhere: they are not followed.
        let mut hidden = Vec::new();
        let walk = WalkDir::new(top).follow_links(true).into_iter().filter_entry(|entry| {
            let is_link = entry.depth() > 0 && entry.path_is_symlink() && entry.file_type().is_dir();
            let is_hidden = is_link && is_hidden(&entry.file_name().to_string_lossy());
            if is_hidden {
                hidden.push(entry.path().to_owned());
            }
            !is_hidden
        });
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(top).to_owned();
                    let known = if path.is_dir() { Known::Folder } else { Known::Nothing };
                    self.unusable(&path, known, read_error(&path, reason(&path, error)));
                    continue;
                }
            };
            let (path, kind) = (entry.path(), entry.file_type());
            match (relative(&self.root, path), input_file::not_a_file(kind)) {
                (Some(path), None) => self.paths.push(path),
                (Some(path), Some(_)) if kind.is_dir() => self.folders.push(path),
                (Some(_), Some(reason)) => self.unusable(path, Known::File, read_error(path, reason)),
                // The files in it have no name either.
                (None, _) if kind.is_dir() => {}
                (None, _) => {
                    let problem = DataError::NameNotUnicode { path: path.to_owned() };
                    self.unusable(path, Known::File, problem);
                }
            }
        }
        let hidden = hidden.iter().map(|path| readable(&self.root, path));
        self.passed_over.extend(hidden);
    }

    fn unusable(&mut self, path: &Path, known: Known, problem: DataError) {
        let name = readable(&self.root, path);
        if may_be_needed(&name, known) {
            self.problems.push((path.to_owned(), problem));
        } else {
            self.passed_over.push(name);
        }
    }

    /// What may be an image, or hold some, and can't be read or named; and why.
    pub(super) fn take_problems(&mut self) -> Vec<(PathBuf, DataError)> {
        std::mem::take(&mut self.problems)
    }

    /// The folder if it has no [problem](Self::take_problems).
    ///
    /// # Errors
    /// The first problem.
    pub(super) fn whole(mut self) -> Result<Self, DataError> {
        match self.take_problems().into_iter().next() {
            Some((_, problem)) => Err(problem),
            None => Ok(self),
        }
    }
}

fn may_be_needed(name: &str, known: Known) -> bool {
    !is_hidden(name)
        && match known {
            Known::Folder => true,
            Known::File => is_image_path(name),
            Known::Nothing => is_image_path(name) || !has_ending(name),
        }
}

/// Whether a name has an ending as files have, which folders rarely do.
fn has_ending(name: &str) -> bool {
    let ending = name.rsplit('/').next().and_then(|file| file.rsplit_once('.'));
    ending.is_some_and(|(_, ending)| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'~';
        ending.len() <= 5 && ending.bytes().all(is_plain) && ending.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// Why the walk could not go on at this path.
fn reason(path: &Path, error: walkdir::Error) -> io::Error {
    let circle = error.loop_ancestor().map(printable);
    match (circle, error.into_io_error()) {
        (_, Some(error)) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            io::Error::new(ErrorKind::NotFound, "it is a link to something that is not there")
        }
        (_, Some(error)) => error,
        (circle, None) => {
            let folder = circle.unwrap_or_default();
            io::Error::other(format!(
                "it is a link to the folder '{folder}', which holds it: links go in a circle"
            ))
        }
    }
}

fn read_error(path: &Path, source: io::Error) -> DataError {
    DataError::Read {
        name: path.to_string_lossy().into_owned(),
        source,
    }
}

/// The content of a file that is not larger than an image or list may be.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    input_file::read_at_most(path, MAX_FILE_BYTES).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => DataError::FileTooLarge {
            name: path.to_string_lossy().into_owned(),
        },
        _ => read_error(path, error),
    })
}

/// As [`relative`], with stand-ins for what is not Unicode.
fn readable(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// The path below `root` with '/' between its parts on every system, if it is Unicode.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// Stands for the times at which a file was written and, where the system has it, last touched in any way: a copy that
/// keeps the first doesn't keep the second.
fn times(metadata: &Metadata) -> u64 {
    let since_1970 = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let written = metadata.modified().map_or(0, since_1970);
    #[cfg(unix)]
    let touched = {
        use std::os::unix::fs::MetadataExt;
        [metadata.ctime() as u64, metadata.ctime_nsec() as u64]
    };
    #[cfg(not(unix))]
    let touched = [];
    random::key(written, "times", &touched)
}

impl Tree for Folder {
    fn location(&self) -> &Path {
        &self.root
    }

    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }

    fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    fn read(&self, file: usize) -> Result<Vec<u8>, DataError> {
        read_file(&self.root.join(&self.paths[file]))
    }

    fn content(&self, file: usize, before: Option<&Content>) -> Result<Content, DataError> {
        let path = self.root.join(&self.paths[file]);
        let metadata = path.metadata().map_err(|source| read_error(&path, source))?;
        let (bytes, times) = (metadata.len(), times(&metadata));
        if let Some(before) = before.filter(|before| (before.bytes, before.times) == (bytes, times)) {
            return Ok(*before);
        }
        Ok(Content {
            bytes,
            crc32: crc32fast::hash(&read_file(&path)?),
            times,
        })
    }

    fn top_level(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_an_image_or_hold_some_is_missed() {
        use Known::{File, Folder, Nothing};
        for (name, known) in [
            ("sea/1.jpg", File),
            ("sea", Folder),
            ("old.files", Folder),
            ("sea/1.jpg", Nothing),
            ("sea", Nothing),
            ("St. Bernard", Nothing),
            ("v1.2", Nothing),
        ] {
            assert!(may_be_needed(name, known), "{name}, {known:?}");
        }
        for (name, known) in [
            ("sea/notes.txt", File),
            ("sea/socket", File),
            (".git/1.jpg", File),
            (".cache", Folder),
            ("lost+found", Folder),
            ("sea/.#notes.txt", Nothing),
            ("sea/.1.jpg", Nothing),
            ("sea/notes.txt", Nothing),
            ("sea/notes.txt~", Nothing),
        ] {
            assert!(!may_be_needed(name, known), "{name}, {known:?}");
        }
    }
}
