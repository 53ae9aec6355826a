//! Which layout the files of a folder or zip file have: lists, folders of splits, or one folder of classes. Where the
//! marks of one are there, it is that one, and what is wrong with it is told when it is opened: never another one that
//! happens to open.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::composed::composed;
use super::folder::Folder;
use super::folder_with_zips::FolderWithZips;
use super::level::{Inside, Level, enclosing_folder};
use super::split_name::SplitName;
use super::tree::{self, Tree};
use super::{DataError, Layout};

/// The share of the images that becomes the test where there is none.
const TEST_FRACTION: f64 = 0.2;

/// The layouts that are known by their lists.
const LISTS: [(Layout, [&str; 2]); 2] = [
    (Layout::MitIndoor, ["TrainImages.txt", "TestImages.txt"]),
    (Layout::SubImageNet, ["train.csv", "test.csv"]),
];

/// The layout of a data set that nobody has described yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognised {
    /// The layout. That its marks are there does not mean that it can be opened.
    pub layout: Layout,
    /// The folders that it takes, each with what for; none where that is all there is.
    pub used: Vec<(String, &'static str)>,
    /// How many images other folders hold, by the folder; those in no folder by an empty name.
    pub left_alone: BTreeMap<String, usize>,
}

impl Recognised {
    fn whole(layout: Layout) -> Self {
        Self {
            layout,
            used: Vec::new(),
            left_alone: BTreeMap::new(),
        }
    }
}

/// Looks for the layout of the folder or zip file at `path`. Only names are looked at.
///
/// # Errors
/// A missing or unreadable path; folders that can be neither splits nor classes, with what to write.
pub fn recognise(path: &Path) -> Result<Recognised, DataError> {
    let advice = &one_folder(None, None).advice();
    let tree = tree::open(path, advice, |root| Ok(Folder::open(root, &[""])))?;
    if path.is_dir() && !tree.paths().iter().any(|path| tree::is_visible_image(path)) {
        // The images may lie in zip files beside their lists.
        let with_zips = tree::open(path, advice, FolderWithZips::open)?;
        return of_tree(&*with_zips);
    }
    of_tree(&*tree)
}

fn of_tree(tree: &dyn Tree) -> Result<Recognised, DataError> {
    let root = enclosing_folder(tree);
    let has = |name: &str, is_place: &dyn Fn(&str) -> bool| {
        let places = tree::folders_with_file(tree, name);
        places.into_iter().any(is_place)
    };
    if let Some((layout, _)) = LISTS
        .into_iter()
        .find(|(_, lists)| lists.iter().all(|list| has(list, &|_| true)))
    {
        return Ok(Recognised::whole(layout));
    }
    // One list of the two is a mark where it stands above all images.
    let is_above = |place: &str| root.starts_with(place);
    let one_list = LISTS
        .into_iter()
        .find(|(_, lists)| lists.iter().any(|list| has(list, &is_above)));
    let splits = splits(tree)?;
    match (splits, one_list) {
        (Some(splits), None) => Ok(splits),
        (Some(splits), Some(_)) if !matches!(splits.layout, Layout::OneFolder { .. }) => Ok(splits),
        (_, Some((layout, _))) => Ok(Recognised::whole(layout)),
        (None, None) => {
            assert_classes(tree, &root)?;
            Ok(Recognised::whole(one_folder(None, None)))
        }
    }
}

/// The layout of the folders of splits, nearest to the top, if there is one for training with folders of classes.
fn splits(tree: &dyn Tree) -> Result<Option<Recognised>, DataError> {
    let Some(place) = place_of_splits(tree)? else {
        return Ok(None);
    };
    let level = Level::of(tree, &place);
    let Some(train) = the_one(tree, &level, SplitName::Train, |_| true)? else {
        return Ok(None);
    };
    let classes: BTreeSet<_> = train.folders.iter().map(|class| composed(class)).collect();
    // A single folder that is no class of the training, as in `test/unknown`, is no label.
    let has_labels = |split: &Inside<'_>| {
        split.folders.len() > 1 || split.folders.iter().any(|class| classes.contains(&composed(class)))
    };
    let path = |split: &Inside<'_>| format!("{place}{}", split.name);
    let train = path(train);
    let validation = the_one(tree, &level, SplitName::Validation, has_labels)?.map(path);
    let test = the_one(tree, &level, SplitName::Test, has_labels)?.map(path);
    let (training, testing) = ("to train on", "for the test");
    let mut used = vec![(train.clone(), training)];
    let layout = match (validation, test) {
        (None, Some(test)) if [&*train, &*test] == ["seg_train", "seg_test"] => {
            used.push((test, testing));
            Layout::Intel
        }
        (Some(validation), Some(test)) => {
            used.extend([
                (validation.clone(), "to choose the best epoch"),
                (test.clone(), testing),
            ]);
            Layout::Folders {
                train,
                validation: Some(validation),
                test,
            }
        }
        (None, Some(test)) | (Some(test), None) => {
            used.push((test.clone(), testing));
            Layout::Folders {
                train,
                validation: None,
                test,
            }
        }
        (None, None) => {
            used = vec![(train.clone(), "to train on, and a fifth of it for the test")];
            one_folder(Some(train), None)
        }
    };
    let left_alone = left_alone(tree, &place, &used);
    Ok(Some(Recognised {
        layout,
        used,
        left_alone,
    }))
}

