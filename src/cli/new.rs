//! `wise-srnet new`: a first experiment file for a folder of photographs, which `check` accepts.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::arguments::NewArguments;
use super::error::CommandError;
use super::progress::ImagesProgress;
use super::{left_out, next, output};
use crate::data::{Dataset, Layout, Recognised, Split, recognise};
use crate::experiment::{Experiment, Plan, Registry};
use crate::text::{count, grouped, printable, quoted};

/// The share of the training images that chooses the best epoch.
const VALIDATION: f64 = 0.1;

/// Writes the file.
pub fn new(arguments: NewArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let file = &arguments.file;
    assert_can_be_new(file)?;
    let recognised = recognise(&arguments.data)?;
    let (draft, dataset) = Draft::of(&arguments, &recognised.layout, registry)?;
    write_new(file, &draft.text(registry)?)?;
    say(file, &dataset, &recognised)?;
    next::say("see what training would cost", &["check".as_ref(), file.as_os_str()]);
    Ok(ExitCode::SUCCESS)
}

/// What is left to decide once the layout is known.
struct Draft<'a> {
    arguments: &'a NewArguments,
    layout: &'a Layout,
    best_epoch: BestEpoch,
    /// Images that can't be used.
    unusable: usize,
}

/// The images that choose the best epoch.
#[derive(PartialEq)]
enum BestEpoch {
    /// Those of the layout.
    OfLayout,
    /// A share of the training images.
    Share,
    /// The test images: a share would be too few.
    OfTest,
}

impl<'a> Draft<'a> {
    /// Looks at all images, as `check` does: what it would refuse is decided here, or refused.
    fn of(
        arguments: &'a NewArguments,
        layout: &'a Layout,
        registry: &Registry,
    ) -> Result<(Self, Dataset), CommandError> {
        let mut draft = Self {
            arguments,
            layout,
            best_epoch: BestEpoch::OfTest,
            unusable: 0,
        };
        let progress = ImagesProgress::new();
        let tell = |done, all| progress.tell(done, all);
        let (plan, inspection) = Plan::inspected(draft.experiment(registry)?, registry, &tell)?;
        inspection.allow(usize::MAX)?;
        draft.unusable = inspection.unreadable.len();
        if plan.splits.validation.is_some() {
            draft.best_epoch = BestEpoch::OfLayout;
        } else if plan.splits.train.hold_out(VALIDATION, 0).1.len() >= plan.dataset.classes.len() {
            draft.best_epoch = BestEpoch::Share;
            // Images that can't be used may be all that a class has left once a share of it is held out.
            if draft.unusable > 0 && Plan::with_progress(draft.experiment(registry)?, registry, &tell).is_err() {
                draft.best_epoch = BestEpoch::OfTest;
            }
        }
        drop(progress);
        let left_out = inspection.unreadable.iter().map(|image| &image.reason);
        left_out.for_each(|reason| output::tell(format_args!("left out: {reason}")));
        Ok((draft, plan.dataset))
    }

    fn experiment(&self, registry: &Registry) -> Result<Experiment, CommandError> {
        let text = self.text(registry)?;
        Ok(Experiment::parse(&text, &self.arguments.file.to_string_lossy())?)
    }

    fn text(&self, registry: &Registry) -> Result<String, CommandError> {
        let NewArguments {
            file,
            data,
            network,
            size,
        } = self.arguments;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let sizes = registry.image_sizes(network);
        let image_size = size.or(sizes.into_iter().min()).unwrap_or(224);
        let not_unicode = || {
            let path = printable(data);
            CommandError::Usage(format!(
                "'{path}' is not valid Unicode, so no experiment file can name it: rename it"
            ))
        };
        let path = data.to_str().ok_or_else(not_unicode)?;
        let string = |text: &str| ron::to_string(text).map_err(|error| CommandError::Usage(error.to_string()));
        let (name, network, path) = (string(&name)?, string(network)?, string(path)?);
        let (layout, best_epoch, bad_images) = (self.layout, self.best_epoch.lines(), self.bad_images());
        Ok(format!(
            r#"// GAP or Wise-SrNet for one's own photographs? Made by `wise-srnet new`, to be changed at will: what is left out has
// its default, and experiments/README.md of the program describes all fields.
Experiment(
    name: {name},
    network: {network},
    image_size: {image_size},
    heads: [gap, wise_srnet],
    // Three runs of each head show how much of a difference is chance.
    seeds: [0, 1, 2],
    epochs: 20,
    batch_size: 32,
    data: (
        layout: {layout},
        orientation: Exif,
        path: {path},
    ),
    // Only what leaves a photograph a photograph; all that is not named is off.
    augmentation: (
        horizontal_flip: true,
    ),
{best_epoch}{bad_images})
"#
        ))
    }

