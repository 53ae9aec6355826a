//! Data sets that are one folder of one folder a class, as photographs are often collected: the test images are drawn from
//! them.

use std::collections::BTreeSet;
use std::path::Path;

use super::class_folders::images_below;
use super::folder::Folder;
use super::labelled_files::{ClassFiles, dataset};
use super::tree::{self, Tree};
use super::{DataError, Dataset};

/// Opens the folder or zip file at `path`, and holds out `fraction` of every class for the test, chosen by `seed`.
pub(super) fn open(path: &Path, fraction: f64, seed: u64, advice: &str) -> Result<Dataset, DataError> {
    let tree = tree::open(path, advice, |root| Folder::open(root, &[""]))?;
    let not_found = || {
        let expected = "'<class>/<image>' of two classes or more".to_owned();
        tree::not_found(&*tree, expected, advice)
    };
    let root = enclosing_folder(&*tree);
    let found = images_below(&*tree, &root)?;
    // Where no image lies in a class's own folder, the folders are more likely splits of classes than classes.
    let has_own = |class: &str, files: &[usize]| {
        let own = format!("{root}{class}/");
        let inside = files.iter().filter_map(|&file| tree.paths()[file].strip_prefix(&own));
        inside.into_iter().any(|name| !name.contains('/'))
    };
    let are_classes = found.classes.iter().any(|(class, files)| has_own(class, files));
    if found.classes.len() < 2 || !are_classes {
        return Err(not_found());
    }
    let all = dataset(&tree, found.classes, ClassFiles::new(), path.to_owned())?;
    let (train, test) = all.train.hold_out(fraction, seed);
    if test.is_empty() {
        let images = train.len();
        let remedy = if images == train.classes() {
            "each class has one image alone, which is trained on: add images".to_owned()
        } else {
            format!("a test fraction of {fraction} is not one of the {images} images: choose a larger one")
        };
        return Err(DataError::InvalidNumber(format!("'{}': {remedy}", path.display())));
    }
    Ok(Dataset {
        train,
        test,
        left_out: found.left_out,
        empty_folders: found.empty_folders,
        note: Some(format!(
            "The test images are a share of {fraction} of the images, drawn class by class from one folder (seed {seed}). Photographs of the same \
             moment can be on both sides: then the test flatters every head."
        )),
        ..all
    })
}

/// The folder of the classes as a prefix of paths: those that hold nothing but one folder are entered.
fn enclosing_folder(tree: &dyn Tree) -> String {
    let mut root = String::new();
    loop {
        let images = tree.paths().iter().filter(|path| tree::is_visible_image(path));
        let below = images.filter_map(|path| path.strip_prefix(&root));
        let first: BTreeSet<Option<&str>> = below.map(|path| Some(path.split_once('/')?.0)).collect();
        match first.first() {
            Some(Some(only)) if first.len() == 1 => root = format!("{root}{only}/"),
            _ => return root,
        }
    }
}
