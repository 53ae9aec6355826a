//! Names of folders that are a split's by custom, and so no class's.

/// What a folder's name says of the images in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitName {
    Train,
    Validation,
    Test,
    /// Images without classes.
    Unlabelled,
}

/// The words, a longer one before its beginning.
const WORDS: [(&str, SplitName); 5] = [
    ("training", SplitName::Train),
    ("train", SplitName::Train),
    ("validation", SplitName::Validation),
    ("valid", SplitName::Validation),
    ("val", SplitName::Validation),
];

/// What may follow such a word: `training_set`, `train images`, `valid-2`.
const ENDINGS: [&str; 9] = [
    "", "data", "dataset", "folder", "image", "images", "imgs", "set", "split",
];

impl SplitName {
    /// Upper and lower case are the same, and Kaggle's `seg_` is passed over.
    pub(super) fn of(folder: &str) -> Option<Self> {
        let lower = folder.to_lowercase();
        let name = lower.strip_prefix("seg_").unwrap_or(&lower);
        if name.starts_with("test") {
            return Some(Self::Test);
        }
        let of_word = |(word, split): &(&str, Self)| is_ending(name.strip_prefix(word)?).then_some(*split);
        let unlabelled = lower.starts_with("seg_") || ["unlabeled", "unlabelled"].contains(&name);
        WORDS
            .iter()
            .find_map(of_word)
            .or(unlabelled.then_some(Self::Unlabelled))
    }

    /// Whether a name is the split's without addition.
    pub(super) fn is_plain(folder: &str) -> bool {
        let lower = folder.to_lowercase();
        let name = lower.strip_prefix("seg_").unwrap_or(&lower);
        name == "test" || WORDS.iter().any(|(word, _)| *word == name)
    }
}

fn is_ending(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['_', '-', '.', ' ']);
    ENDINGS.contains(&rest) || rest.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_known_by_their_names_in_upper_and_lower_case() {
        for (split, names) in [
            (
                SplitName::Train,
                &[
                    "train",
                    "Training",
                    "TRAIN",
                    "seg_train",
                    "training_set",
                    "train 2",
                    "Train-Images",
                ][..],
            ),
            (
                SplitName::Validation,
                &["val", "Valid", "validation", "valid_set", "val1"],
            ),
            (
                SplitName::Test,
                &["test", "Test", "test1", "testing", "test_set", "seg_test", "testA"],
            ),
            (SplitName::Unlabelled, &["seg_pred", "Unlabeled"]),
        ] {
            for name in names {
                assert_eq!(SplitName::of(name), Some(split), "{name}");
            }
        }
    }

    #[test]
    fn names_of_classes_are_no_splits() {
        for name in [
            "trains",
            "train_station",
            "trainstation",
            "trainer",
            "valley",
            "value",
            "contest",
            "pred",
            "sea",
            "",
        ] {
            assert_eq!(SplitName::of(name), None, "{name}");
        }
    }
}
