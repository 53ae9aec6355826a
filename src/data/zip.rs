//! A data set in a `.zip` file, read in place: nothing is unpacked to disk.
//!
//! Every read clones the archive's handle. A clone shares the parsed directory and the open file, and has a position
//! of its own ([`SharedFile`]), so that all threads read at once.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};

use super::decode::MAX_FILE_BYTES;
use super::file_kind::FileKind;
use super::tree::Tree;
use super::{Content, DataError};
use crate::input_file;

/// Whether a path ends like a zip file's.
pub(super) fn is_zip_path(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

/// The files of a zip file.
#[derive(Debug)]
pub(super) struct Zip {
    path: PathBuf,
    archive: ZipArchive<SharedFile>,
    paths: Vec<String>,
    folders: Vec<String>,
    /// The archive's entry of every path.
    entries: Vec<usize>,
}

impl Zip {
    /// Reads the directory of the zip file at `path`.
    ///
    /// # Errors
    /// A file of another kind, a damaged directory, two entries of one name, or an entry whose name is absolute or climbs
    /// with `..`: then nothing of it is used.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Zip {
            path: path.to_owned(),
            entry: None,
            source,
        };
        let file = SharedFile::open(path).map_err(|error| failed(ZipError::Io(error)))?;
        let archive = ZipArchive::new(file).map_err(|error| match error {
            ZipError::InvalidArchive(_) => DataError::NotZip {
                path: path.to_owned(),
                reason: FileKind::instead_of_zip(path),
            },
            error => failed(error),
        })?;
        let (mut paths, mut folders, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = HashSet::new();
        for entry in 0..archive.len() {
            let Some(name) = archive.name_for_index(entry) else {
                continue;
            };
            let name = name.map_err(failed)?.replace('\\', "/");
            if !is_safe(&name) {
                return Err(DataError::UnsafeEntry {
                    path: path.to_owned(),
                    entry: name,
                });
            }
            let plain = without_dots(&name);
            if name.ends_with('/') || plain.is_empty() {
                folders.push(plain);
            } else if names.insert(plain.clone()) {
                paths.push(plain);
                entries.push(entry);
            } else {
                return Err(DataError::RepeatedEntry {
                    path: path.to_owned(),
                    entry: plain,
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            archive,
            paths,
            folders,
            entries,
        })
    }
}

/// An entry's name without the parts that say nothing: `tar` writes `./a/b` where others write `a/b`.
fn without_dots(name: &str) -> String {
    let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// Why an entry that is compressed and encrypted so can't be read, and what to do; nothing if it can be.
fn obstacle(method: CompressionMethod, is_encrypted: bool) -> Option<String> {
    if is_encrypted {
        return Some("encrypted: unpack the zip file with its password".to_owned());
    }
    match method {
        CompressionMethod::Stored | CompressionMethod::Deflated => None,
        other => {
            #[expect(
                deprecated,
                reason = "there is no other way from a method that isn't supported to its name"
            )]
            let number = other.to_u16();
            let name = CompressionMethod::name_from_u16(number);
            Some(format!(
                "compressed by method {number} ({name}), which is not supported: unpack the zip file"
            ))
        }
    }
}

/// Whether an entry's name stays inside of the archive.
fn is_safe(name: &str) -> bool {
    let has_drive = name.as_bytes().get(1) == Some(&b':');
    !name.starts_with('/') && !has_drive && !name.contains('\0') && name.split('/').all(|part| part != "..")
}

impl Tree for Zip {
    fn location(&self) -> &Path {
        &self.path
    }

    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }

    fn check(&self, file: usize) -> Result<(), DataError> {
        let entry = self.archive.by_index_data(self.entries[file]);
        let obstacle = entry
            .ok()
            .and_then(|entry| obstacle(entry.compression(), entry.encrypted()));
        obstacle.map_or(Ok(()), |obstacle| {
            Err(DataError::ZipEntry {
                path: self.path.clone(),
                entry: self.paths[file].clone(),
                obstacle,
            })
        })
    }

    fn read(&self, file: usize) -> Result<Vec<u8>, DataError> {
        self.check(file)?;
        let failed = |source| DataError::Zip {
            path: self.path.clone(),
            entry: Some(self.paths[file].clone()),
            source,
        };
        let mut archive = self.archive.clone();
        let entry = archive.by_index(self.entries[file]).map_err(failed)?;
        let mut bytes = Vec::with_capacity(entry.size().min(MAX_FILE_BYTES) as usize);
        entry
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(ZipError::Io(error)))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(DataError::FileTooLarge { name: self.name(file) });
        }
        Ok(bytes)
    }

    /// The directory has it.
    fn content(&self, file: usize, _before: Option<&Content>) -> Result<Content, DataError> {
        let mut archive = self.archive.clone();
        let entry = archive.by_index_raw(self.entries[file]);
        let entry = entry.map_err(|source| DataError::Zip {
            path: self.path.clone(),
            entry: Some(self.paths[file].clone()),
            source,
        })?;
        Ok(Content {
            bytes: entry.size(),
            crc32: entry.crc32(),
            times: 0,
        })
    }

    fn top_level(&self) -> Vec<String> {
        self.paths
            .iter()
            .filter_map(|path| path.split('/').next())
            .map(str::to_owned)
            .collect()
    }
}

/// An open file that may be read from many threads, each clone at its own position. A memory map would need `unsafe`
/// (another program may truncate the file under it); positional reads don't.
#[derive(Clone, Debug)]
struct SharedFile {
    file: Arc<File>,
    position: u64,
    len: u64,
}

impl SharedFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = input_file::open(path)?;
        Ok(Self {
            len: file.metadata()?.len(),
            file: Arc::new(file),
            position: 0,
        })
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.position)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_whatever_its_parts_that_say_nothing() {
        for name in ["a/b.jpg", "./a/b.jpg", "././a/./b.jpg", "a//b.jpg", ".//a/b.jpg"] {
            assert_eq!(without_dots(name), "a/b.jpg");
        }
        assert_eq!(without_dots("./"), "");
        assert_eq!(without_dots(".a/b..jpg"), ".a/b..jpg");
    }

    #[test]
    fn names_that_leave_the_archive_are_unsafe() {
        for name in ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", "C:/a.jpg", "a/.."] {
            assert!(!is_safe(name), "{name}");
        }
        for name in ["a/b.jpg", "a..b/c...jpg", "seg_train/"] {
            assert!(is_safe(name), "{name}");
        }
    }
}
