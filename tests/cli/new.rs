//! `new`: what is found in a folder of photographs, and the experiment that is written for it.

use std::fs;
use std::path::Path;

use super::lab::Lab;

/// Ten pictures in each of two classes that differ by their colour.
fn write_photographs(folder: &Path) {
    write_classes(folder, 10);
}

fn write_classes(folder: &Path, images: u8) {
    for (class, colour) in [("day", 200), ("night", 20)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for image in 0..images {
            let picture = image::RgbImage::from_pixel(12, 9, image::Rgb([colour, colour, 10 * image]));
            picture.save(folder.join(class).join(format!("{image}.jpg"))).unwrap();
        }
    }
}

#[test]
fn a_folder_of_photographs_gets_an_experiment_that_runs() {
    let lab = Lab::new();
    write_photographs(&lab.path("my photos"));
    let ended = lab.run(&["new", "--data", "my photos", "mine.ron"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "mine.ron: 2 classes, 16 training images and 4 for the test\n"
    );
    let text = lab.read("mine.ron");
    assert!(
        text.contains("layout: OneFolder(test_fraction: 0.2, seed: 0)") && text.contains("path: \"my photos\""),
        "{text}"
    );
    let check = lab.run(&["check", "mine.ron"]);
    assert!(
        check.stdout.contains("plan        6 runs of 20 epochs of 1 step\n"),
        "{}",
        check.stdout
    );
    let run = lab.run(&["mine.ron", "--epochs", "1", "--seeds", "0"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        lab.read("reports/mine/report.html")
            .contains("a share of 0.2 of the images")
    );

    lab.run(&["new", "--data", "my photos", "mine.ron"]).assert_refused(
        1,
        &[
            "mine.ron",
            "the file exists, and nothing is written over: give another name",
        ],
    );
    assert_eq!(lab.read("mine.ron"), text);
}

#[test]
fn a_new_experiment_fits_splits_that_are_there() {
    let lab = Lab::new();
    for split in ["train", "val"] {
        write_photographs(&lab.path("split").join(split));
    }
    lab.write("split/train/day/IMG_1.HEIC", "of a telephone");
    lab.write("split/val/day/notes.txt", "seen by day");
    let ended = lab.run(&["new", "--data", "split", "--size", "96", "split.ron"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said = "\nnote: 1 .heic file left out: convert to JPEG\nnote: 1 file left out that is no image by its name\n";
    assert!(ended.stdout.ends_with(said), "{}", ended.stdout);
    let text = lab.read("split.ron");
    assert!(
        text.contains("Folders(train: \"train\", test: \"val\")") && text.contains("image_size: 96"),
        "{text}"
    );
}

/// Writes an experiment for `data` as `new` does, and asserts that `check` accepts it: what `new` says, and the file's text.
#[track_caller]
fn new_and_checked(lab: &Lab, data: &str) -> (String, String) {
    let file = format!("{data}.ron");
    let ended = lab.run(&["new", "--data", data, &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let check = lab.run(&["check", &file]);
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);
    (ended.stdout + &ended.stderr, lab.read(&file))
}

#[test]
fn a_new_experiment_leaves_images_without_classes_alone_and_says_so() {
    let lab = Lab::new();
    write_photographs(&lab.path("kaggle/train"));
    fs::create_dir(lab.path("kaggle/test")).unwrap();
    for image in ["0.jpg", "1.jpg"] {
        fs::copy(lab.path("kaggle/train/day/0.jpg"), lab.path("kaggle/test").join(image)).unwrap();
    }
    let (said, text) = new_and_checked(&lab, "kaggle");
    for line in [
        "2 classes, 16 training images and 4 for the test\n",
        "used: 'train' to train on, and a fifth of it for the test\n",
        "left alone: 'test' (2 images)\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(
        text.contains("layout: OneFolder(folder: \"train\", test_fraction: 0.2, seed: 0)"),
        "{text}"
    );
    // A file that calls the splits classes is answered with the line to write.
    lab.write("wrong.ron", &text.replace("folder: \"train\", ", ""));
    let line = "Write `layout: OneFolder(folder: \"train\", test_fraction: 0.2, seed: 0)`";
    lab.run(&["check", "wrong.ron"])
        .assert_refused(1, &["'test' is named like a split", line]);
}

#[test]
fn validation_images_that_are_there_choose_the_best_epoch() {
    let lab = Lab::new();
    for split in ["train", "valid", "test"] {
        write_classes(&lab.path("all").join(split), if split == "train" { 10 } else { 3 });
    }
    let (said, text) = new_and_checked(&lab, "all");
    assert!(
        said.contains("20 training images, 6 for validation and 6 for the test\n"),
        "{said}"
    );
    assert!(
        said.contains("used: 'train' to train on, 'valid' to choose the best epoch, 'test' for the test\n"),
        "{said}"
    );
    assert!(
        text.contains("layout: Folders(train: \"train\", validation: \"valid\", test: \"test\")"),
        "{text}"
    );
    assert!(!text.contains("validation: Fraction"), "{text}");
    let check = lab.run(&["check", "all.ron"]);
    assert!(
        check.stdout.contains("validation  6 images (3 a class)\n"),
        "{}",
        check.stdout
    );
    let run = lab.run(&["all.ron", "--epochs", "1", "--seeds", "0", "--heads", "gap"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("  validation "), "{}", run.stderr);
    let report = lab.read("reports/all/report.json");
    assert!(report.contains("\"validation_split\""), "{report}");
}

#[test]
fn the_real_error_of_a_layout_whose_marks_are_there_is_told() {
    let lab = Lab::new();
    write_photographs(&lab.path("listed"));
    lab.write("listed/train.csv", "filename,class\nday/0.jpg,day\nnight/0.jpg,night\n");
    let new = |data: &str, said: &[&str]| lab.run(&["new", "--data", data, "new.ron"]).assert_refused(1, said);
    new("listed", &["does not hold both 'train.csv' and 'test.csv'"]);
    lab.write("listed/test.csv", "filename,class\nday/1.jpg,day\nnight/11.jpg,night\n");
    new(
        "listed",
        &["listed/test.csv', line 3: there is no file 'listed/night/11.jpg'"],
    );
    for split in ["train", "test"] {
        write_classes(&lab.path("split").join(split), 3);
    }
    fs::rename(lab.path("split/test/night"), lab.path("split/test/nights")).unwrap();
    new(
        "split",
        &[
            "class 'nights' has test images but no training image",
            "Give a class the same name in both",
        ],
    );
    assert!(!lab.path("new.ron").exists());
}

#[test]
fn a_new_experiment_of_few_images_is_one_that_check_accepts() {
    let lab = Lab::new();
    for images in [2, 4, 9, 13] {
        let data = format!("photos{images}");
        write_classes(&lab.path(&data), images);
        let (_, text) = new_and_checked(&lab, &data);
        // A tenth of 21 images is one of each of two classes.
        assert_eq!(text.contains("validation: Fraction(0.1),"), images == 13, "{text}");
        assert_eq!(
            text.contains("// No `validation: Fraction(..)`: "),
            images < 13,
            "{text}"
        );
    }
}

#[test]
fn a_new_experiment_leaves_out_what_check_would_refuse_or_is_refused_itself() {
    let lab = Lab::new();
    write_photographs(&lab.path("photos"));
    lab.write("photos/day/3.jpg", "no image");
    let (said, text) = new_and_checked(&lab, "photos");
    assert!(
        said.contains("left out: cannot decode image 'photos/day/3.jpg'"),
        "{said}"
    );
    assert!(text.contains("on_bad_image: Skip(1),"), "{text}");
    for image in 0..10 {
        lab.write(&format!("photos/day/{image}.jpg"), "no image");
    }
    lab.run(&["new", "--data", "photos", "none.ron"])
        .assert_refused(1, &["class 'day' has no training image left"]);
    assert!(!lab.path("none.ron").exists());
}

#[test]
fn a_new_experiment_that_cannot_be_is_explained_and_not_written() {
    let lab = Lab::new();
    write_photographs(&lab.path("photos"));
    for (arguments, said) in [
        (["--data", "nowhere", "new.ron"], "no data set at 'nowhere'"),
        (
            ["--data", "photos/day", "new.ron"],
            "'<class>/<image>' of two classes or more",
        ),
        (["--data", "photos", "new"], "a name that ends in .ron"),
        (["--data", "photos", "a:b.ron"], "usable as a folder's name"),
        (
            ["--data", "photos", "my files/new.ron"],
            "there is no folder 'my files': make it first, `mkdir -p 'my files'`",
        ),
    ] {
        lab.run(&[&["new"], &arguments[..]].concat()).assert_refused(1, &[said]);
    }
    lab.run(&["new", "--data", "photos", "--network", "mini_resnt", "new.ron"])
        .assert_refused(1, &["did you mean `mini_resnet`?"]);
    assert!(!lab.path("new.ron").exists());
}
