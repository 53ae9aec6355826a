//! What to write instead of a name that does not exist: the list of valid names, and the nearest of them.

use strsim::damerau_levenshtein;

use super::listed;

/// Names longer than this are not compared: the distance takes time and memory in the product of both lengths.
const LONGEST_COMPARED: usize = 64;

/// The candidate that `name` was most likely meant to be, if any is near enough to be worth a suggestion.
///
/// Near enough means: at most a third of the letters are wrong, or `name` is how the candidate begins (`densenet` for
/// `densenet169`). Letter case, and hyphens for underscores, do not count.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = folded(name);
    let length = name.chars().count();
    if !(1..=LONGEST_COMPARED).contains(&length) {
        return None;
    }
    let near = |distance, candidate: &str| distance <= length.div_ceil(3) || candidate.starts_with(&name);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 4 * LONGEST_COMPARED)
        .map(|candidate| (damerau_levenshtein(&name, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| near(*distance, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// `expected one of `a`, `b``, the form in which every message lists the valid names.
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let list = listed(&names, "`");
    match names.len() {
        0 => "there is none to choose from".to_owned(),
        1 => format!("expected {list}"),
        _ => format!("expected one of {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORKS: [&str; 5] = ["resnet50", "densenet169", "xception", "nasnet_large", "mini_resnet"];

    #[test]
    fn typing_errors_letter_case_hyphens_and_missing_endings_are_understood() {
        for (typed, meant) in [
            ("densnet169", "densenet169"),
            ("DenseNet169", "densenet169"),
            ("nasnet-large", "nasnet_large"),
            ("densenet", "densenet169"),
            ("res", "resnet50"),
            ("resnte50", "resnet50"),
        ] {
            assert_eq!(nearest(typed, NETWORKS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn nothing_is_suggested_for_a_name_that_is_far_from_all() {
        assert_eq!(nearest("vgg", NETWORKS), None);
        assert_eq!(nearest("", NETWORKS), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), NETWORKS), None);
        let long = "resnet51".repeat(10_000_000);
        assert_eq!(nearest("resnet51", [&long[..], "resnet50"]), Some("resnet50"));
    }

    #[test]
    fn a_list_of_one_name_is_not_called_a_choice() {
        assert_eq!(one_of(["gap"]), "expected `gap`");
        assert_eq!(one_of(["gap", "depthwise"]), "expected one of `gap`, `depthwise`");
    }
}
