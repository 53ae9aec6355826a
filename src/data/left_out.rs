//! The files of a data set's folders that are no image of a class: how many there are, and of what kind.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

use super::tree::{is_hidden, is_visible_image};

/// Formats that aren't read, and what to do about their files.
#[derive(Debug, PartialEq, Eq)]
struct Unread {
    /// In lower case.
    endings: &'static [&'static str],
    /// Whether such files are photographs: a folder that holds nothing else stands for a class.
    are_photographs: bool,
    advice: &'static str,
}

const UNREAD: [Unread; 7] = [
    Unread {
        endings: &["heic", "heif", "hif", "avif"],
        are_photographs: true,
        advice: "convert to JPEG",
    },
    Unread {
        endings: &[
            "3fr", "arw", "cr2", "cr3", "crw", "dng", "erf", "iiq", "kdc", "mef", "mos", "mrw", "nef", "nrw", "orf",
            "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
        ],
        are_photographs: true,
        advice: "develop, and save as JPEG",
    },
    Unread {
        endings: &["j2k", "jp2", "jpf", "jpx", "jxl", "jxr", "wdp"],
        are_photographs: true,
        advice: "convert to JPEG or PNG",
    },
    Unread {
        endings: &[
            "dcm", "dds", "exr", "fit", "fits", "hdr", "ico", "pbm", "pcx", "pgm", "pnm", "ppm", "qoi", "tga",
        ],
        are_photographs: true,
        advice: "convert to PNG",
    },
    Unread {
        endings: &["3gp", "avi", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "webm", "wmv"],
        are_photographs: false,
        advice: "save frames as JPEG where they should be used",
    },
    Unread {
        endings: &["ai", "eps", "pdf", "ps", "svg", "svgz"],
        are_photographs: false,
        advice: "draw as PNG where they should be used",
    },
    Unread {
        endings: &["psb", "psd", "xcf"],
        are_photographs: false,
        advice: "save as JPEG or PNG where they should be used",
    },
];

/// The ending of a visible file in a format that isn't read, in lower case, and what is known of the format.
fn unread(path: &str) -> Option<(&'static str, &'static Unread)> {
    if is_hidden(path) {
        return None;
    }
    let ending = path.rsplit_once('.')?.1.to_ascii_lowercase();
    let of = |kind: &'static Unread| Some((*kind.endings.iter().find(|known| **known == ending)?, kind));
    UNREAD.iter().find_map(of)
}

/// The ending of a photograph that can't be read in its format, in lower case, and what to do about it.
pub(super) fn unread_photograph(path: &str) -> Option<(&'static str, &'static str)> {
    let (ending, kind) = unread(path)?;
    kind.are_photographs.then_some((ending, kind.advice))
}

/// Pictures of one ending, in a format that isn't read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadFiles {
    /// In lower case.
    pub ending: &'static str,
    /// How many files have it.
    pub files: usize,
    /// What to do about them.
    pub advice: &'static str,
}

/// How many files were left out, by the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Pictures in formats that aren't read: how many have each ending, and what is known of its format.
    unread: BTreeMap<&'static str, (usize, &'static Unread)>,
    /// Images that lie beside the folders of the classes.
    pub loose_images: usize,
    /// Hidden files and folders, and what nobody takes for an image.
    pub others: usize,
}

impl LeftOut {
    /// Counts the file at this path, which is no image of a class.
    pub(super) fn count(&mut self, path: &str) {
        if is_visible_image(path) {
            self.loose_images += 1;
        } else if let Some((ending, kind)) = unread(path) {
            self.unread.entry(ending).or_insert((0, kind)).0 += 1;
        } else {
            self.others += 1;
        }
    }

    /// The pictures in formats that aren't read, in the order of their endings.
    pub fn unread(&self) -> impl Iterator<Item = UnreadFiles> {
        let of = |(ending, (files, kind)): (&&'static str, &(usize, &'static Unread))| UnreadFiles {
            ending,
            files: *files,
            advice: kind.advice,
        };
        self.unread.iter().map(of)
    }
}

impl AddAssign for LeftOut {
    fn add_assign(&mut self, other: Self) {
        for (ending, (files, kind)) in other.unread {
            self.unread.entry(ending).or_insert((0, kind)).0 += files;
        }
        self.loose_images += other.loose_images;
        self.others += other.others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_what_can_be_done_about_them() {
        let mut left_out = LeftOut::default();
        for path in [
            "cat/IMG_1.HEIC",
            "cat/IMG_2.heic",
            "cat/_D31.NEF",
            "loose.jpg",
            "cat/notes.txt",
            "cat/.IMG_1.heic",
            "__MACOSX/cat/IMG_1.HEIC",
            "cat/heic",
            "Thumbs.db",
        ] {
            left_out.count(path);
        }
        let more = left_out.clone();
        left_out += more;
        let unread = left_out.unread().map(|of| (of.ending, of.files, of.advice));
        let expected = [("heic", 4, "convert to JPEG"), ("nef", 2, "develop, and save as JPEG")];
        assert_eq!(unread.collect::<Vec<_>>(), expected);
        assert_eq!((left_out.loose_images, left_out.others), (2, 10));
    }

    #[test]
    fn no_ending_is_known_twice() {
        let mut endings: Vec<&str> = UNREAD.iter().flat_map(|kind| kind.endings).copied().collect();
        let all = endings.len();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), all);
    }
}
