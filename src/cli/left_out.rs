//! What was left out of a data set because of its files' names, in sentences.

use super::text::{count, grouped};
use crate::data::{LeftOut, UnreadFiles};

/// A sentence for every ending of pictures in a format that isn't read.
pub fn of_pictures(left_out: &LeftOut) -> impl Iterator<Item = String> {
    left_out.unread().map(|UnreadFiles { ending, files, advice }| {
        let files = count(files, &format!(".{ending} file"));
        format!("{files} left out: {advice}")
    })
}

/// One sentence for every kind that a person can do something about, and one for all the rest.
pub fn sentences(left_out: &LeftOut) -> Vec<String> {
    let loose = (left_out.loose_images > 0).then(|| {
        let images = count(left_out.loose_images, "image");
        format!("{images} left out, beside the folders of the classes: move such images into the folder of their class")
    });
    let others = match left_out.others {
        0 => None,
        1 => Some("1 file left out that is no image by its name".to_owned()),
        several => Some(format!(
            "{} files left out that are no images by their names",
            grouped(several as u64)
        )),
    };
    of_pictures(left_out).chain(loose).chain(others).collect()
}
