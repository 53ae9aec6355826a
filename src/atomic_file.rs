//! Files that are either old or new, never half written: a crash at any moment leaves one of the two.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Replaces the file at `path` by what `write` puts into a new file: written beside it, synced to the disk, renamed over
/// it. Its folder is made if it doesn't exist.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut new: NamedTempFile = Builder::new()
        .prefix(".unfinished-")
        .permissions_of_new_files()
        .tempfile_in(folder)?;
    write(new.as_file_mut())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// As [`replace_with`], with bytes that are at hand.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |file| file.write_all(bytes))
}

/// Makes a rename last: on Unix the folder's own entry has to reach the disk too.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
