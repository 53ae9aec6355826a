//! Images without classes, as a person names them: files, folders that are searched, zip files that are read in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::DataError;
use super::decode::decode;
use super::folder::{Folder, read_file};
use super::split::{Source, Split};
use super::tree::{self, Tree};
use super::zip::{Zip, is_zip_path};

/// The images at these paths, in their order, as a split of one nameless class; and the paths that can't
/// be searched.
///
/// A folder or zip file gives its images as a data set's folder does, in the byte order of their paths: by their ending,
/// without hidden files. Any other path is one image, whatever its ending; one that isn't there is an error where it is
/// decoded.
pub fn unlabelled(paths: &[PathBuf]) -> (Split, Vec<(PathBuf, DataError)>) {
    let (mut images, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match images_of(path) {
            Ok(found) => images.extend(found),
            Err(problem) => problems.push((path.clone(), problem)),
        }
    }
    (Split::new(Unlabelled(images)), problems)
}

fn images_of(path: &Path) -> Result<Vec<Image>, DataError> {
    let tree: Arc<dyn Tree> = if path.is_dir() {
        Arc::new(Folder::open(path, &[""])?)
    } else if is_zip_path(path) {
        Arc::new(Zip::open(path)?)
    } else {
        return Ok(vec![Image::File(path.to_owned())]);
    };
    let mut files: Vec<usize> = (0..tree.paths().len()).collect();
    files.retain(|&file| tree::is_visible_image(&tree.paths()[file]));
    files.sort_by(|&a, &b| tree.paths()[a].cmp(&tree.paths()[b]));
    if files.is_empty() {
        return Err(DataError::NoImages { path: path.to_owned() });
    }
    let entry = |file| Image::Entry(Arc::clone(&tree), file);
    Ok(files.into_iter().map(entry).collect())
}

#[derive(Debug)]
enum Image {
    File(PathBuf),
    /// A tree and the file's position in it.
    Entry(Arc<dyn Tree>, usize),
}

#[derive(Debug)]
struct Unlabelled(Vec<Image>);

impl Source for Unlabelled {
    fn classes(&self) -> usize {
        1
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn name(&self, image: usize) -> String {
        match &self.0[image] {
            Image::File(path) => path.to_string_lossy().into_owned(),
            Image::Entry(tree, file) => tree.name(*file),
        }
    }

    fn decode(&self, image: usize) -> Result<RgbImage, DataError> {
        let bytes = match &self.0[image] {
            Image::File(path) => read_file(path)?,
            Image::Entry(tree, file) => tree.read(*file)?,
        };
        decode(&bytes, &self.name(image))
    }
}
