//! Every message for a mistake, in full.

use wise_srnet::experiment::Experiment;

use super::message;

/// One test per mistake: what is replaced in the correct file, by what, and the whole message.
macro_rules! messages {
    ($($name:ident: $from:expr => $to:expr, $expected:expr;)*) => {
        $(#[test] fn $name() { assert_eq!(message($from, $to), $expected.trim_matches('\n')); })*
    };
}

messages! {
an_unknown_field: "epochs: 20" => "epoch: 20", r#"
error: unknown field `epoch`
  --> mine.ron:7:5
  |
7 |     epoch: 20,
  |     ^^^^^ expected one of `name`, `network`, `image_size`, `heads`, `seeds`, `epochs`, `batch_size`, `data`, `augmentation`, `optimizer`, `schedule`, `weights`, `validation`, `checkpoints`, `save_every_steps`, `on_bad_image`, `memory`, `precision`, `base`, `variants`
  |
  = help: did you mean `epochs`?
"#;

an_unknown_field_of_a_section: "learning_rate: 0.01" => "momentm: 0.5", r#"
error: unknown field `momentm`
   --> mine.ron:16:17
   |
16 |     optimizer: (momentm: 0.5),
   |                 ^^^^^^^ expected one of `learning_rate`, `momentum`
   |
   = help: did you mean `momentum`?
"#;

a_missing_field: "    network: \"mini_resnet\",\n" => "", r#"
error: missing field `network`
   --> mine.ron:17:1
   |
17 | )
   | ^ the section ends here without it
   |
   = help: add a line such as `network: "densenet169",`
"#;

a_missing_field_of_a_variant: ", every_epochs: 2" => "", r#"
error: missing field `every_epochs`
   --> mine.ron:17:36
   |
17 |     schedule: Staircase(decay: 0.94),
   |                                    ^ the section ends here without it
   |
   = help: add a line such as `every_epochs: 2,`
"#;

a_field_given_twice: "epochs: 20," => "epochs: 20,\n    epochs: 30,", r#"
error: the field `epochs` is given twice
  --> mine.ron:8:5
  |
8 |     epochs: 30,
  |     ^^^^^^ a second time here
"#;

an_unknown_head: "wise_srnet]" => "wise_sr_net]", r#"
error: unknown value `wise_sr_net` for `heads[1]`
  --> mine.ron:5:18
  |
5 |     heads: [gap, wise_sr_net],
  |                  ^^^^^^^^^^^ expected one of `gap`, `gap_dropout`, `depthwise`, `depthwise_nonneg`, `wise_srnet`, `wise_srnet_dropout`, `flatten_fc`
  |
  = help: did you mean `wise_srnet`?
"#;

an_unknown_variant: "Staircase(decay: 0.94, every_epochs: 2)" => "Constat", r#"
error: unknown value `Constat` for `schedule`
   --> mine.ron:17:15
   |
17 |     schedule: Constat,
   |               ^^^^^^^ expected one of `Staircase`, `Constant`
   |
   = help: did you mean `Constant`?
"#;

a_head_in_quotes: "[gap," => "[\"gap\",", r#"
error: `heads[0]`: expected a name
  --> mine.ron:5:13
  |
5 |     heads: ["gap", wise_srnet],
  |             ^^^^^ found a string
  |
  = help: write `gap` without quotes
"#;

a_network_without_quotes: "\"mini_resnet\"" => "mini_resnet", r#"
error: `network`: expected a string in double quotes
  --> mine.ron:3:14
  |
3 |     network: mini_resnet,
  |              ^^^^^^^^^^^ found the name `mini_resnet`
  |
  = help: write `"mini_resnet"`
"#;

a_number_in_quotes: "epochs: 20" => "epochs: \"20\"", r#"
error: `epochs`: expected a whole number
  --> mine.ron:7:13
  |
7 |     epochs: "20",
  |             ^^^^ found a string
  |
  = help: write `20` without quotes
"#;

a_number_with_its_unit: "epochs: 20" => "epochs: \"20 epochs\"", r#"
error: `epochs`: expected a whole number
  --> mine.ron:7:13
  |
7 |     epochs: "20 epochs",
  |             ^^^^^^^^^^^ found a string
"#;

a_word_for_a_number: "epochs: 20" => "epochs: many", r#"
error: `epochs`: expected a whole number
  --> mine.ron:7:13
  |
7 |     epochs: many,
  |             ^^^^ found the name `many`
"#;

a_fraction_of_an_epoch: "epochs: 20" => "epochs: 2.5", r#"
error: `epochs`: expected a whole number
  --> mine.ron:7:13
  |
7 |     epochs: 2.5,
  |             ^^^ found the number `2.5`
"#;

a_negative_number_of_epochs: "epochs: 20" => "epochs: -3", r#"
error: `epochs`: expected a whole number from 0 to 18446744073709551615
  --> mine.ron:7:13
  |
7 |     epochs: -3,
  |             ^^ found the number `-3`
"#;

more_epochs_than_fit_a_machine_word: "epochs: 20" => "epochs: 99999999999999999999999", r#"
error: `epochs`: expected a whole number from 0 to 18446744073709551615
  --> mine.ron:7:13
  |
7 |     epochs: 99999999999999999999999,
  |             ^^^^^^^^^^^^^^^^^^^^^^^ found the number `99999999999999999999999`
"#;

a_word_for_a_rate: "0.01" => "fast", r#"
error: `optimizer.learning_rate`: expected a number
   --> mine.ron:16:32
   |
16 |     optimizer: (learning_rate: fast),
   |                                ^^^^ found the name `fast`
"#;

one_head_without_a_list: "[gap, wise_srnet]" => "gap", r#"
error: `heads`: expected a list in square brackets
  --> mine.ron:5:12
  |
5 |     heads: gap,
  |            ^^^ found the name `gap`
  |
  = help: write `[gap]`
"#;

an_optimizer_by_its_name: "(learning_rate: 0.01)" => "Adam", r#"
error: `optimizer`: expected values in parentheses
   --> mine.ron:16:16
   |
16 |     optimizer: Adam,
   |                ^^^^ found the name `Adam`
   |
   = help: write `(learning_rate: 0.045, momentum: 0.9)`
"#;

a_name_without_the_values_that_belong_to_it: "epochs: 20," => "epochs: 20, on_bad_image: Skip,", r#"
error: `on_bad_image`: expected values in parentheses
  --> mine.ron:7:31
  |
7 |     epochs: 20, on_bad_image: Skip,
  |                               ^^^^ found the name `Skip`
  |
  = help: write `Skip(10)`
"#;

a_layout_without_its_fields: "Folders(train: \"a\", test: \"b\")" => "Csv", r#"
error: `data.layout`: expected values in parentheses
   --> mine.ron:10:17
   |
10 |         layout: Csv,
   |                 ^^^ found the name `Csv`
   |
   = help: write `Csv(train: "train.csv", test: "test.csv")`
"#;

a_path_of_windows: "data/mine" => "C:\\data\\mine", r#"
error: a backslash in a string begins an escape such as `\n`, and one of these begins none
   --> mine.ron:11:15
   |
11 |         path: "C:\data\mine",
   |               ^^^^^^^^^^^^^^ this string
   |
   = help: write `"C:/data/mine"`, `"C:\\data\\mine"` or `r"C:\data\mine"`
"#;

a_path_of_windows_whose_backslashes_are_escapes: "data/mine" => "C:\\train\\new", r#"
error: `data.path` holds control characters
   --> mine.ron:11:15
   |
11 |         path: "C:\train\new",
   |               ^^^^^^^^^^^^^^ read as "C:\train\new"
   |
   = help: in a path write `/`, or two backslashes for each; `r"C:\data"` takes it as it is
"#;

a_path_of_windows_that_ends_in_a_backslash: "\"data/mine\"" => "\"data\\\"", r#"
error: a string or comment never ends
   --> mine.ron:11:15
   |
11 |         path: "data\",
   |               ^^^^^^^^ it begins here
   |
   = help: `\"` doesn't end a string: write `/` for a backslash in a path, or two of them
"#;

a_name_that_windows_keeps_for_a_device: "\"mine\"" => "\"Aux.1\"", r#"
error: `name` must be usable as a folder's name: 1 to 100 bytes, such as letters, digits, `_` and `-`
  --> mine.ron:2:11
  |
2 |     name: "Aux.1",
  |           ^^^^^^^ found `Aux.1`, which Windows keeps for a device
"#;

a_list_for_a_range: "(0.8, 1.2)" => "[0.8, 1.2]", r#"
error: `augmentation.zoom`: expected values in parentheses
   --> mine.ron:14:15
   |
14 |         zoom: [0.8, 1.2],
   |               ^ found a list
"#;

a_range_of_one_number: "(0.8, 1.2)" => "(0.8)", r#"
error: `augmentation.zoom`: expected 2 values in parentheses
   --> mine.ron:14:19
   |
14 |         zoom: (0.8),
   |                   ^ found 1
"#;

a_range_of_three_numbers: "(0.8, 1.2)" => "(0.8, 1.0, 1.2)", r#"
error: `augmentation.zoom[2]`: too many values
   --> mine.ron:14:26
   |
14 |         zoom: (0.8, 1.0, 1.2),
   |                          ^^^ one too many here
"#;

a_word_for_yes: "zoom: (0.8, 1.2)" => "horizontal_flip: yes", r#"
error: `augmentation.horizontal_flip`: expected `true` or `false`
   --> mine.ron:14:26
   |
14 |         horizontal_flip: yes,
   |                          ^^^ found the name `yes`
"#;

a_missing_comma: "epochs: 20," => "epochs: 20", r#"
error: expected a comma after this value
  --> mine.ron:7:13
  |
7 |     epochs: 20
  |             ^^ add `,`
"#;

a_missing_value: "epochs: 20" => "epochs:", r#"
error: expected a whole number
  --> mine.ron:7:12
  |
7 |     epochs:,
  |            ^ found `,`
"#;

an_equals_sign_for_a_colon: "epochs: 20" => "epochs = 20", r#"
error: expected a colon between a field's name and its value
  --> mine.ron:7:12
  |
7 |     epochs = 20,
  |            ^ found `=`
"#;

another_struct_name: "Experiment(" => "Experment(", r#"
error: unexpected name
  --> mine.ron:1:1
  |
1 | Experment(
  | ^^^^^^^^^ expected `Experiment(` or just `(`
"#;

a_parenthesis_that_is_never_closed: "augmentation: (\n" => "augmentation: ((\n", r#"
error: `(` is never closed
   --> mine.ron:13:19
   |
13 |     augmentation: ((
   |                   ^ opened here
"#;

a_list_closed_by_a_parenthesis: "wise_srnet]" => "wise_srnet)", r#"
error: `)` cannot close `[`
  --> mine.ron:5:28
  |
5 |     heads: [gap, wise_srnet),
  |            -               ^ closed here
  |            |
  |            opened here
"#;

a_parenthesis_that_closes_nothing: "every_epochs: 2),\n)" => "every_epochs: 2),\n))", r#"
error: `)` closes nothing
   --> mine.ron:18:2
   |
18 | ))
   |  ^ nothing is open here
"#;

a_string_that_never_ends: "\"mine\"" => "\"mine", r#"
error: a string or comment never ends
  --> mine.ron:2:11
  |
2 |     name: "mine,
  |           ^^^^^^ it begins here
"#;

text_after_the_experiment: "every_epochs: 2),\n)" => "every_epochs: 2),\n)\nepochs: 3", r#"
error: there is more after the end of the experiment
   --> mine.ron:19:1
   |
19 | epochs: 3
   | ^^^^^^ not expected
"#;
an_unknown_escape: "\"mine\"" => r#""mi\ne\q""#, r#"
error: a backslash in a string begins an escape such as `\n`, and one of these begins none
  --> mine.ron:2:11
  |
2 |     name: "mi\ne\q",
  |           ^^^^^^^^^ this string
  |
  = help: write `"mi/ne/q"`, `"mi\\ne\\q"` or `r"mi\ne\q"`
"#;

no_epochs: "epochs: 20" => "epochs: 0", r#"
error: `epochs` must be from 1 to 100000
  --> mine.ron:7:13
  |
7 |     epochs: 0,
  |             ^ found 0
"#;

absurdly_many_epochs: "epochs: 20" => "epochs: 4000000000", r#"
error: `epochs` must be from 1 to 100000
  --> mine.ron:7:13
  |
7 |     epochs: 4000000000,
  |             ^^^^^^^^^^ found 4000000000
"#;

an_empty_batch: "batch_size: 32" => "batch_size: 0", r#"
error: `batch_size` must be from 1 to 65536
  --> mine.ron:8:17
  |
8 |     batch_size: 0,
  |                 ^ found 0
"#;

no_heads: "[gap, wise_srnet]" => "[]", r#"
error: `heads` must not be empty
  --> mine.ron:5:12
  |
5 |     heads: [],
  |            ^^ found none
"#;

a_head_listed_twice: "[gap, wise_srnet]" => "[gap, wise_srnet, gap]", r#"
error: `gap` is listed twice in `heads`
  --> mine.ron:5:30
  |
5 |     heads: [gap, wise_srnet, gap],
  |                              ^^^ a second time here
"#;

a_seed_listed_twice: "[0, 1]" => "[3, 3]", r#"
error: `3` is listed twice in `seeds`
  --> mine.ron:6:16
  |
6 |     seeds: [3, 3],
  |                ^ a second time here
"#;

a_rate_of_zero: "0.01" => "0.0", r#"
error: `optimizer.learning_rate` must be a finite number above 0
   --> mine.ron:16:32
   |
16 |     optimizer: (learning_rate: 0.0),
   |                                ^^^ found 0
"#;

a_rate_below_single_precision: "0.01" => "1e-60", r#"
error: `optimizer.learning_rate` must be a finite number above 0
   --> mine.ron:16:32
   |
16 |     optimizer: (learning_rate: 1e-60),
   |                                ^^^^^ found 0.000000000000000000000000000000000000000000000000000000000001
"#;

a_rate_that_is_no_number: "0.01" => "NaN", r#"
error: `optimizer.learning_rate` must be a finite number above 0
   --> mine.ron:16:32
   |
16 |     optimizer: (learning_rate: NaN),
   |                                ^^^ found NaN
"#;

a_rate_beyond_all_numbers: "0.01" => "1e999", r#"
error: `optimizer.learning_rate` must be a finite number above 0
   --> mine.ron:16:32
   |
16 |     optimizer: (learning_rate: 1e999),
   |                                ^^^^^ found inf
"#;

a_momentum_of_one: "learning_rate: 0.01" => "momentum: 1", r#"
error: `optimizer.momentum` must be at least 0 and below 1
   --> mine.ron:16:27
   |
16 |     optimizer: (momentum: 1),
   |                           ^ found 1
"#;

a_zoom_range_upside_down: "(0.8, 1.2)" => "(1.2, 0.8)", r#"
error: `augmentation.zoom` must be (lowest, highest) with lowest above 0, lowest ≤ highest and highest at most 10
   --> mine.ron:14:15
   |
14 |         zoom: (1.2, 0.8),
   |               ^^^^^^^^^^ found (1.2, 0.8)
"#;

a_name_that_leaves_the_results_folder: "\"mine\"" => "\"../mine\"", r#"
error: `name` must be usable as a folder's name: 1 to 100 bytes, such as letters, digits, `_` and `-`
  --> mine.ron:2:11
  |
2 |     name: "../mine",
  |           ^^^^^^^^^ found '/'
"#;

a_hidden_name: "\"mine\"" => "\".mine\"", r#"
error: `name` must be usable as a folder's name: 1 to 100 bytes, such as letters, digits, `_` and `-`
  --> mine.ron:2:11
  |
2 |     name: ".mine",
  |           ^^^^^^^ found a dot, space or hyphen at its beginning
"#;

a_split_outside_the_data_set: "test: \"b\"" => "test: \"../b\"", r#"
error: `data.layout.test` must be a folder inside the data set, without `..`
   --> mine.ron:10:43
   |
10 |         layout: Folders(train: "a", test: "../b"),
   |                                           ^^^^^^ found "../b"
"#;

a_list_outside_the_data_set: "Folders(train: \"a\", test: \"b\")" => "Csv(train: \"/a.csv\", test: \"b.csv\")", r#"
error: `data.layout.train` must be a file inside the data set, without `..`
   --> mine.ron:10:28
   |
10 |         layout: Csv(train: "/a.csv", test: "b.csv"),
   |                            ^^^^^^^^ found "/a.csv"
"#;

images_outside_the_data_set: "Folders(train: \"a\", test: \"b\")" => "Lists(train: \"a.txt\", test: \"b.txt\", images: \"../c\")", r#"
error: `data.layout.images` must be a folder inside the data set, without `..`
   --> mine.ron:10:62
   |
10 |         layout: Lists(train: "a.txt", test: "b.txt", images: "../c"),
   |                                                              ^^^^^^ found "../c"
"#;

one_folder_for_both_splits: "test: \"b\"" => "test: \"a\"", r#"
error: `data.layout.test` must be another folder than `train`
   --> mine.ron:10:43
   |
10 |         layout: Folders(train: "a", test: "a"),
   |                                           ^^^ found "a" for both
"#;

validation_images_that_are_training_images: "test: \"b\"" => "validation: \"a\", test: \"b\"", r#"
error: `data.layout.validation` must be another folder than `train` and `test`
   --> mine.ron:10:49
   |
10 |         layout: Folders(train: "a", validation: "a", test: "b"),
   |                                                 ^^^ found "a" for both
"#;

a_validation_share_beside_validation_images: "test: \"b\"),\n        path: \"data/mine\",\n    )," => "validation: \"v\", test: \"b\"),\n    ),\n    validation: Fraction(0.1),", r#"
error: the best epoch can't be chosen by both a share of the training images and the layout's `validation`
   --> mine.ron:12:17
   |
12 |     validation: Fraction(0.1),
   |                 ^^^^^^^^^^^^^ the layout names "v"
   |
   = help: remove one of the two
"#;

a_folder_of_classes_outside_the_data_set: "Folders(train: \"a\", test: \"b\")" => "OneFolder(folder: \"/c\", test_fraction: 0.2)", r#"
error: `data.layout.folder` must be a folder inside the data set, without `..`
   --> mine.ron:10:35
   |
10 |         layout: OneFolder(folder: "/c", test_fraction: 0.2),
   |                                   ^^^^ found "/c"
"#;

a_test_split_of_nothing: "Folders(train: \"a\", test: \"b\")" => "OneFolder(test_fraction: 0.0)", r#"
error: `data.layout.test_fraction` must be a fraction above 0 and below 1
   --> mine.ron:10:42
   |
10 |         layout: OneFolder(test_fraction: 0.0),
   |                                          ^^^ found 0
"#;

a_class_that_is_named_twice: "Folders(train: \"a\", test: \"b\")" => "OneFolder(classes: [\"a\", \"a\"], test_fraction: 0.2)", r#"
error: `a` is listed twice in `data.layout.classes`
   --> mine.ron:10:42
   |
10 |         layout: OneFolder(classes: ["a", "a"], test_fraction: 0.2),
   |                                          ^^^ a second time here
"#;

a_validation_share_of_one: "    optimizer:" => "    validation: Fraction(1.0),\n    optimizer:", r#"
error: `validation` must be a fraction above 0 and below 1
   --> mine.ron:16:17
   |
16 |     validation: Fraction(1.0),
   |                 ^^^^^^^^^^^^^ found 1
"#;

more_bad_images_than_a_data_set_has: "    optimizer:" => "    on_bad_image: Skip(1000000000),\n    optimizer:", r#"
error: `on_bad_image` must be from 0 to 100000000
   --> mine.ron:16:19
   |
16 |     on_bad_image: Skip(1000000000),
   |                   ^^^^^^^^^^^^^^^^ found 1000000000
"#;

an_unknown_policy: "    optimizer:" => "    on_bad_image: Ignore,\n    optimizer:", r#"
error: unknown value `Ignore` for `on_bad_image`
   --> mine.ron:16:19
   |
16 |     on_bad_image: Ignore,
   |                   ^^^^^^ expected one of `Error`, `Skip`
"#;

several_values_out_of_range_all_at_once: "decay: 0.94, every_epochs: 2" => "decay: 1.5, every_epochs: 0", r#"
error: `schedule.decay` must be above 0 and at most 1
   --> mine.ron:17:32
   |
17 |     schedule: Staircase(decay: 1.5, every_epochs: 0),
   |                                ^^^ found 1.5

error: `schedule.every_epochs` must be from 1 to 100000
   --> mine.ron:17:51
   |
17 |     schedule: Staircase(decay: 1.5, every_epochs: 0),
   |                                                   ^ found 0
"#;
}

/// What is printed for a whole text.
fn answer(text: &str) -> String {
    Experiment::parse(text, "mine.ron").map_or_else(|error| format!("error: {error}"), |_| "accepted".to_owned())
}

#[test]
fn a_file_without_an_experiment_is_answered_with_the_fields_to_write() {
    let expected = r#"
error: the file holds no experiment
  --> mine.ron:1:1
  |
1 | // later
  | ^ expected `Experiment(`
  |
  = help: the fields that have to be given:
    name: "my_experiment",
    network: "densenet169",
    image_size: 224,
    heads: [gap, wise_srnet],
    epochs: 20,
    data: (layout: Intel, path: "data/intel"),
"#;
    assert_eq!(answer("// later"), expected.trim());
    assert!(answer("").contains("the file holds no experiment"));
}

#[test]
fn hostile_texts_are_refused_with_a_short_message() {
    let long_key = format!("({}: [{}])", "k".repeat(20_000), "1,".repeat(20_000));
    let texts = [
        "(".repeat(60_000),
        "[{(".repeat(20_000),
        "/*".repeat(30_000),
        format!("(name: {}", "Some(".repeat(10_000)),
        long_key,
        super::CORRECT.replacen("epochs", &"k".repeat(20_000), 1),
        super::CORRECT.replacen("gap", &"k".repeat(20_000), 1),
        "\u{0}\u{1b}]8;;".to_owned(),
        "(name: \"\u{1F600}\", nme: '".to_owned(),
    ];
    for text in texts {
        let answer = answer(&text);
        assert!(
            answer.starts_with("error: ") || answer.starts_with("mine.ron:"),
            "{answer}"
        );
        assert!(answer.len() < 1_000 || text.starts_with("(k"), "{} bytes", answer.len());
    }
}

/// Cuts and changes at every place: whatever stands in a file, there is an answer and no panic.
#[test]
fn no_damage_to_a_file_goes_without_an_answer() {
    let text = super::CORRECT;
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (before, after) = text.split_at(at);
        assert!(!answer(before).is_empty());
        for inserted in [
            "(", ")", "[", "]", "\"", "'", ",", ":", "é", "/*", "-", "r#\"", "\\", "\u{0}",
        ] {
            assert!(!answer(&format!("{before}{inserted}{after}")).is_empty());
        }
    }
}

#[test]
fn every_name_of_a_device_of_windows_is_refused_as_a_folder() {
    for name in ["CON", "prn", "nul.results", "com1", "LPT9"] {
        let answer = message("\"mine\"", &format!("\"{name}\""));
        assert!(answer.contains("which Windows keeps for a device"), "{name}: {answer}");
    }
    assert!(message("\"mine\"", "\"console\"").starts_with("accepted"));
}

#[test]
fn variants_that_differ_in_letter_case_alone_would_share_a_folder() {
    let variants = |names: [&str; 2]| format!("epochs: 20, variants: {{\"{}\": (), \"{}\": ()}},", names[0], names[1]);
    let answer = message("epochs: 20,", &variants(["small", "Small"]));
    assert!(
        answer.contains("the variant `Small` differs from another in letter case alone"),
        "{answer}"
    );
    let answer = message("epochs: 20,", &variants(["small", "small"]));
    assert!(answer.contains("the variant `small` is given twice"), "{answer}");
}
