//! Images without classes, as a person names them: files, folders that are searched, zip files that are read in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::{Decoded, decode};
use super::folder::{Folder, read_file};
use super::split::{Source, Split};
use super::tree::{self, Tree};
use super::zip::{Zip, is_zip_path};
use super::{DataError, LeftOut};

/// What was found at the paths of images without classes.
#[derive(Debug)]
pub struct Unlabelled {
    /// The images, in the order of the paths, of one nameless class.
    pub split: Split,
    /// The paths that can't be searched, and what can't be read or named in those that can.
    pub problems: Vec<(PathBuf, DataError)>,
    /// The files of folders and zip files that are no images by their names.
    pub left_out: LeftOut,
}

/// Finds the images at these paths.
///
/// A folder or zip file gives its images as a data set's folder does, in the byte order of their paths: by their ending,
/// without hidden files. Any other path is one image, whatever its ending; one that isn't there is an error where it is
/// decoded.
pub fn unlabelled(paths: &[PathBuf]) -> Unlabelled {
    let mut search = Search::default();
    for path in paths {
        if let Err(problem) = search.add(path) {
            search.problems.push((path.clone(), problem));
        }
    }
    Unlabelled {
        split: Split::new(Images(search.images)),
        problems: search.problems,
        left_out: search.left_out,
    }
}

#[derive(Default)]
struct Search {
    images: Vec<Image>,
    problems: Vec<(PathBuf, DataError)>,
    left_out: LeftOut,
}

impl Search {
    fn add(&mut self, path: &Path) -> Result<(), DataError> {
        let mut problems = Vec::new();
        let tree: Arc<dyn Tree> = if path.is_dir() {
            let mut folder = Folder::open(path, &[""]);
            problems = folder.take_problems();
            Arc::new(folder)
        } else if is_zip_path(path) {
            Arc::new(Zip::open(path)?)
        } else {
            self.images.push(Image::File(path.to_owned()));
            return Ok(());
        };
        let mut files = Vec::new();
        for (file, path) in tree.paths().iter().enumerate() {
            if tree::is_visible_image(path) {
                files.push(file);
            } else {
                self.left_out.count(path);
            }
        }
        tree.passed_over().iter().for_each(|path| self.left_out.count(path));
        if files.is_empty() && problems.is_empty() {
            return Err(DataError::NoImages { path: path.to_owned() });
        }
        files.sort_by(|&a, &b| tree.paths()[a].cmp(&tree.paths()[b]));
        let entry = |file| Image::Entry(Arc::clone(&tree), file);
        self.images.extend(files.into_iter().map(entry));
        self.problems.extend(problems);
        Ok(())
    }
}

#[derive(Debug)]
enum Image {
    File(PathBuf),
    /// A tree and the file's position in it.
    Entry(Arc<dyn Tree>, usize),
}

#[derive(Debug)]
struct Images(Vec<Image>);

impl Source for Images {
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

    fn decode(&self, image: usize) -> Result<Decoded, DataError> {
        let bytes = match &self.0[image] {
            Image::File(path) => read_file(path)?,
            Image::Entry(tree, file) => tree.read(*file)?,
        };
        decode(&bytes, &self.name(image))
    }
}
