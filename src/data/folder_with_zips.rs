//! A folder as it is after downloads: its files, and those of the zip files directly in it as if each were a folder.

use std::path::{Path, PathBuf};

use super::error::with_causes;
use super::folder::Folder;
use super::tree::Tree;
use super::zip::{Zip, is_zip_path};
use super::{Content, DataError};

/// A folder's files and the files of its zip files: `images.zip/a/1.jpg` is the entry `a/1.jpg` of `images.zip`.
#[derive(Debug)]
pub(super) struct FolderWithZips {
    root: PathBuf,
    /// The folder, then its zip files.
    parts: Vec<Box<dyn Tree>>,
    paths: Vec<String>,
    /// The part of every path, and the file's position in it.
    files: Vec<(usize, usize)>,
    unknown: Vec<String>,
}

impl FolderWithZips {
    /// Lists all files below `root`, and the entries of the zip files directly in it. What can't be looked into may be
    /// of no use: it is [told](Tree::unknown) if something is not found.
    pub(super) fn open(root: &Path) -> Result<Self, DataError> {
        let mut folder = Folder::open(root, &[""]);
        let problems = folder.take_problems().into_iter();
        let is_zip = |path: &&String| !path.contains('/') && is_zip_path(Path::new(path));
        let zips: Vec<String> = folder.paths().iter().filter(is_zip).cloned().collect();
        let mut joined = Self {
            root: root.to_owned(),
            parts: Vec::new(),
            paths: Vec::new(),
            files: Vec::new(),
            unknown: problems.map(|(_, problem)| with_causes(&problem)).collect(),
        };
        joined.add("", folder);
        for zip in zips {
            match Zip::open(&root.join(&zip)) {
                Ok(content) => joined.add(&format!("{zip}/"), content),
                Err(problem) => joined.unknown.push(with_causes(&problem)),
            }
        }
        Ok(joined)
    }

    fn add(&mut self, prefix: &str, part: impl Tree + 'static) {
        for (file, path) in part.paths().iter().enumerate() {
            self.paths.push(format!("{prefix}{path}"));
            self.files.push((self.parts.len(), file));
        }
        self.parts.push(Box::new(part));
    }
}

impl Tree for FolderWithZips {
    fn location(&self) -> &Path {
        &self.root
    }

    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn unknown(&self) -> &[String] {
        &self.unknown
    }

    fn check(&self, file: usize) -> Result<(), DataError> {
        let (part, file) = self.files[file];
        self.parts[part].check(file)
    }

    fn read(&self, file: usize) -> Result<Vec<u8>, DataError> {
        let (part, file) = self.files[file];
        self.parts[part].read(file)
    }

    fn content(&self, file: usize, before: Option<&Content>) -> Result<Content, DataError> {
        let (part, file) = self.files[file];
        self.parts[part].content(file, before)
    }

    fn top_level(&self) -> Vec<String> {
        self.parts.first().map(|folder| folder.top_level()).unwrap_or_default()
    }
}
