//! Every file in `experiments/` on a small data set in its own layout: it can be checked, and it runs.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};

use wise_srnet::experiment::Experiment;

use super::data_files::{Files, write_folder, write_zip};
use super::lab::{Lab, files};

const CLASSES: [&str; 2] = ["bakery", "zoo"];

/// A picture in a colour of its own, with an edge in it.
fn picture(class: usize, image: usize) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let colour = |column: u32| {
        [
            (class * 90) as u8,
            (image * 60) as u8,
            if column < 9 { 30 } else { 200 },
        ]
    };
    RgbImage::from_fn(24, 18, |column, _| Rgb(colour(column)))
        .write_to(&mut bytes, ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

/// Three pictures of every class, at the paths that `path` gives.
fn pictures(path: impl Fn(&str, usize) -> String) -> Files {
    let of_class = |(class, name): (usize, &&'static str)| {
        let name = *name;
        (0..3).map(move |image| (class, name, image)).collect::<Vec<_>>()
    };
    let all = CLASSES.iter().enumerate().flat_map(of_class);
    all.map(|(class, name, image)| (path(name, image), picture(class, image)))
        .collect()
}

/// The lines of a list: two images of each class for training, the third for the test.
fn list(images: std::ops::Range<usize>, line: impl Fn(&str, usize) -> String) -> Vec<u8> {
    let lines = images.flat_map(|image| CLASSES.map(|class| line(class, image)));
    lines.collect::<String>().into_bytes()
}

/// A data set in the layout of this name.
fn data_set(layout: &str) -> Files {
    match layout {
        "Intel" => pictures(|class, image| {
            let split = if image < 2 { "seg_train" } else { "seg_test" };
            format!("{split}/{split}/{class}/{image}.jpg")
        }),
        "MitIndoor" => {
            let line = |class: &str, image| format!("{class}/{image}.jpg\n");
            let mut files = pictures(|class, image| format!("indoorCVPR_09/Images/{class}/{image}.jpg"));
            files.push(("TrainImages.txt".to_owned(), list(0..2, line)));
            files.push(("TestImages.txt".to_owned(), list(2..3, line)));
            files
        }
        "SubImageNet" => {
            let row = |class: &str, image| format!("{class}\\{image}.jpg,{class}\r\n");
            let table = |images| [b"filename,class\r\n".to_vec(), list(images, row)].concat();
            let mut files = pictures(|class, image| format!("{class}/{image}.jpg"));
            files.push(("train.csv".to_owned(), table(0..2)));
            files.push(("test.csv".to_owned(), table(2..3)));
            files
        }
        other => panic!("this test has no data set for the layout {other}: add one"),
    }
}

/// The paths and names of all experiment files.
fn experiments() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let experiments = paths.filter(|path| path.extension().is_some_and(|ending| ending == "ron"));
    let mut experiments: Vec<_> = experiments
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (path, name)
        })
        .collect();
    experiments.sort();
    experiments
}

/// The layout that an experiment file names, if its data set is not drawn by the program.
fn layout(path: &Path) -> Option<String> {
    let settings = Experiment::load(path).unwrap().settings().unwrap();
    let (_, layout) = settings.into_iter().find(|(field, _)| field == "data.layout").unwrap();
    let name = layout.split('(').next().unwrap().to_owned();
    Some(name).filter(|name| name != "Generated")
}

/// A lab with the data sets of all layouts, each as a folder and as a zip file.
fn lab() -> Lab {
    let lab = Lab::new();
    for layout in ["Intel", "MitIndoor", "SubImageNet"] {
        write_folder(&lab.path(layout), &data_set(layout));
        write_zip(&lab.path(&format!("{layout}.zip")), &data_set(layout));
    }
    lab
}

#[test]
fn every_file_of_the_papers_table_is_there() {
    let names: Vec<String> = experiments().into_iter().map(|(_, name)| name).collect();
    for name in [
        "intel_densenet",
        "mit_nasnet_224",
        "mit_nasnet_512",
        "mit_xception_224",
        "mit_xception_512",
        "subimagenet_resnet50",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}

#[test]
fn every_file_is_checked_with_its_whole_plan() {
    let lab = lab();
    for (path, name) in experiments() {
        let mut arguments = vec!["check", path.to_str().unwrap(), "--weights", "none"];
        let data = layout(&path).map(|layout| format!("{layout}.zip"));
        arguments.extend(data.iter().flat_map(|data| ["--data", data]));
        let ended = lab.run(&arguments);
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        for said in [
            format!("experiment  {name}\n"),
            "plan        ".to_owned(),
            "memory      ".to_owned(),
        ] {
            assert!(ended.stdout.contains(&said), "{name}: no `{said}` in {}", ended.stdout);
        }
    }
}

#[test]
fn absent_weights_are_answered_with_the_officials_name_address_digest_and_folder() {
    let lab = lab();
    for (path, name) in experiments() {
        let Some(weights) = Experiment::load(&path).unwrap().weights else {
            continue;
        };
        let file = weights.file_name().unwrap().to_str().unwrap();
        let data = format!("{}.zip", layout(&path).unwrap());
        for command in ["check", "run"] {
            let ended = lab.run(&[command, path.to_str().unwrap(), "--data", &data]);
            let address = "https://storage.googleapis.com/tensorflow/keras-applications/";
            ended.assert_refused(1, &[file, address, "(MD5 ", "into 'weights'", "--weights none"]);
            assert!(ended.stderr.contains(&format!("{name}.ron:")), "{}", ended.stderr);
        }
    }
    assert!(!lab.path("reports").exists());
}

#[test]
fn every_file_runs_a_shortened_epoch_in_its_own_layout() {
    let lab = lab();
    for (path, name) in experiments() {
        // The largest network at its largest size runs in less memory than it is estimated to need.
        let short = "--weights none --epochs 1 --batch-size 2 --limit-train 2 --limit-test 2 --ignore-memory";
        let mut arguments = vec![path.to_str().unwrap()];
        arguments.extend(short.split(' '));
        let data = layout(&path);
        arguments.extend(data.iter().flat_map(|data| ["--data", data]));
        let ended = lab.run(&arguments);
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        let written = files(&lab.path("reports").join(&name));
        for file in ["history.csv", "accuracy.png", "report.html"] {
            assert!(written.iter().any(|known| known == file), "{name}: {written:?}");
        }
        fs::remove_dir_all(lab.path("reports")).unwrap();
    }
}
