//! Reading files that others wrote: no other kind of thing, because a pipe or a device may never come to an end, and
//! never more than a stated size. Everything that the program is told to read is opened here.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The largest file that is read where nothing smaller is said, in bytes: weights take most.
const LARGEST: u64 = 4 << 30;

/// Opens the file at `path`.
///
/// # Errors
/// Besides the system's own: [`ErrorKind::IsADirectory`] for a folder, [`ErrorKind::InvalidInput`] for what is neither.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Looked at before: to open a pipe takes as long as it has no writer.
    match not_a_file(fs::metadata(path)?.file_type()) {
        Some(error) => Err(error),
        None => File::open(path),
    }
}

/// The content of the file at `path`, if it has no more than 4 GiB.
///
/// # Errors
/// As [`open`], and [`ErrorKind::FileTooLarge`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, LARGEST)
}

/// As [`read`], with another limit in bytes.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_at_most(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    if size > largest {
        return Err(too_large(largest));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(size).map_err(|_| too_large(largest))?)?;
    // Files of the system tell no size, and others may grow.
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(too_large(largest));
    }
    Ok(bytes)
}

/// As [`read`], of text.
///
/// # Errors
/// As [`read`], and [`ErrorKind::InvalidData`] for bytes that are not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

/// What is wrong with reading a thing of this kind; nothing if it is a file.
pub(crate) fn not_a_file(kind: FileType) -> Option<io::Error> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some(io::Error::new(ErrorKind::IsADirectory, "it is a folder, not a file"))
    } else {
        let reason = "it is a pipe or a device, not a file";
        Some(io::Error::new(ErrorKind::InvalidInput, reason))
    }
}

fn too_large(largest: u64) -> io::Error {
    let reason = match largest {
        0..0x10_0000 => format!("it is larger than {} KiB", largest >> 10),
        0x10_0000..0x4000_0000 => format!("it is larger than {} MiB", largest >> 20),
        _ => format!("it is larger than {} GiB", largest >> 30),
    };
    io::Error::new(ErrorKind::FileTooLarge, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path, largest: u64) -> (ErrorKind, String) {
        let error = read_at_most(path, largest).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn a_file_is_read_up_to_its_largest_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [7; 2048]).unwrap();
        assert_eq!(read_at_most(&path, 2048).unwrap(), [7; 2048]);
        assert_eq!(
            refusal(&path, 2047),
            (ErrorKind::FileTooLarge, "it is larger than 1 KiB".to_owned())
        );
        assert_eq!(refusal(folder.path(), 9).0, ErrorKind::IsADirectory);
        assert_eq!(refusal(&folder.path().join("none"), 9).0, ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_and_files_without_a_size_have_a_limit_too() {
        let device = refusal(Path::new("/dev/zero"), 9);
        let said = "it is a pipe or a device, not a file".to_owned();
        assert_eq!(device, (ErrorKind::InvalidInput, said));
        assert_eq!(refusal(Path::new("/proc/self/maps"), 9).0, ErrorKind::FileTooLarge);
    }
}
