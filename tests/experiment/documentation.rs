//! `experiments/README.md` says what is true: it has every field with its default, every name, and texts that parse.

use std::fs;
use std::path::Path;

use wise_srnet::experiment::{Checkpoints, Experiment, ExperimentFile, HeadKind, Layout, Schedule, Validation};

const SHORTEST: &str =
    r#"(name: "n", network: "mini_resnet", image_size: 64, heads: [gap], epochs: 1, data: (layout: Intel))"#;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/experiments"))
}

fn readme() -> String {
    fs::read_to_string(folder().join("README.md")).unwrap()
}

/// Name, type, default, unit and meaning of every documented field.
fn rows(text: &str) -> Vec<[String; 5]> {
    let table = text.lines().skip_while(|line| !line.starts_with("| field |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        cells[1..6].to_vec().try_into().unwrap()
    })
    .collect()
}

#[test]
fn every_field_is_documented_with_its_default_and_no_other() {
    let readme = readme();
    let rows = rows(&readme);
    let shortest = Experiment::parse(SHORTEST, "shortest.ron").unwrap();
    let settings = shortest.settings().unwrap();
    let required = ["name", "network", "image_size", "heads", "epochs", "data.layout"];
    for (field, value) in &settings {
        let row = rows.iter().find(|row| row[0] == *field);
        let [_, kind, default, _, meaning] = row.unwrap_or_else(|| panic!("`{field}` is not documented"));
        let expected = if required.contains(&field.as_str()) {
            "required"
        } else {
            value.as_str()
        };
        assert_eq!(default, expected, "{field}");
        assert!(!kind.is_empty() && !meaning.is_empty(), "{field}");
    }
    let composing = ["base", "variants"];
    for [field, ..] in &rows {
        let known = settings.iter().any(|(name, _)| name == field) || composing.contains(&field.as_str());
        assert!(known, "`{field}` is documented but unknown");
    }
    assert!(composing.iter().all(|name| rows.iter().any(|row| row[0] == *name)));
    // A required field is one without which there is no experiment.
    let entries: Vec<&str> = SHORTEST.trim_matches(['(', ')']).split(", ").collect();
    for field in required.iter().filter(|field| !field.contains('.')) {
        let others = entries.iter().filter(|entry| !entry.starts_with(field)).copied();
        let without = format!("({}))", others.collect::<Vec<_>>().join(", "));
        let error = Experiment::parse(&without, "w.ron").unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{field}`")), "{field}: {error}");
    }
}

/// One of each layout; a new one that is missing here doesn't compile.
fn layouts() -> Vec<Layout> {
    let [train, test] = ["train", "test"].map(str::to_owned);
    let images = Some("photos".to_owned());
    let text = SHORTEST.replace(
        "Intel",
        "Generated(train_per_class: 9, test_per_class: 9, image_size: 64, seed: 0)",
    );
    let generated = Experiment::parse(&text, "g.ron").unwrap().data.layout;
    let all = vec![
        Layout::Intel,
        Layout::MitIndoor,
        Layout::SubImageNet,
        Layout::OneFolder {
            folder: images.clone(),
            classes: Some(vec!["cat".to_owned(), "dog".to_owned()]),
            test_fraction: 0.2,
            seed: 0,
        },
        Layout::Folders {
            train: train.clone(),
            validation: Some("val".to_owned()),
            test: test.clone(),
        },
        Layout::Lists {
            train: train.clone(),
            test: test.clone(),
            images: images.clone(),
        },
        Layout::Csv { train, test, images },
        generated,
    ];
    for layout in &all {
        match layout {
            Layout::Intel | Layout::MitIndoor | Layout::SubImageNet | Layout::Generated(_) => {}
            Layout::OneFolder { .. } | Layout::Folders { .. } | Layout::Lists { .. } | Layout::Csv { .. } => {}
        }
    }
    all
}

#[test]
fn every_head_layout_and_choice_is_documented_with_its_own_fields() {
    let readme = readme();
    for head in HeadKind::ALL {
        assert!(readme.contains(&format!("\n| `{head}` |")), "{head}");
    }
    let mut values = Vec::new();
    for layout in layouts() {
        let mut experiment = Experiment::parse(SHORTEST, "l.ron").unwrap();
        experiment.data.layout = layout;
        values.extend(experiment.settings().unwrap());
    }
    let mut other = Experiment::parse(SHORTEST, "o.ron").unwrap();
    other.schedule = Schedule::Constant;
    other.validation = Validation::Fraction(0.1);
    other.checkpoints = Checkpoints::EveryEpochs(5);
    values.extend(other.settings().unwrap());
    for (field, value) in values {
        if !["data.layout", "schedule", "validation", "checkpoints"].contains(&field.as_str()) {
            continue;
        }
        let (name, inner) = value.split_once('(').unwrap_or((&value, ""));
        let documented = readme.split('`').find(|code| code.split('(').next() == Some(name));
        let documented = documented.unwrap_or_else(|| panic!("`{value}` of `{field}` is not documented"));
        let names = inner
            .split(':')
            .filter_map(|before| before.rsplit([' ', '(', ',']).next());
        let names: Vec<&str> = names
            .filter(|name| name.chars().all(|c| c.is_alphabetic() || c == '_'))
            .collect();
        for inner in names.into_iter().filter(|name| !name.is_empty() && *name != "None") {
            assert!(
                documented.contains(&format!("{inner}: ")),
                "`{inner}` in `{documented}`"
            );
        }
    }
}

#[test]
fn every_shipped_file_is_listed() {
    let readme = readme();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || readme.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_example_in_the_text_is_a_correct_experiment() {
    let readme = readme();
    let blocks: Vec<&str> = readme
        .split("```ron\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.len() >= 4, "{} examples", blocks.len());
    let place = folder().join("example.ron");
    for block in blocks {
        let whole = if block.starts_with("Experiment(") {
            block.to_owned()
        } else {
            format!("Experiment(base: \"quickstart.ron\", name: \"example\",\n{block})")
        };
        let file = ExperimentFile::parse(&whole, place.to_str().unwrap(), &[]);
        let experiments = file.unwrap_or_else(|error| panic!("error: {error}")).into_experiments();
        assert!(!experiments.is_empty());
    }
    for setting in readme.split("--set ").skip(1) {
        let written = setting.trim_start_matches('\'');
        let end = if setting.starts_with('\'') { '\'' } else { ' ' };
        let written = written.split([end, '\n', '`']).next().unwrap().replace('\'', "");
        let Ok(setting) = written.parse() else {
            assert_eq!(written, "FIELD=VALUE", "{written}");
            continue;
        };
        let file = ExperimentFile::parse(SHORTEST, "shortest.ron", &[setting]);
        assert!(
            file.is_ok() || written == "FIELD=VALUE",
            "{written}: {:?}",
            file.map(|_| ())
        );
    }
}
