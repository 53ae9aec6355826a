//! Replacing a file in one step: a reader, or a crash in the middle, finds either the old file or the new one, whole.
//! Checkpoints and reports are written this way.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

/// What writing a file asks of the system, step by step. The steps are those of the real file system; a test takes the
/// place of one to let it fail, or to note in which order they come.
pub trait Disk: Debug {
    /// Makes a folder and its missing parents.
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    /// Makes an empty file with a name of its own in `folder`.
    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        new_file().tempfile_in(folder)
    }

    /// Writes everything that the file is to hold.
    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Returns when the file's bytes survive a power failure.
    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        file.as_file().sync_all()
    }

    /// Gives a file another name, in the place of any file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Gives a file that [`create`](Self::create) made its final name, in the place of any file of that name.
    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        file.persist(to).map_err(|error| error.error)
    }

    /// Returns when the folder's new names survive a power failure.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }
}

/// The real file system.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Disk for System {}

/// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it to `path`; makes missing
/// parent folders.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_on(&System, path, None, bytes)
}

/// As [`replace`] on any disk; a file that `path` already names becomes `previous`. A crash between the two renamings
/// leaves no `path`, but a whole `previous`.
pub fn replace_on(disk: &dyn Disk, path: &Path, previous: Option<&Path>, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    make_folder(disk, folder)?;
    let mut file = disk.create(folder)?;
    disk.write(&mut file, bytes)?;
    disk.sync(&file)?;
    if let Some(previous) = previous
        && path.exists()
    {
        disk.rename(path, previous)?;
    }
    disk.publish(file.into_temp_path(), path)?;
    disk.sync_folder(folder)
}

/// Makes a folder and its missing parents, with names that survive a power failure.
fn make_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let named = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
    let missing: Vec<&Path> = named.take_while(|folder| !folder.exists()).collect();
    disk.create_folder(folder)?;
    missing
        .into_iter()
        .map(folder_of)
        .try_for_each(|parent| disk.sync_folder(parent))
}

/// The folder that a path lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// What the names of temporary files start with.
const PREFIX: &str = ".writing-";

/// Whether a file of this name is one that a process was writing when it was killed.
pub fn is_leftover(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Temporary files are private by default; a report is as readable as any other file that its owner makes.
#[cfg(unix)]
fn new_file() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn new_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    builder
}

/// Makes the renaming itself survive a power failure.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_bytes_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/report.html");
        replace(&path, b"a long first version").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn the_file_before_is_kept_under_the_name_that_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let [path, previous] = ["last", "previous"].map(|name| folder.path().join(name));
        for bytes in [b"1", b"2", b"3"] {
            replace_on(&System, &path, Some(&previous), bytes).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"3");
        assert_eq!(fs::read(&previous).unwrap(), b"2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
