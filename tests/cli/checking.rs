//! `check`, and what is wrong before anything is trained.

use std::fs;

use super::lab::{Lab, TINY, files};

#[test]
fn check_prints_plan_cost_and_notes_and_writes_nothing() {
    let lab = Lab::new();
    let ended = lab.run(&[
        "check",
        "tiny.ron",
        "--heads",
        "gap,wise_srnet",
        "--seeds",
        "0,1",
        "--batch-size",
        "70",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for said in [
        "experiment  tiny\n",
        "network     mini_resnet, 64 × 64 pixels\n",
        "training    36 images (6 a class)\n",
        "test        24 images (4 a class)\n",
        "results     reports/tiny\n",
        "plan        4 runs of 5 epochs of 1 step\n",
        "note: These images were drawn by the program itself",
        "note: There are fewer training images (36) than a batch has (70)",
        "validation  none: the best epoch is chosen on the test split",
    ] {
        assert!(ended.stdout.contains(said), "no `{said}` in: {}", ended.stdout);
    }
    for label in ["time        about ", "memory      up to ", "disk        about "] {
        let line = ended.stdout.lines().find(|line| line.starts_with(label));
        assert!(
            line.is_some_and(|line| line.contains(char::is_numeric)),
            "no `{label}` in: {}",
            ended.stdout
        );
    }
    assert_eq!(files(&lab.path("")), ["tiny.ron"]);
}

#[test]
fn check_counts_a_validation_split_and_drops_the_note_on_the_test_split() {
    let lab = Lab::changed("optimizer:", "validation: Fraction(0.34), optimizer:");
    let ended = lab.run(&["check", "tiny.ron"]);
    assert!(
        ended.stdout.contains("validation  12 images (2 a class)\n"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("training    24 images (4 a class)\n"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("chosen on the test split"), "{}", ended.stdout);
}

#[test]
fn check_warns_of_classes_that_are_too_small_for_their_figures() {
    let ended = Lab::new().run(&["check", "tiny.ron"]);
    let said = "warning: 6 of 6 classes have fewer than 5 test images (";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
    let enough = Lab::changed("test_per_class: 4", "test_per_class: 5").run(&["check", "tiny.ron"]);
    assert!(!enough.stdout.contains("warning: "), "{}", enough.stdout);
}

#[test]
fn check_notes_classes_that_a_limit_leaves_without_images() {
    let ended = Lab::new().run(&["check", "tiny.ron", "--limit-train", "4"]);
    let said = "note: 2 of 6 classes have no training image";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn an_unknown_network_is_answered_with_the_nearest_and_all_names() {
    let lab = Lab::changed("\"mini_resnet\"", "\"mini_resnt\"");
    for arguments in [&["check", "tiny.ron"][..], &["tiny.ron"], &["summary", "tiny.ron"]] {
        let said = [
            "tiny.ron:3:",
            "unknown network `mini_resnt`",
            "did you mean `mini_resnet`?",
            "`densenet169`",
        ];
        lab.run(arguments).assert_refused(1, &said);
    }
}

#[test]
fn an_image_size_that_is_not_registered_is_answered_with_the_sizes_and_the_line_that_registers_it() {
    let lab = Lab::changed("image_size: 64,\n    heads", "image_size: 80,\n    heads");
    let said = [
        "tiny.ron:4:",
        "`mini_resnet` is not registered for images of 80 pixels",
        "^^ expected one of `64`, `96`",
        "registry.register::<Network, 80, MAP, CHANNELS>(\"mini_resnet\");",
    ];
    lab.run(&["check", "tiny.ron"]).assert_refused(1, &said);
}

#[test]
fn a_missing_data_set_is_answered_with_where_to_get_it_and_where_to_put_it() {
    let generated = "layout: Generated(train_per_class: 6, test_per_class: 4, image_size: 64, seed: 0)";
    let advice = ["https://www.kaggle.com/datasets/", "data/intel", "--data PATH"];
    let named = Lab::changed(generated, "layout: Intel, path: \"data/intel\"");
    named
        .run(&["tiny.ron"])
        .assert_refused(1, &[&["no data set at 'data/intel'"], &advice[..]].concat());
    assert_eq!(files(&named.path("")), ["tiny.ron"]);
    let without_path = Lab::changed(generated, "layout: Intel");
    without_path
        .run(&["check", "tiny.ron"])
        .assert_refused(1, &[&["no path to the data set"], &advice[..]].concat());
}

#[test]
fn a_validation_fraction_of_less_than_one_image_is_refused_in_its_place() {
    let lab = Lab::changed("optimizer:", "validation: Fraction(0.01), optimizer:");
    lab.run(&["tiny.ron"])
        .assert_refused(1, &["tiny.ron:10:", "not one image", "choose a larger fraction"]);
}

#[test]
fn a_weights_file_that_is_not_there_is_refused_in_its_place() {
    let lab = Lab::new();
    let ended = lab.run(&["tiny.ron", "--weights", "backbone.h5"]);
    ended.assert_refused(1, &["--weights backbone.h5", "--weights none"]);
    assert_eq!(lab.run(&["check", "tiny.ron", "--weights", "none"]).code, Some(0));
}

#[test]
fn flags_with_bad_values_are_named() {
    let lab = Lab::new();
    lab.run(&["tiny.ron", "--epochs", "0"])
        .assert_refused(1, &["--epochs 0", "from 1 to"]);
    lab.run(&["tiny.ron", "--seeds", "1,1"])
        .assert_refused(1, &["listed twice"]);
    lab.run(&["tiny.ron", "--data", "somewhere"])
        .assert_refused(1, &["--data somewhere", "left out"]);
    lab.run(&["tiny.ron", "--epochs", "many"])
        .assert_refused(2, &["--epochs", "many"]);
    lab.run(&["tiny.ron", "--threads", "0"])
        .assert_refused(2, &["--threads", "1..=1024"]);
    lab.run(&["tiny.ron", "--seeds=-1"]).assert_refused(2, &["--seeds"]);
    lab.run(&["tiny.ron", "--heads", "wise-srnet"])
        .assert_refused(2, &["did you mean `wise_srnet`?"]);
    lab.run(&[]).assert_refused(2, &["Usage: wise-srnet EXPERIMENT.ron"]);
    assert_eq!(files(&lab.path("")), ["tiny.ron"]);
}

#[test]
fn a_path_that_is_no_experiment_file_is_explained() {
    let lab = Lab::new();
    lab.run(&["tinny.ron"]).assert_refused(
        1,
        &["there is no experiment file `tinny.ron`", "did you mean", "tiny.ron`?"],
    );
    lab.write("folder.ron/inner.ron", "");
    lab.run(&["folder.ron"])
        .assert_refused(1, &["is a folder", "inner.ron"]);
}

#[test]
fn photographs_and_checkpoints_in_the_place_of_an_experiment_are_answered_with_their_command() {
    let lab = Lab::new();
    lab.write("my photos/readme", "");
    let photographs = "`wise-srnet new --data 'my photos' mine.ron` writes an experiment for them";
    lab.run(&["my photos"]).assert_refused(1, &["is a folder", photographs]);
    let noise = image::RgbImage::from_fn(200, 200, |x, y| {
        image::Rgb([(x * y) as u8, (x ^ y) as u8, (x + 7 * y) as u8])
    });
    for size in [200, 8] {
        let photo = image::imageops::crop_imm(&noise, 0, 0, size, size).to_image();
        photo.save(lab.path("photo.png")).unwrap();
        let image = "it is an image: `wise-srnet predict --checkpoint FILE photo.png`";
        lab.run(&["check", "photo.png"]).assert_refused(1, &[image]);
    }
    fs::write(lab.path("photos.zip"), b"PK\x03\x04\xff").unwrap();
    lab.run(&["photos.zip"])
        .assert_refused(1, &["`wise-srnet new --data photos.zip mine.ron`"]);
    fs::write(lab.path("best.safetensors"), [0xff; 100]).unwrap();
    lab.run(&["best.safetensors"])
        .assert_refused(1, &["`wise-srnet predict --checkpoint best.safetensors IMAGE`"]);
    fs::write(lab.path("latin1.ron"), b"(name: \"b\xfcro\")").unwrap();
    lab.run(&["latin1.ron"])
        .assert_refused(1, &["line 1 is not valid UTF-8", "save it as UTF-8"]);
}

#[test]
fn a_setting_that_lacks_its_values_is_answered_with_some() {
    let lab = Lab::new();
    for (setting, help) in [
        ("on_bad_image=Skip", "write `Skip(10)`"),
        ("optimizer=Adam", "write `(learning_rate: 0.045, momentum: 0.9)`"),
        ("heads=gap", "write `[gap]`"),
        ("validation=Fraction", "write `Fraction(0.1)`"),
    ] {
        let refused = lab.run(&["check", "tiny.ron", "--set", setting]);
        refused.assert_refused(1, &["command line:1:", &format!("--set {setting}"), help]);
    }
}

#[test]
fn a_file_named_like_a_subcommand_takes_nothing_away() {
    let lab = Lab::new();
    lab.write("check", "");
    let ended = lab.run(&["check", "tiny.ron"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_batch_that_cannot_fit_into_the_memory_is_refused_with_one_that_does_before_anything_is_written() {
    // 600 images of about 0.7 GB each.
    let text = TINY
        .replacen("mini_resnet", "xception", 1)
        .replacen("image_size: 64,\n    heads", "image_size: 512,\n    heads", 1)
        .replacen("train_per_class: 6", "train_per_class: 100", 1)
        .replacen("batch_size: 16", "batch_size: 600", 1);
    let lab = Lab::with(&text);
    let said = [
        "a training step takes up to ",
        " are available: `--batch-size ",
        "`--ignore-memory` tries it as it is",
    ];
    lab.run(&["tiny.ron"]).assert_refused(1, &said);
    let ended = lab.run(&["check", "tiny.ron"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let warning = ended.stdout.lines().find(|line| line.starts_with("warning: "));
    let warning = warning.unwrap_or_else(|| panic!("no warning in: {}", ended.stdout));
    assert!(said.iter().all(|part| warning.contains(part)), "{warning}");
    assert_eq!(files(&lab.path("")), ["tiny.ron"]);
}