/// The folder nearest to the top in which a folder is named like a split for training and holds folders of images, as a
/// prefix of paths.
fn place_of_splits(tree: &dyn Tree) -> Result<Option<String>, DataError> {
    let mut places = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for path in tree.paths().iter().filter(|path| tree::is_visible_image(path)) {
        let Some((inner, _)) = path.rsplit_once('/') else {
            continue;
        };
        if !seen.insert(inner) {
            continue;
        }
        // A folder with images, and what it lies in. Only what holds such folders can be a split.
        let mut folder = inner;
        while let Some((outer, _)) = folder.rsplit_once('/') {
            folder = outer;
            let start = folder.rfind('/').map_or(0, |slash| slash + 1);
            if SplitName::of(&folder[start..]) == Some(SplitName::Train) {
                places.insert(&folder[..start]);
            }
        }
    }
    places.retain(|place| {
        let level = Level::of(tree, place);
        let mut training = level
            .folders
            .iter()
            .filter(|inside| inside.split() == Some(SplitName::Train));
        training.any(|inside| !inside.folders.is_empty())
    });
    tree::nearest_to_top(tree, &places)
}

/// The folder of a split, with folders of classes.
fn the_one<'l, 'a>(
    tree: &dyn Tree,
    level: &'l Level<'a>,
    split: SplitName,
    has_labels: impl Fn(&Inside<'a>) -> bool,
) -> Result<Option<&'l Inside<'a>>, DataError> {
    let is_one =
        |inside: &&Inside<'a>| inside.split() == Some(split) && !inside.folders.is_empty() && has_labels(inside);
    let all: Vec<_> = level.folders.iter().filter(is_one).collect();
    let plain: Vec<_> = all
        .iter()
        .copied()
        .filter(|inside| SplitName::is_plain(inside.name))
        .collect();
    match (all.as_slice(), plain.as_slice()) {
        ([], _) => Ok(None),
        ([only], _) | (_, [only]) => Ok(Some(*only)),
        ([first, second, ..], _) => Err(DataError::NotClasses {
            path: tree.location().to_owned(),
            problem: format!("'{}' and '{}' could both be the same split", first.name, second.name),
            advice: "name the folders that shall be used, as in `layout: Folders(train: \"train\", test: \"test\")`"
                .to_owned(),
        }),
    }
}

/// How many images lie outside of the folders that are used.
fn left_alone(tree: &dyn Tree, place: &str, used: &[(String, &str)]) -> BTreeMap<String, usize> {
    let mut left_alone = BTreeMap::new();
    let is_used = |path: &str| {
        let mut below = used.iter().filter_map(|(folder, _)| path.strip_prefix(folder.as_str()));
        below.any(|below| below.starts_with('/'))
    };
    for path in tree
        .paths()
        .iter()
        .filter(|path| tree::is_visible_image(path) && !is_used(path))
    {
        let start = if path.starts_with(place) { place.len() } else { 0 };
        let folder = path[start..].find('/').map_or("", |slash| &path[..start + slash]);
        *left_alone.entry(folder.to_owned()).or_default() += 1;
    }
    left_alone
}

/// Refuses folders that are no classes: some are named like splits, or some hold images where others hold folders of
/// them.
///
/// # Errors
/// [`DataError::NotClasses`], with the layout to write.
pub(super) fn assert_classes(tree: &dyn Tree, root: &str) -> Result<(), DataError> {
    let level = Level::of(tree, root);
    let is_split = |inside: &Inside<'_>| inside.split().is_some();
    let first = |is_wanted: &dyn Fn(&Inside<'_>) -> bool| level.folders.iter().find(|inside| is_wanted(inside));
    let (flat, nested) = (
        first(&|inside| inside.holds_images),
        first(&|inside| !inside.holds_images),
    );
    let problem = match (first(&is_split), flat, nested) {
        _ if level.folders.len() < 2 => return Ok(()),
        (Some(split), ..) => format!("the folder '{}' is named like a split, not like a class", split.name),
        (None, Some(flat), Some(nested)) => format!(
            "the folder '{}' holds images, and '{}' holds folders of images: they can't both be classes",
            flat.name, nested.name
        ),
        (None, ..) => return Ok(()),
    };
    let classes = level
        .folders
        .iter()
        .filter(|inside| inside.holds_images && !is_split(inside));
    let classes: Vec<String> = classes.map(|inside| inside.name.to_owned()).collect();
    let mut nested = level
        .folders
        .iter()
        .filter(|inside| !inside.holds_images && !is_split(inside));
    let advice = match (splits(tree)?, nested.next(), nested.next()) {
        (Some(splits), ..) => format!("write `layout: {}`", splits.layout),
        (None, Some(only), None) if classes.len() < 2 => {
            format!(
                "write `layout: {}`",
                one_folder(Some(format!("{root}{}", only.name)), None)
            )
        }
        _ => in_which_they_are_named(classes),
    };
    Err(DataError::NotClasses {
        path: tree.location().to_owned(),
        problem,
        advice,
    })
}

/// The advice to name the classes, of which these are sure.
fn in_which_they_are_named(classes: Vec<String>) -> String {
    const SHOWN: usize = 20;
    match classes.len() {
        2..=SHOWN => format!(
            "write `layout: {}`, with others that are classes whatever their names",
            one_folder(None, Some(classes))
        ),
        _ => "name the classes, as in `layout: OneFolder(classes: [\"cat\", \"dog\"], test_fraction: 0.2)`, or the \
              splits, as in `layout: Folders(train: \"train\", test: \"test\")`"
            .to_owned(),
    }
}

fn one_folder(folder: Option<String>, classes: Option<Vec<String>>) -> Layout {
    Layout::OneFolder {
        folder,
        classes,
        test_fraction: TEST_FRACTION,
        seed: 0,
    }
}
