//! Files with several experiments.

use wise_srnet::experiment::{Experiment, ExperimentFile, HeadKind};

use super::CORRECT;

/// `CORRECT` with these variants.
fn with_variants(variants: &str) -> String {
    CORRECT.replacen(
        "    epochs: 20,\n",
        &format!("    epochs: 20,\n    variants: {variants},\n"),
        1,
    )
}

fn parse(variants: &str, settings: &[&str]) -> Result<ExperimentFile, String> {
    let settings: Vec<_> = settings.iter().map(|setting| setting.parse().unwrap()).collect();
    let file = ExperimentFile::parse(&with_variants(variants), "mine.ron", &settings);
    file.map_err(|error| format!("error: {error}"))
}

const TWO: &str = r#"{"64": (), "96": (image_size: 96, heads: [gap], optimizer: (momentum: 0.5))}"#;

#[test]
fn each_variant_is_an_experiment_of_its_own_in_the_files_order() {
    let experiments = parse(TWO, &[]).unwrap().into_experiments();
    let [first, second] = experiments.try_into().unwrap();
    assert_eq!((first.name.as_str(), second.name.as_str()), ("mine-64", "mine-96"));
    let mut expected = super::correct();
    expected.name = "mine-64".to_owned();
    assert_eq!(first.to_ron().unwrap(), expected.to_ron().unwrap());
    expected.name = "mine-96".to_owned();
    expected.image_size = 96;
    expected.heads = vec![HeadKind::Gap];
    expected.optimizer.momentum = 0.5;
    assert_eq!(second.to_ron().unwrap(), expected.to_ron().unwrap());
}

