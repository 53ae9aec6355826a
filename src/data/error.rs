//! What can be wrong with a data set, in sentences that name the file, the place and the way out.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::str::Utf8Chunk;

use image::ImageError;
use thiserror::Error;

use super::composed::spelled_out;
use super::decode::{EXTENSIONS, MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE};
use crate::text::{listed, one_line, printable};

/// A data set, or one image of it, that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The layout lives on disk, and no path was given.
    #[error("no path to the data set was given. {advice}")]
    NoPath {
        /// Where to get the data set and where to put it.
        advice: String,
    },
    /// The path does not exist, or is neither a folder nor a zip file.
    #[error("no data set at '{}': {}. {advice}", printable(path), one_line(reason))]
    NotADataset {
        /// What was opened.
        path: PathBuf,
        /// What is there instead.
        reason: String,
        /// Where to get the data set and where to put it.
        advice: String,
    },
    /// The path exists, but what the layout names is not in it.
    #[error(
        "'{}' does not hold {expected} (found there: {}). {advice}",
        printable(path),
        one_line(found)
    )]
    NotFound {
        /// What was opened.
        path: PathBuf,
        /// What was looked for.
        expected: String,
        /// A few names that are there.
        found: String,
        /// Where to get the data set and where to put it.
        advice: String,
    },
    /// Several folders hold what the layout names, none of them nearer to the top than the others.
    #[error(
        "'{}' holds the data set more than once, in '{}' and in '{}': give one of them, unpacked if it lies in a zip file",
        printable(path),
        printable(first),
        printable(second)
    )]
    Ambiguous {
        /// The folder or zip file.
        path: PathBuf,
        /// One folder that holds what the layout names.
        first: String,
        /// Another one.
        second: String,
    },
    /// A name in the layout would leave the data set.
    #[error(
        "'{}' cannot name a split, a list or a folder of images: give a path inside the data set, without a leading \
         '/', '.', '..' or empty parts",
        printable(name)
    )]
    OutsideDataSet {
        /// The name as given.
        name: String,
    },
    /// Classes of another split that are no classes of the training split.
    #[error(
        "'{}': {} {split} images but no training image: classes are those of the training split. Give a class the \
         same name in both, or take it out of the {split} split",
        printable(path),
        have(classes)
    )]
    UnknownClass {
        /// The data set, or the list that names the class.
        path: PathBuf,
        /// The other split.
        split: &'static str,
        /// The classes.
        classes: Vec<String>,
    },
    /// A folder in the place of a class holds photographs, and none that can be read.
    #[error(
        "'{}' is a class without an image: its .{ending} files are not read; {advice}, or move the folder out of the data \
         set if it is no class{}",
        printable(path), more_such_folders(*others)
    )]
    UnreadClass {
        /// The folder.
        path: PathBuf,
        /// The photographs' ending, in lower case.
        ending: &'static str,
        /// What to do about them.
        advice: &'static str,
        /// How many more such folders there are.
        others: usize,
    },
    /// Folders that stand where classes are looked for and are none.
    #[error("'{}': {problem}. {}", printable(path), capitalised(advice))]
    NotClasses {
        /// The data set.
        path: PathBuf,
        /// Why they are none.
        problem: String,
        /// What to write.
        advice: String,
    },
    /// Two folders of classes whose names look equal.
    #[error(
        "'{}' holds two folders '{first}' whose names differ only in how Unicode writes their accents ({} and {}): join \
         them, or rename one",
        printable(path),
        spelled_out(first),
        spelled_out(second)
    )]
    SameName {
        /// The folder that holds them.
        path: PathBuf,
        /// The name of the first.
        first: String,
        /// The name of the second.
        second: String,
    },
    /// Lines of a list file cannot be used.
    #[error("'{}', line {line}: {}{}", printable(list), one_line(problem), lines_of(others))]
    ListLine {
        /// The list file.
        list: String,
        /// The first such line, counted from 1.
        line: usize,
        /// What is wrong with it, and what to do.
        problem: String,
        /// The other ones: `line 7: …`.
        others: Vec<String>,
    },
    /// A list file names no image.
    #[error("'{}' lists no images: a data set needs training and test images", printable(list))]
    EmptyList {
        /// The list file.
        list: String,
    },
    /// A zip entry's name points outside of the archive.
    #[error(
        "'{}': entry '{}' is absolute or climbs with '..': the archive is not to be trusted and is refused",
        printable(path),
        printable(entry)
    )]
    UnsafeEntry {
        /// The zip file.
        path: PathBuf,
        /// The entry's name.
        entry: String,
    },
    /// The zip file, or one entry of it, is damaged or of an unsupported kind.
    #[error("cannot read zip file '{}'{}", printable(path), entry.as_ref().map(|name| format!(", entry '{}'", printable(name))).unwrap_or_default())]
    Zip {
        /// The zip file.
        path: PathBuf,
        /// The entry's name, if one was being read.
        entry: Option<String>,
        /// The cause.
        source: ::zip::result::ZipError,
    },
    /// A file with a zip file's name is none.
    #[error("cannot read zip file '{}': {reason}", printable(path))]
    NotZip {
        /// The file.
        path: PathBuf,
        /// What it is instead, and what to do.
        reason: String,
    },
    /// An entry of a zip file is compressed or encrypted in a way that isn't read.
    #[error(
        "cannot read zip file '{}', entry '{}': it is {obstacle}, and give the folder",
        printable(path),
        printable(entry)
    )]
    ZipEntry {
        /// The zip file.
        path: PathBuf,
        /// The entry's name.
        entry: String,
        /// Why it can't be read, and what to do.
        obstacle: String,
    },
    /// Two entries of a zip file have one name.
    #[error(
        "cannot read zip file '{}': two of its entries are named '{}': unpack it, and give the folder",
        printable(path),
        printable(entry)
    )]
    RepeatedEntry {
        /// The zip file.
        path: PathBuf,
        /// The name.
        entry: String,
    },
    /// A folder or zip file that is searched for images has none.
    #[error("'{}' holds no images (files that end in {})", printable(path), endings())]
    NoImages {
        /// The folder or zip file.
        path: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("cannot read '{}'", printable(name))]
    Read {
        /// The file or folder.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// A file's name is not Unicode.
    #[error("'{}': the name is not valid Unicode; rename it", printable(escaped(path)))]
    NameNotUnicode {
        /// The file.
        path: PathBuf,
    },
    /// A file is larger than any sensible photograph or list.
    #[error("'{}' is larger than {} MiB, the limit for one file", printable(name), MAX_FILE_BYTES >> 20)]
    FileTooLarge {
        /// The file.
        name: String,
    },
    /// An image has no pixels or more than is allowed.
    #[error(
        "'{}' has {width}×{height} pixels; 1 to {MAX_PIXELS} in all, and up to {MAX_SIDE} a side, are accepted",
        printable(name)
    )]
    PixelCount {
        /// The file.
        name: String,
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The file of an image lacks its end.
    #[error("'{}' ends before its image does: the file was cut short", printable(name))]
    CutShort {
        /// The file.
        name: String,
    },
    /// A file's content is not a readable image.
    #[error("cannot decode image '{}'", printable(name))]
    Decode {
        /// The file.
        name: String,
        /// The cause.
        source: ImageError,
    },
    /// More images cannot be used than may be left out.
    #[error("{} cannot be used, `on_bad_image: Skip({limit})` leaves out {limit} at most{}", number(images.len()), lines_of(images))]
    TooManyBadImages {
        /// How many may be left out.
        limit: usize,
        /// What is wrong with each.
        images: Vec<String>,
    },
    /// Without the images that cannot be used there is nothing to train or test on.
    #[error(
        "{} left once the images that cannot be used are left out{}",
        one_line(what),
        lines_of(images)
    )]
    NothingLeft {
        /// What is missing.
        what: String,
        /// What is wrong with each image that was left out.
        images: Vec<String>,
    },
    /// The numbers of a generated data set or of a loader cannot be used.
    #[error("{0}")]
    InvalidNumber(String),
}

