//! Data sets that are one folder of one folder a class, as photographs are often collected: the test images are drawn from
//! them.

use std::path::Path;

use super::class_folders::images_below;
use super::composed::composed;
use super::folder::Folder;
use super::labelled_files::{ClassFiles, SplitFiles, dataset};
use super::level::{Level, enclosing_folder, innermost};
use super::tree::{self, Tree};
use super::{DataError, Dataset, recognised};
use crate::text::printable;

/// The folder of the classes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassFolder<'a> {
    /// Below the data set's root; without a name it is the root.
    pub(super) name: Option<&'a str>,
    /// The folders that are classes; all, unless they are named.
    pub(super) classes: Option<&'a [String]>,
    /// What to say to a person whose data set is not found.
    pub(super) advice: &'a str,
}

/// Opens the folder or zip file at `path`, and holds out `fraction` of the images for the test, chosen by `seed`.
pub(super) fn open(path: &Path, folder: ClassFolder<'_>, fraction: f64, seed: u64) -> Result<Dataset, DataError> {
    folder.name.into_iter().try_for_each(tree::check_inside)?;
    let top = folder.name.unwrap_or_default();
    let tree = tree::open(path, folder.advice, |root| Folder::open(root, &[top]).whole())?;
    let root = folder_of_classes(&*tree, folder)?;
    if folder.classes.is_none() {
        recognised::assert_classes(&*tree, &root)?;
    }
    let may_be_class = |name: &str| {
        let name = composed(name);
        folder
            .classes
            .is_none_or(|classes| classes.iter().any(|class| composed(class) == name))
    };
    let mut found = images_below(&*tree, &root, may_be_class)?;
    if let Some(classes) = folder.classes {
        found.classes = chosen(&*tree, &root, found.classes, classes, folder.advice)?;
    }
    // Where no image lies in a class's own folder, the folders are more likely splits of classes than classes.
    let are_classes = || {
        Level::of(&*tree, &root)
            .folders
            .iter()
            .any(|inside| inside.holds_images)
    };
    if found.classes.len() < 2 || folder.classes.is_none() && !are_classes() {
        return Err(not_found(&*tree, folder));
    }
    let files = SplitFiles {
        train: found.classes,
        validation: None,
        test: ClassFiles::new(),
    };
    let all = dataset(&tree, files, path.to_owned())?;
    let (train, test) = all.train.hold_out(fraction, seed);
    if test.is_empty() {
        let images = train.len();
        let remedy = if images == train.classes() {
            "each class has one image alone, which is trained on: add images".to_owned()
        } else {
            format!("a test fraction of {fraction} is not one of the {images} images: choose a larger one")
        };
        return Err(DataError::InvalidNumber(format!("'{}': {remedy}", printable(path))));
    }
    Ok(Dataset {
        train,
        test,
        left_out: found.left_out,
        empty_folders: found.empty_folders,
        note: Some(format!(
            "The test images are a share of {fraction} of the images, drawn class by class from one folder (seed \
             {seed}). Photographs of the same moment can be on both sides: then the test flatters every head."
        )),
        ..all
    })
}

/// The folder that holds the classes' folders, as a prefix of paths.
fn folder_of_classes(tree: &dyn Tree, folder: ClassFolder<'_>) -> Result<String, DataError> {
    let Some(name) = folder.name else {
        return Ok(enclosing_folder(tree));
    };
    let outer = tree::nearest_to_top(tree, &tree::folders_with_images_in(tree, name))?;
    let outer = outer.ok_or_else(|| not_found(tree, folder))?;
    Ok(innermost(tree, &format!("{outer}{name}/")))
}

/// The files of the classes that were named.
fn chosen(
    tree: &dyn Tree,
    root: &str,
    mut files: ClassFiles,
    classes: &[String],
    advice: &str,
) -> Result<ClassFiles, DataError> {
    let of_class = |class: &String| {
        let (name, files) = files
            .remove_entry(&*composed(class))
            .ok_or_else(|| tree::not_found(tree, format!("'{root}{class}/<image>'"), advice))?;
        Ok((name, files))
    };
    classes.iter().map(of_class).collect()
}

fn not_found(tree: &dyn Tree, folder: ClassFolder<'_>) -> DataError {
    let below = folder.name.map(|name| format!("{name}/")).unwrap_or_default();
    let expected = format!("'{below}<class>/<image>' of two classes or more");
    tree::not_found(tree, expected, folder.advice)
}