#[test]
fn a_variant_is_chosen_by_its_name() {
    let experiment = parse(TWO, &[]).unwrap().into_variant("96").unwrap();
    assert_eq!(experiment.name, "mine-96");
    let unknown = parse(TWO, &[]).unwrap().into_variant("95").unwrap_err().to_string();
    assert_eq!(
        unknown,
        "`mine.ron` has no variant `95`: expected one of `64`, `96`; did you mean `96`?"
    );
    let several = parse(TWO, &[]).unwrap().into_only().unwrap_err().to_string();
    assert_eq!(
        several,
        "choose a variant with `--variant NAME`: expected one of `64`, `96`"
    );
    assert!(parse(r#"{"64": ()}"#, &[]).unwrap().into_only().is_ok());
    let none = ExperimentFile::parse(CORRECT, "mine.ron", &[])
        .unwrap()
        .into_variant("64")
        .unwrap_err();
    assert_eq!(none.to_string(), "`mine.ron` has no variant `64`: it has none");
}

#[test]
fn settings_win_over_variants_and_reach_all_of_them() {
    let experiments = parse(TWO, &["optimizer.momentum=0.1", "image_size=80", "name=\"all\""]).unwrap();
    for (experiment, name) in experiments.into_experiments().into_iter().zip(["all-64", "all-96"]) {
        assert_eq!((experiment.image_size, experiment.optimizer.momentum), (80, 0.1));
        assert_eq!(experiment.name, name);
    }
}

#[test]
fn variants_come_from_a_base_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.ron"), with_variants(TWO)).unwrap();
    let path = folder.path().join("theirs.ron");
    std::fs::write(&path, "(base: \"mine.ron\", name: \"theirs\", epochs: 2)").unwrap();
    let names = ExperimentFile::load(&path, &[]).unwrap().into_experiments();
    let names: Vec<_> = names
        .into_iter()
        .map(|experiment| (experiment.name, experiment.epochs))
        .collect();
    assert_eq!(names, [("theirs-64".to_owned(), 2), ("theirs-96".to_owned(), 2)]);
}

#[test]
fn a_mistake_in_a_variant_is_shown_in_it() {
    let expected = r#"
error: unknown field `image_siz`
  --> mine.ron:8:33
  |
8 |     variants: {"64": (), "96": (image_siz: 96)},
  |                                 ^^^^^^^^^ expected one of `name`, `network`,
"#;
    let answer = parse(r#"{"64": (), "96": (image_siz: 96)}"#, &[]).unwrap_err();
    assert!(answer.starts_with(expected.trim_matches('\n')), "{answer}");
    let answer = parse(r#"{"a/b": ()}"#, &[]).unwrap_err();
    assert!(
        answer.contains("`name` must be usable as a folder's name") && answer.contains("mine.ron:8:16"),
        "{answer}"
    );
    let experiment = parse(TWO, &[]).unwrap().into_variant("96").unwrap();
    let problem = wise_srnet::experiment::Problem::in_field("image_size", "not registered");
    assert!(experiment.invalid(vec![problem]).to_string().contains("mine.ron:8:45"));
}

#[test]
fn what_are_no_variants_is_answered_with_some() {
    for (variants, message) in [
        ("3", "expected variants by their names"),
        ("(a: (epochs: 3))", "expected variants by their names"),
        ("{}", "`variants` must hold from 1 to 100"),
        ("{a: (epochs: 3)}", "a variant's name is a string in double quotes"),
        ("{\"\": (epochs: 3)}", "a variant's name is a string in double quotes"),
        ("{3: (epochs: 3)}", "a variant's name is a string in double quotes"),
        ("{\"a\"}", "a variant's name is a string in double quotes"),
        ("{\"a\": 3}", "variant `a`: expected fields in parentheses"),
        ("{\"a\":}", "variant `a`: expected fields in parentheses"),
        ("{\"a\": (3)}", "variant `a`: expected fields in parentheses"),
    ] {
        let answer = parse(variants, &[]).unwrap_err();
        assert!(
            answer.starts_with(&format!("error: {message}"))
                || answer.starts_with(&format!("error: `variants`: {message}")),
            "{answer}"
        );
        assert!(
            answer.contains("mine.ron:8:") && answer.contains("write `variants: {"),
            "{answer}"
        );
    }
    for (variants, message) in [
        ("{\"a\": (), \"a\": ()}", "the variant `a` is given twice"),
        ("{\"a\": (name: \"b\")}", "variant `a`: a variant has no `name`"),
        ("{\"a\": (variants: {})}", "variant `a`: a variant has no `variants`"),
        ("{\"a\": (base: \"b.ron\")}", "variant `a`: a variant has no `base`"),
        ("{\"a\": (epochs: 1, epochs: 2)}", "the field `epochs` is given twice"),
        (
            "{\"a\": ()}, variants: {\"b\": ()}",
            "the field `variants` is given twice",
        ),
    ] {
        let answer = parse(variants, &[]).unwrap_err();
        assert!(answer.contains(message) && answer.contains("mine.ron:8:"), "{answer}");
    }
}

#[test]
fn a_field_without_a_value_is_not_taken_for_one_that_is_left_out() {
    let text = with_variants(TWO).replace("batch_size: 32", "batch_size:");
    let answer = ExperimentFile::parse(&text, "mine.ron", &[]).unwrap_err().to_string();
    assert!(
        answer.contains("expected a whole number") && answer.contains("mine.ron:9:"),
        "{answer}"
    );
}

/// Cuts and changes at every place of a file with variants.
#[test]
fn no_damage_to_a_file_with_variants_goes_without_an_answer() {
    let text = with_variants(TWO);
    let answer = |text: &str| match ExperimentFile::parse(text, "mine.ron", &[]) {
        Ok(file) => file.into_experiments().len(),
        Err(error) => error.to_string().len(),
    };
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (before, after) = text.split_at(at);
        assert!(answer(before) > 0);
        for inserted in ["(", ")", "{", "}", "]", "\"", ",", ":", "é", "/*", "r#\"", "\u{0}"] {
            assert!(answer(&format!("{before}{inserted}{after}")) > 0);
        }
    }
}

#[test]
fn one_experiment_is_no_file_of_variants() {
    let error = Experiment::parse(&with_variants(TWO), "mine.ron").unwrap_err();
    assert!(error.to_string().contains("--variant"), "{error}");
}
