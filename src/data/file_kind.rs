//! What a file is that was taken for a zip file or a data set, by how it begins.

use std::fmt::{self, Display, Formatter};
use std::io::Read;
use std::path::Path;

use crate::input_file;

/// A kind of file that is found in the place of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Another archive than zip, by its name in a sentence.
    Archive(&'static str),
    Zip,
    WebPage,
    /// A pointer of Git's extension for large files, in the place of the file.
    LargeFilePointer,
    Empty,
}

impl FileKind {
    /// The kind of the file at `path`, if it can be read and is known.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let mut start = Vec::new();
        let file = input_file::open(path).ok()?;
        file.take(512).read_to_end(&mut start).ok()?;
        Self::of_start(&start)
    }

    fn of_start(start: &[u8]) -> Option<Self> {
        const ARCHIVES: [(&[u8], &str); 7] = [
            (b"\x1f\x8b", "a gzip file"),
            (b"BZh", "a bzip2 file"),
            (b"\xfd7zXZ\0", "an xz file"),
            (b"\x28\xb5\x2f\xfd", "a zstd file"),
            (b"7z\xbc\xaf\x27\x1c", "a 7z file"),
            (b"Rar!\x1a\x07", "a rar file"),
            (b"MSCF", "a cab file"),
        ];
        if start.is_empty() {
            return Some(Self::Empty);
        }
        if let Some((_, name)) = ARCHIVES.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Some(Self::Archive(name));
        }
        if start.get(257..262) == Some(b"ustar") {
            return Some(Self::Archive("a tar file"));
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let page = |tag: &[u8]| {
            text.get(..tag.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(tag))
        };
        match start {
            _ if page(b"<!doctype") || page(b"<html") || page(b"<?xml") => Some(Self::WebPage),
            _ if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") => Some(Self::Zip),
            _ if start.starts_with(b"version https://git-lfs") => Some(Self::LargeFilePointer),
            _ => None,
        }
    }

    /// What to say of a file that can't be opened as the zip file that its name promises.
    pub(super) fn instead_of_zip(path: &Path) -> String {
        match Self::of(path) {
            None => "it is not a zip file".to_owned(),
            Some(Self::Zip) => {
                "it begins like one, and its end is damaged or missing, as after a download that was cut short: download \
                 it again"
                    .to_owned()
            }
            Some(Self::Empty) => "it is empty: download it again".to_owned(),
            Some(kind @ Self::Archive(_)) => {
                format!("it is not a zip file, and begins like {kind}: unpack it, and give the folder")
            }
            Some(kind) => format!("it is not a zip file, and begins like {kind}: download the file itself"),
        }
    }
}

impl Display for FileKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Archive(name) => name,
            Self::Zip => "a zip file: give it a name that ends in .zip",
            Self::WebPage => "a web page",
            Self::LargeFilePointer => "a pointer of Git LFS",
            Self::Empty => "an empty file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (start, said) in [
            (&b"\x1f\x8b\x08\0"[..], "a gzip file"),
            (b"BZh9", "a bzip2 file"),
            (b"\xfd7zXZ\0\0", "an xz file"),
            (b"\x28\xb5\x2f\xfd\0", "a zstd file"),
            (b"7z\xbc\xaf\x27\x1c\0", "a 7z file"),
            (b"Rar!\x1a\x07\x01", "a rar file"),
            (&tar, "a tar file"),
            (b"\xef\xbb\xbf\r\n <!DOCTYPE html>", "a web page"),
            (b"<HTML>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
            (b"", "an empty file"),
        ] {
            assert_eq!(FileKind::of_start(start).unwrap().to_string(), said);
        }
        for start in [&b"PK"[..], b"a", b"\x1f", &[0; 300]] {
            assert_eq!(FileKind::of_start(start), None);
        }
    }
}