impl DataError {
    /// The name of the image that cannot be used, where it is a single one.
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Decode { name, .. }
            | Self::CutShort { name }
            | Self::PixelCount { name, .. }
            | Self::FileTooLarge { name }
            | Self::Read { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// An error's message with its causes, each said once.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}

/// `.bmp, .gif or .png`
fn endings() -> String {
    let [others @ .., last] = EXTENSIONS;
    let others: Vec<String> = others.iter().map(|ending| format!(".{ending}")).collect();
    format!("{} or .{last}", others.join(", "))
}

/// `class 'sea' has`, `classes 'sea', 'sky' have`
fn have(classes: &[String]) -> String {
    let names = listed(classes, "'");
    match classes.len() {
        1 => format!("class {names} has"),
        _ => format!("classes {names} have"),
    }
}

/// A path with what is not Unicode written as `\xE9`.
fn escaped(path: &Path) -> String {
    let chunks = path.as_os_str().as_encoded_bytes().utf8_chunks();
    let of = |chunk: Utf8Chunk<'_>| {
        let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}"));
        chunk.valid().to_owned() + &bytes.collect::<String>()
    };
    chunks.map(of).collect()
}

fn more_such_folders(number: usize) -> String {
    match number {
        0 => String::new(),
        1 => " (and 1 more such folder)".to_owned(),
        _ => format!(" (and {number} more such folders)"),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut rest = sentence.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

fn number(images: usize) -> String {
    match images {
        1 => "1 image".to_owned(),
        _ => format!("{images} images"),
    }
}

/// The first of some sentences, a line each.
fn lines_of(sentences: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = sentences
        .iter()
        .take(SHOWN)
        .map(|sentence| format!("\n  {}", one_line(sentence)));
    let more = sentences.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("\n  and {more} more"));
    shown.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_folders_are_counted_where_there_are_any() {
        let said = [0, 1, 2].map(more_such_folders);
        assert_eq!(said, ["", " (and 1 more such folder)", " (and 2 more such folders)"]);
    }
}
