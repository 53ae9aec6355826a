//! Replacing a file in one step: a reader, or a crash in the middle, finds either the old file or the new one, whole.
//! Checkpoints and reports are written this way.

use std::fmt::Debug;
use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, SystemTime};

use tempfile::{NamedTempFile, TempPath};
use tracing::warn;

use crate::text::printable;

/// What writing a file asks of the system, step by step. The steps are those of the real file system; a test takes the
/// place of one to let it fail, or to note in which order they come.
pub trait Disk: Debug + Sync {
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

    /// Writes to the end of a file, of which a crash may leave any part.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::options().append(true).open(path)?.write_all(bytes)
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
///
/// # Errors
/// The system's; and a `path` that names something else than a plain file: a link, a folder, a pipe or a device would
/// be lost.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_on(&System, path, None, bytes)
}

/// As [`replace`] on any disk; a file that `path` already names becomes `previous`. A crash between the two renamings
/// leaves no `path`, but a whole `previous`.
pub fn replace_on(disk: &dyn Disk, path: &Path, previous: Option<&Path>, bytes: &[u8]) -> io::Result<()> {
    refuse_all_but_files(path)?;
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
    keep_names(disk, folder)
}

/// A file takes the place of a file, and of nothing else.
fn refuse_all_but_files(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let what = named(metadata.file_type());
            Err(io::Error::other(format!(
                "{what} is in its place: name a file, or move that away"
            )))
        }
        _ => Ok(()),
    }
}

/// A word for something that is no plain file.
pub fn named(file_type: FileType) -> &'static str {
    if file_type.is_symlink() {
        "a link"
    } else if file_type.is_dir() {
        "a folder"
    } else if file_type.is_file() {
        "a file"
    } else {
        "a pipe or device"
    }
}

/// Flushes a folder's names. Some network and user-space file systems have no such thing and answer EINVAL or ENOTSUP:
/// what is written there is written all the same, and a warning says once what it does not survive.
fn keep_names(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    static TOLD: Once = Once::new();
    let synced = disk.sync_folder(folder);
    let Err(error) = &synced else { return Ok(()) };
    if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) {
        return synced;
    }
    TOLD.call_once(|| {
        warn!(
            folder = %printable(folder),
            "the file system can't flush a folder ({error}): what is written here may not survive a power cut"
        );
    });
    Ok(())
}

/// Makes a folder and its missing parents, with names that survive a power failure.
pub(crate) fn make_folder(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let named = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty());
    let missing: Vec<&Path> = named.take_while(|folder| !folder.exists()).collect();
    disk.create_folder(folder)?;
    missing
        .into_iter()
        .map(folder_of)
        .try_for_each(|parent| keep_names(disk, parent))
}

/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// What the names of temporary files start with.
const PREFIX: &str = ".writing-";

/// Whether a file of this name is one that a process was writing when it was killed, or is writing now.
pub fn is_leftover(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Files that nobody has written to for so long belong to no process any more.
const STALE: Duration = Duration::from_secs(3600);

/// Deletes from the folder of `path` what processes were writing when they were killed. Others may be writing there
/// now: only files of this program's own names go, and only those that nobody has written to for an hour. Leftovers
/// that can't be deleted harm nothing and are no error.
pub fn sweep_beside(path: &Path) {
    let is_stale = |entry: &fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let age = SystemTime::now().duration_since(metadata.modified().ok()?).ok()?;
        Some(age >= STALE && entry.file_name().to_str().is_some_and(is_leftover))
    };
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        if is_stale(&entry) == Some(true) {
            let _ = fs::remove_file(entry.path());
        }
    }
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
    use std::sync::Mutex;

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

    #[test]
    fn a_file_takes_the_place_of_nothing_but_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let said = replace(&inner, b"new").unwrap_err().to_string();
        assert!(said.starts_with("a folder is in its place"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was begun");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_what_it_leads_to_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, nowhere] = ["target", "link", "nowhere"].map(|name| folder.path().join(name));
        fs::write(&target, "precious").unwrap();
        for (path, to) in [(&link, &target), (&nowhere, &folder.path().join("absent"))] {
            std::os::unix::fs::symlink(to, path).unwrap();
            let said = replace(path, b"new").unwrap_err().to_string();
            assert!(said.starts_with("a link is in its place"), "{said}");
            assert!(fs::symlink_metadata(path).unwrap().is_symlink());
        }
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_is_as_readable_as_any_other_of_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "other"].map(|name| folder.path().join(name));
        replace(&ours, b"").unwrap();
        fs::write(&other, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&ours), mode(&other));
    }

    /// Notes the folders that are flushed, and answers as it is told.
    #[derive(Debug)]
    struct Flushes {
        flushed: Mutex<Vec<std::path::PathBuf>>,
        answer: Option<ErrorKind>,
    }

    impl Disk for Flushes {
        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            self.flushed.lock().unwrap().push(folder.to_owned());
            self.answer.map_or(Ok(()), |kind| Err(kind.into()))
        }
    }

    #[test]
    fn the_names_of_new_folders_are_flushed_as_the_files_are() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Flushes {
            flushed: Default::default(),
            answer: None,
        };
        let path = folder.path().join("reports/tiny/last");
        for _ in 0..2 {
            replace_on(&disk, &path, None, b"1").unwrap();
        }
        let names = ["reports", "", "reports/tiny", "reports/tiny"];
        assert_eq!(
            disk.flushed.into_inner().unwrap(),
            names.map(|name| folder.path().join(name))
        );
    }

    #[test]
    fn a_file_system_that_cannot_flush_folders_is_written_to_and_one_that_fails_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, kind| {
            let disk = Flushes {
                flushed: Default::default(),
                answer: Some(kind),
            };
            let path = folder.path().join(name).join("last");
            replace_on(&disk, &path, None, b"1").map(|()| fs::read(path).unwrap())
        };
        for kind in [ErrorKind::InvalidInput, ErrorKind::Unsupported] {
            assert_eq!(write(&format!("{kind:?}"), kind).unwrap(), b"1");
        }
        let failed = write("full", ErrorKind::StorageFull).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn old_leftovers_are_swept_up_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.h5");
        let old = SystemTime::now() - 2 * STALE;
        let files = [
            (".writing-aB3x9Z", Some(old)),
            (".writing-now123", None),
            (".writing-notes.txt", Some(old)),
            (".writing-", Some(old)),
            ("mine", Some(old)),
        ];
        for (name, modified) in files {
            let file = File::create(folder.path().join(name)).unwrap();
            modified.into_iter().for_each(|time| file.set_modified(time).unwrap());
        }
        sweep_beside(&path);
        let left = |name: &str| folder.path().join(name).exists();
        assert!(!left(".writing-aB3x9Z"));
        assert!(files[1..].iter().all(|(name, _)| left(name)));
    }
}