    fn bad_images(&self) -> String {
        match self.unusable {
            0 => String::new(),
            images => format!(
                "    // So many images can't be used, which `wise-srnet check` names. One more ends a training before it \
                 begins.\n    on_bad_image: Skip({images}),\n"
            ),
        }
    }
}

impl BestEpoch {
    fn lines(&self) -> String {
        match self {
            Self::OfLayout => {
                "    // The layout's validation images choose the best epoch, so that the test images stay a test.\n"
                    .to_owned()
            }
            Self::Share => format!(
                "    // A tenth of the training images chooses the best epoch, so that the test images stay a test.\n    \
                 validation: Fraction({VALIDATION}),\n"
            ),
            Self::OfTest => {
                "    // No `validation: Fraction(..)`: a tenth of the training images is less than one of each class. \
                             So the test images\n    // choose the best epoch, and its accuracy is an optimistic one.\n"
                    .to_owned()
            }
        }
    }
}

/// Says what has been found, what of it is used, and what is not.
fn say(file: &Path, dataset: &Dataset, recognised: &Recognised) -> Result<(), CommandError> {
    let validation = dataset.validation.as_ref().map(Split::len);
    let validation = validation.map(|images| format!(", {} for validation", grouped(images as u64)));
    output::line(&format!(
        "{}: {} classes, {}{} and {} for the test",
        printable(file),
        dataset.classes.len(),
        count(dataset.train.len(), "training image"),
        validation.unwrap_or_default(),
        grouped(dataset.test.len() as u64)
    ))?;
    let used = recognised
        .used
        .iter()
        .map(|(folder, what_for)| format!("'{folder}' {what_for}"));
    said_of("used", used)?;
    let left_alone = recognised.left_alone.iter().map(|(folder, images)| {
        let images = count(*images, "image");
        if folder.is_empty() {
            format!("{images} in no folder")
        } else {
            format!("'{folder}' ({images})")
        }
    });
    said_of("left alone", left_alone)?;
    let left_out = left_out::sentences(&dataset.left_out);
    left_out
        .iter()
        .try_for_each(|sentence| output::line(&format!("note: {sentence}")))
}

/// Says the first of some things, and how many there are beyond.
fn said_of(what: &str, things: impl ExactSizeIterator<Item = String>) -> Result<(), CommandError> {
    const SHOWN: usize = 8;
    let more = things.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more"));
    let said: Vec<String> = things.take(SHOWN).chain(rest).collect();
    if said.is_empty() {
        return Ok(());
    }
    output::line(&format!("{what}: {}", said.join(", ")))
}

/// Refuses a name that no new file can have, before any image is looked at.
fn assert_can_be_new(file: &Path) -> Result<(), CommandError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let problem = if file.extension().is_none_or(|ending| ending != "ron") {
        "give the experiment file a name that ends in .ron".to_owned()
    } else if file.symlink_metadata().is_ok() {
        "the file exists, and nothing is written over: give another name, or delete it first".to_owned()
    } else if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let command = format!("mkdir -p {}", quoted(&folder.to_string_lossy()));
        format!("there is no folder '{}': make it first, `{command}`", printable(folder))
    } else {
        return Ok(());
    };
    Err(CommandError::Usage(format!("'{}': {problem}", printable(file))))
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::Io {
        path: path.to_owned(),
        source,
    })
}
