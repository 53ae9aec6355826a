//! What `check` has found among the images: lists for scripts, sentences for people.

use serde::{Serialize, Serializer};

use super::error::CommandError;
use crate::data::{Duplicate, DuplicateKind, Inspection, LeftOut, UnreadFiles, Unreadable};
use crate::experiment::{OnBadImage, Plan};

/// Sentences, those on one subject together. In JSON they are one list.
#[derive(Debug, Default)]
pub struct Sentences(Vec<Vec<String>>);

impl Sentences {
    /// Of one subject a text shows this many.
    const SHOWN: usize = 10;

    /// Adds the sentences on one subject.
    pub fn add(&mut self, subject: impl IntoIterator<Item = String>) {
        self.0.push(subject.into_iter().collect());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// What a text shows: the first of every subject, and how many there are beyond.
    pub fn shown(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|subject| {
            let more = subject.len().saturating_sub(Self::SHOWN);
            let rest = (more > 0).then(|| format!("and {more} more like these: `--json` lists all"));
            subject.iter().take(Self::SHOWN).cloned().chain(rest)
        })
    }
}

impl Serialize for Sentences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flatten())
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct ImageFindings<'a> {
    unreadable: &'a [Unreadable],
    duplicates: &'a [Duplicate],
    /// How many images ask to be turned.
    pub asking_for_turn: usize,
    /// Folders in the place of classes that hold no image.
    empty_folders: &'a [String],
    left_out: LeftOutFiles,
    /// Classes of the training split alone.
    untested_classes: Vec<&'a str>,
}

/// Files of the data set's folders that are no image of a class.
#[derive(Debug, Serialize)]
struct LeftOutFiles {
    unread: Vec<UnreadFiles>,
    loose_images: usize,
    others: usize,
}

impl LeftOutFiles {
    fn of(left_out: &LeftOut) -> Self {
        Self {
            unread: left_out.unread().collect(),
            loose_images: left_out.loose_images,
            others: left_out.others,
        }
    }
}

impl<'a> ImageFindings<'a> {
    /// Of a plan and the look at its images.
    pub fn of(plan: &'a Plan<'_>, inspection: &'a Inspection) -> Self {
        let counts = plan.dataset.test.class_counts();
        let classes = plan.dataset.classes.iter().zip(counts);
        Self {
            unreadable: &inspection.unreadable,
            duplicates: &inspection.duplicates,
            asking_for_turn: inspection.asking_for_turn,
            empty_folders: &plan.dataset.empty_folders,
            left_out: LeftOutFiles::of(&plan.dataset.left_out),
            untested_classes: classes
                .filter(|(_, images)| *images == 0)
                .map(|(class, _)| class.as_str())
                .collect(),
        }
    }

    /// Adds what ends a training with this policy to `errors`, and what makes its results doubtful to `warnings`.
    pub fn tell(&self, policy: OnBadImage, inspection: &Inspection, errors: &mut Sentences, warnings: &mut Sentences) {
        let reasons = self.unreadable.iter().map(|image| image.reason.clone());
        match policy {
            OnBadImage::Error => errors.add(reasons),
            OnBadImage::Skip(limit) => match inspection.allow(limit) {
                Ok(()) => warnings.add(reasons.map(|reason| format!("left out: {reason}"))),
                Err(error) => errors.add([CommandError::from(error).chain()]),
            },
        }
        for kind in [DuplicateKind::Leakage, DuplicateKind::Labels] {
            let duplicates = self.duplicates.iter().filter(|duplicate| duplicate.kind == kind);
            warnings.add(duplicates.map(sentence));
        }
        let empty = self.empty_folders.iter();
        warnings.add(empty.map(|folder| format!("the folder '{folder}' holds no image: it is no class")));
        let untested = self.untested_classes.iter();
        warnings.add(untested.map(|class| {
            format!("the class '{class}' has no test image: how well it is told from others can't be measured")
        }));
    }
}

fn sentence(Duplicate { kind, first, second }: &Duplicate) -> String {
    let (one, other) = (&first.image, &second.image);
    match kind {
        DuplicateKind::Leakage => format!(
            "'{other}' of the {} split shows the same picture as '{one}' of the {} split: what is measured on it may be \
             memorised",
            second.split, first.split
        ),
        DuplicateKind::Labels => format!(
            "'{other}' of the class '{}' shows the same picture as '{one}' of the class '{}': one label is wrong",
            second.class, first.class
        ),
    }
}
