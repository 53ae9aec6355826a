//! What may stand in a results folder, and what may be deleted from it: under the program's own names plain files and
//! folders only, and nothing under other names is touched. Through a link the program would write, read or delete
//! elsewhere.

use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::path::Path;

use super::error::FolderError;
use super::folder::{THUMBNAILS, is_experiment_file, is_run_file, is_run_folder, is_thumbnail};
use crate::atomic_file::{is_leftover, named};

/// Refuses a results folder in which something else has the name of one of the program's files or folders. The folder
/// itself may be a link, and need not be there.
///
/// # Errors
/// [`FolderError::Other`] with the first one that is found.
pub fn inspect(folder: &Path) -> Result<(), FolderError> {
    for (name, entry) in entries(folder)? {
        if is_own_folder(&name) {
            must_be_folder(&entry.path())?;
            let is_own = if name == THUMBNAILS { is_thumbnail } else { is_run_file };
            for (inner, entry) in entries(&entry.path())? {
                if is_own(&inner) {
                    must_be_file(&entry.path())?;
                }
            }
        } else if is_experiment_file(&name) {
            must_be_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Deletes the files of these names from one of a results folder's folders, which need not be there.
///
/// # Errors
/// [`FolderError::Other`] if it is a link, [`FolderError::Io`] for a file that can't be deleted.
pub fn delete(folder: &Path, unwanted: impl Fn(&str) -> bool) -> Result<(), FolderError> {
    must_be_folder(folder)?;
    remove(folder, unwanted)
}

/// Deletes what killed processes were writing to a results folder that this process has locked.
///
/// # Errors
/// As [`delete`].
pub fn sweep(folder: &Path) -> Result<(), FolderError> {
    remove(folder, is_leftover)?;
    let inner = entries(folder)?.into_iter().filter(|(name, _)| is_own_folder(name));
    inner
        .map(|(_, entry)| entry.path())
        .try_for_each(|path| delete(&path, is_leftover))
}

fn is_own_folder(name: &str) -> bool {
    name == THUMBNAILS || is_run_folder(name)
}

fn remove(folder: &Path, unwanted: impl Fn(&str) -> bool) -> Result<(), FolderError> {
    for (name, entry) in entries(folder)? {
        let path = entry.path();
        if unwanted(&name) && fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            fs::remove_file(&path).map_err(|source| FolderError::Io { path, source })?;
        }
    }
    Ok(())
}

/// A folder's entries in the order of their names; none of one that isn't there. No name of this program is no Unicode.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, DirEntry)>, FolderError> {
    let io = |source| FolderError::Io {
        path: folder.to_owned(),
        source,
    };
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(io)?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(io)?;
        found.extend(entry.file_name().into_string().ok().map(|name| (name, entry)));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// Refuses everything but a plain file; the path need not be there.
pub(super) fn must_be_file(path: &Path) -> Result<(), FolderError> {
    must_be(path, "a file")
}

fn must_be_folder(path: &Path) -> Result<(), FolderError> {
    must_be(path, "a folder")
}

fn must_be(path: &Path, expected: &'static str) -> Result<(), FolderError> {
    let found = match fs::symlink_metadata(path) {
        Ok(metadata) => named(metadata.file_type()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            let path = path.to_owned();
            return Err(FolderError::Io { path, source });
        }
    };
    if found == expected {
        return Ok(());
    }
    Err(FolderError::Other {
        path: path.to_owned(),
        found,
        expected,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::super::folder::{EVENTS, HISTORY, LAST, PAGE, SETTINGS, run, thumbnail};
    use super::*;

    #[test]
    fn links_folders_and_pipes_in_the_place_of_the_programs_files_are_refused_by_name() {
        let files = [
            PAGE,
            SETTINGS,
            HISTORY,
            "loss.svg",
            "gap-seed0/last.safetensors",
            "gap-seed0/history.csv",
        ];
        for name in files
            .into_iter()
            .chain(["thumbnails/3.jpg", &format!("gap-seed0/{EVENTS}")])
        {
            for (kind, said) in [
                ("ln -s /etc/hostname", "a link"),
                ("mkdir", "a folder"),
                ("mkfifo", "a pipe or device"),
            ] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let made = Command::new("sh")
                    .args(["-c", &format!("{kind} \"$0\"")])
                    .arg(&path)
                    .status();
                assert!(made.unwrap().success());
                let error = inspect(folder.path()).unwrap_err().to_string();
                let expected = format!("{} must be a file and is {said}", path.to_string_lossy());
                assert!(error.starts_with(&expected), "{error}");
            }
        }
        for name in [THUMBNAILS, &run("gap", 0)] {
            let folder = tempfile::tempdir().unwrap();
            symlink("/", folder.path().join(name)).unwrap();
            let error = inspect(folder.path()).unwrap_err().to_string();
            assert!(error.contains("must be a folder and is a link"), "{error}");
        }
    }

    #[test]
    fn other_names_are_nobodys_business() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("gap-seed0/last.safetensors.d")).unwrap();
        for name in ["notes.txt", "gap-seed0/mine.csv", "gap-seed", "x-seed01"] {
            symlink("/etc/hostname", folder.path().join(name)).unwrap();
        }
        inspect(folder.path()).unwrap();
        inspect(&folder.path().join("absent")).unwrap();
    }

    #[test]
    fn nothing_is_deleted_behind_a_link_or_that_is_no_file() {
        let place = tempfile::tempdir().unwrap();
        let [photos, results] = ["photos", "results"].map(|name| place.path().join(name));
        for folder in [&photos, &results] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(photos.join("1.jpg"), "precious").unwrap();
        symlink(&photos, results.join(THUMBNAILS)).unwrap();
        let error = delete(&results.join(THUMBNAILS), is_thumbnail).unwrap_err().to_string();
        assert!(error.contains("is a link"), "{error}");
        sweep(&results).unwrap_err();
        fs::remove_file(results.join(THUMBNAILS)).unwrap();
        fs::create_dir(results.join(THUMBNAILS)).unwrap();
        symlink(photos.join("1.jpg"), thumbnail(&results, 1)).unwrap();
        fs::write(thumbnail(&results, 2), "").unwrap();
        delete(&results.join(THUMBNAILS), is_thumbnail).unwrap();
        assert!(thumbnail(&results, 1).exists() && !thumbnail(&results, 2).exists());
        assert_eq!(fs::read(photos.join("1.jpg")).unwrap(), b"precious");
    }

    #[test]
    fn leftovers_go_from_every_folder_of_the_results_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let places = ["", "thumbnails", "gap-seed0", "mine"].map(|name| folder.path().join(name));
        for place in &places {
            fs::create_dir_all(place).unwrap();
            fs::write(place.join(".writing-aB3x9Z"), "").unwrap();
            fs::write(place.join(LAST), "").unwrap();
        }
        sweep(folder.path()).unwrap();
        let left = places.each_ref().map(|place| place.join(".writing-aB3x9Z").exists());
        assert_eq!(left, [false, false, false, true]);
        assert!(places.iter().all(|place| place.join(LAST).exists()));
    }
}
