//! A data set in a folder.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use walkdir::WalkDir;

use super::decode::MAX_FILE_BYTES;
use super::tree::Tree;
use super::{Content, DataError};
use crate::random;

/// The files below some folders of a root folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    paths: Vec<String>,
    folders: Vec<String>,
}

impl Folder {
    /// Lists the files below `root/<name>` for each of `names`; a name that is not there contributes nothing, and an
    /// empty name is the root itself.
    /// Symbolic links are followed.
    pub(super) fn open(root: &Path, names: &[&str]) -> Result<Self, DataError> {
        let mut listed = Self {
            root: root.to_owned(),
            paths: Vec::new(),
            folders: Vec::new(),
        };
        for name in names {
            let top = root.join(name);
            if top.is_dir() {
                listed.list(&top)?;
            }
        }
        Ok(listed)
    }

    fn list(&mut self, top: &Path) -> Result<(), DataError> {
        for entry in WalkDir::new(top).follow_links(true) {
            let entry = entry.map_err(|error| DataError::Read {
                name: error.path().unwrap_or(top).to_string_lossy().into_owned(),
                source: error.into(),
            })?;
            if entry.file_type().is_file() {
                self.paths.push(relative(&self.root, entry.path())?);
            } else if entry.file_type().is_dir() {
                self.folders.push(relative(&self.root, entry.path())?);
            }
        }
        Ok(())
    }
}

/// The content of a file that is not larger than an image or list may be.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let name = || path.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| DataError::Read { name: name(), source })?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(DataError::FileTooLarge { name: name() });
    }
    Ok(bytes)
}

/// The path below `root` with '/' between its parts on every system.
fn relative(root: &Path, path: &Path) -> Result<String, DataError> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    Ok(parts
        .ok_or_else(|| DataError::NameNotUnicode { path: path.to_owned() })?
        .join("/"))
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

    fn read(&self, file: usize) -> Result<Vec<u8>, DataError> {
        read_file(&self.root.join(&self.paths[file]))
    }

    fn content(&self, file: usize, before: Option<&Content>) -> Result<Content, DataError> {
        let path = self.root.join(&self.paths[file]);
        let metadata = path.metadata().map_err(|source| DataError::Read {
            name: path.to_string_lossy().into_owned(),
            source,
        })?;
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
