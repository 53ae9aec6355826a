//! One process at a time writes to a results folder: the one that holds its lock, as long as it is the folder's.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::{NamedTempFile, TempPath};

use super::contents::must_be_file;
use super::error::FolderError;
use super::folder::LOCK;
use crate::atomic_file::{Disk, System, make_folder};

/// How long to wait for a process that holds the folder: one that was killed a moment ago lets go of it late.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keeps other processes out of a folder as long as it lives.
///
/// It is a disk too: one that writes nothing more once the folder, or the file that holds the lock, is no longer where
/// it was. A second process could have taken a folder of the same name by then.
#[derive(Debug)]
pub struct Lock<'d> {
    disk: &'d dyn Disk,
    folder: PathBuf,
    held: File,
}

impl<'d> Lock<'d> {
    /// Locks a folder, which is made if it isn't there.
    ///
    /// # Errors
    /// [`FolderError::Locked`] if another process holds it, [`FolderError::Other`] if something else than a file has
    /// the lock's name.
    pub fn take(folder: &Path) -> Result<Self, FolderError> {
        Self::take_on(&System, folder)
    }

    /// As [`take`](Self::take) of a folder on any disk.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_on(disk: &'d dyn Disk, folder: &Path) -> Result<Self, FolderError> {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let path = folder.join(LOCK);
        let io = |source| FolderError::Io {
            path: path.clone(),
            source,
        };
        make_folder(disk, folder).map_err(io)?;
        must_be_file(&path)?;
        let held = open(&path).map_err(io)?;
        let started = Instant::now();
        loop {
            match held.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(io(source)),
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => sleep(Duration::from_millis(50)),
                Err(TryLockError::WouldBlock) => return Err(FolderError::Locked(folder.to_owned())),
            }
        }
        let lock = Self {
            disk,
            folder: folder.to_owned(),
            held,
        };
        lock.check()?;
        Ok(lock)
    }

    /// The folder that is locked.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder is still where it was, and locked by this process: asked before everything that is written.
    ///
    /// # Errors
    /// [`FolderError::Lost`].
    pub fn check(&self) -> Result<(), FolderError> {
        let path = self.folder.join(LOCK);
        let held = self.held.metadata().map_err(|source| FolderError::Io {
            path: path.clone(),
            source,
        })?;
        match fs::symlink_metadata(&path) {
            Ok(found) if is_same(&held, &found) => Ok(()),
            _ => Err(FolderError::Lost(self.folder.clone())),
        }
    }

    /// Does something on the disk while the folder is where it was. The folder can go while it is done: the reason of the
    /// failure is then that it has.
    fn locked<T>(&self, act: impl FnOnce(&dyn Disk) -> io::Result<T>) -> io::Result<T> {
        let check = || self.check().map_err(io::Error::other);
        check()?;
        act(self.disk).or_else(|error| check().and(Err(error)))
    }
}

impl Disk for Lock<'_> {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.locked(|disk| disk.create_folder(folder))
    }

    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        self.locked(|disk| disk.create(folder))
    }

    fn write(&self, file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
        self.locked(|disk| disk.write(file, bytes))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.locked(|disk| disk.append(path, bytes))
    }

    fn sync(&self, file: &NamedTempFile) -> io::Result<()> {
        self.locked(|disk| disk.sync(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.locked(|disk| disk.rename(from, to))
    }

    fn publish(&self, file: TempPath, to: &Path) -> io::Result<()> {
        self.locked(|disk| disk.publish(file, to))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.locked(|disk| disk.sync_folder(folder))
    }
}

/// Opens the lock's file or makes it, and leaves what is in it: a link must not empty another file, nor a pipe be
/// waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

#[cfg(unix)]
fn is_same(held: &Metadata, found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (held.dev(), held.ino()) == (found.dev(), found.ino())
}

/// Elsewhere stable Rust can't tell one file from another: a file of this name has to do.
#[cfg(not(unix))]
fn is_same(_held: &Metadata, found: &Metadata) -> bool {
    found.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_moved_deleted_or_unlocked_is_written_to_no_more() {
        type Loss = fn(&Path);
        let losses: [(&str, Loss); 4] = [
            ("moved", |folder| {
                fs::rename(folder, folder.with_extension("moved")).unwrap()
            }),
            ("deleted", |folder| fs::remove_dir_all(folder).unwrap()),
            ("unlocked", |folder| fs::remove_file(folder.join(LOCK)).unwrap()),
            ("another's", |folder| {
                fs::remove_file(folder.join(LOCK)).unwrap();
                fs::write(folder.join(LOCK), "").unwrap();
            }),
        ];
        for (name, lose) in losses {
            let place = tempfile::tempdir().unwrap();
            let folder = place.path().join("tiny");
            let lock = Lock::take(&folder).unwrap();
            let file = folder.join("run/last");
            crate::atomic_file::replace_on(&lock, &file, None, b"1").unwrap();
            lose(&folder);
            let before = fs::read(&file).ok();
            let error = crate::atomic_file::replace_on(&lock, &file, None, b"2").unwrap_err();
            assert!(
                error.to_string().contains("was moved, deleted or unlocked"),
                "{name}: {error}"
            );
            assert_eq!(fs::read(&file).ok(), before, "{name}");
            assert_eq!(folder.exists(), before.is_some(), "{name}: it is not made again");
        }
    }

    #[test]
    fn a_lock_leaves_what_has_its_name_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let said = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(said.contains(".lock must be a file and is a link"), "{said}");
        fs::remove_file(&path).unwrap();
        fs::hard_link(&victim, &path).unwrap();
        drop(Lock::take(folder.path()).unwrap());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let said = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(said.contains("is a folder"), "{said}");
    }

    #[test]
    fn a_linked_folder_can_be_locked() {
        let place = tempfile::tempdir().unwrap();
        let [disk, link] = ["disk", "reports"].map(|name| place.path().join(name));
        fs::create_dir(&disk).unwrap();
        std::os::unix::fs::symlink(&disk, &link).unwrap();
        let lock = Lock::take(&link.join("tiny")).unwrap();
        lock.check().unwrap();
        assert!(disk.join("tiny").join(LOCK).is_file());
    }
}
