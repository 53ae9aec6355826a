//! One function for everything that the program reads. Whatever `input` is, each has to return: with a value or with an
//! error whose message can be written, without a panic, without a hang, within the memory that docs/bad-input.md
//! promises.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use wise_srnet::data::decode::{Orientation, decode};
use wise_srnet::data::{Dataset, Layout, open};
use wise_srnet::experiment::{Experiment, ExperimentError, ExperimentFile, Setting};
use wise_srnet::npy::Array;
use wise_srnet::report::{Found, ReportError};
use wise_srnet::runner::Lock;
use wise_srnet::training::Checkpoint;
use wise_srnet::weights::Pretrained;

/// Reads a file of these bytes, and keeps nothing.
pub type Reader = fn(&[u8]);

/// All of them, by the names of their targets.
pub const ALL: [(&str, Reader); 9] = [
    ("image", image),
    ("zip", zip),
    ("lists", lists),
    ("keras_h5", keras_h5),
    ("experiment_file", experiment_file),
    ("checkpoint", checkpoint),
    ("npy", npy),
    ("results", results),
    ("report", report),
];

/// An image of any format, named like none, turned as it asks.
pub fn image(input: &[u8]) {
    match decode(input, "input") {
        Ok(decoded) => assert_ne!(decoded.oriented(Orientation::Exif).as_raw().len(), 0),
        Err(error) => assert!(error.to_string().contains("'input'")),
    }
}

/// A data set in a zip file, as folders of classes and as lists.
pub fn zip(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("input.zip");
    fs::write(&path, input).expect("the temporary folder can be written to");
    for layout in [folders(), list_layout(), csv_layout()] {
        answer(open(&layout, Some(&path)));
    }
}

/// A list of images, as text and as CSV, beside images that some lines may name.
pub fn lists(input: &[u8]) {
    let folder = folder();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path)).expect("the temporary folder can be written to");
        fs::write(path, content).expect("the temporary folder can be written to");
    };
    for image in ["sea/1.png", "sea/2.png", "sky/1.png", "sky/2.png"] {
        write(image, b"not decoded");
    }
    for list in ["train.txt", "train.csv"] {
        write(list, input);
    }
    write("test.txt", b"sea/2.png\n");
    write("test.csv", b"filename,class\nsea/2.png,sea\n");
    for layout in [list_layout(), csv_layout()] {
        answer(open(&layout, Some(folder.path())));
    }
}

/// A file of Keras' weights, with the values of all its tensors: legacy HDF5, Keras 3's, or a zip file around one.
pub fn keras_h5(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("input");
    fs::write(&path, input).expect("the temporary folder can be written to");
    let read = Pretrained::open(&path, "resnet50").and_then(|weights| {
        weights.read_all()?;
        weights.load_into("resnet50", |_| ())
    });
    if let Err(error) = read {
        assert!(error.to_string().contains("input"));
    }
}

/// An experiment file, as it stands and as the base of another, and a setting of the command line: whatever is accepted
/// can be written out and reads back as itself.
pub fn experiment_file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let folder = folder();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("the temporary folder can be written to");
        path
    };
    let input = write("input.ron", text);
    let above = write(
        "above.ron",
        r#"(base: "input.ron", name: "above", epochs: 3, variants: {"small": (image_size: 64), "plain": (augmentation: ())})"#,
    );
    read_back(ExperimentFile::load(&input, &[]));
    read_back(ExperimentFile::load(&above, &[]));
    match text.parse::<Setting>() {
        Ok(setting) => read_back(ExperimentFile::parse(SHORTEST, "shortest.ron", &[setting])),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

const SHORTEST: &str = r#"(name: "a", network: "mini_resnet", image_size: 64, heads: [gap], epochs: 2,
    data: (layout: Intel))"#;

fn read_back(file: Result<ExperimentFile, ExperimentError>) {
    match file {
        Ok(file) => file.into_experiments().iter().for_each(|experiment| {
            let written = experiment.to_ron().expect("an accepted experiment can be written");
            let again = Experiment::parse(&written, "written.ron").expect("a written experiment is accepted");
            assert_eq!(again.to_ron().expect("an accepted experiment can be written"), written);
        }),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A checkpoint: whatever is accepted can be saved again.
pub fn checkpoint(input: &[u8]) {
    let folder = folder();
    let path = folder.path().join("input.safetensors");
    fs::write(&path, input).expect("the temporary folder can be written to");
    match Checkpoint::load(&path) {
        Ok(checkpoint) => checkpoint.save(&path).expect("an accepted checkpoint can be saved"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An array of NumPy: whatever is accepted can be written and reads back as itself.
pub fn npy(input: &[u8]) {
    match Array::from_bytes(input) {
        Ok(array) => {
            let again = Array::from_bytes(&array.to_bytes()).expect("a written array is accepted");
            assert_eq!(again.shape, array.shape);
            let bits = |array: &Array| array.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&again), bits(&array));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The files of an experiment's results that a report is made from. An input holds them one after the other.
pub const RESULTS: [&str; 7] = [
    "history.csv",
    "experiment.json",
    "gap-seed0/last_predictions.csv",
    "gap-seed0/kernel.csv",
    "wise_srnet-seed0/last_predictions.csv",
    "wise_srnet-seed0/kernel.csv",
    "keras.csv",
];

/// Stands between two files of results.
pub const BETWEEN_FILES: u8 = 0x1e;

/// The results of an experiment, or the reason why they can't be read.
pub fn results(input: &[u8]) {
    match Found::at(stored(input).path()) {
        Ok(found) => assert!(found.warnings().iter().all(|warning| !warning.is_empty())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The pages that are made of the results of an experiment, alone and beside themselves, and their figures: others can read
/// them.
pub fn report(input: &[u8]) {
    let folder = stored(input);
    if let Err(error) = draw_pages(folder.path()) {
        assert!(!error.to_string().is_empty());
    }
}

fn stored(input: &[u8]) -> TempDir {
    let folder = folder();
    for (name, content) in RESULTS.iter().zip(input.split(|&byte| byte == BETWEEN_FILES)) {
        if content.is_empty() {
            continue;
        }
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap_or(&file)).expect("the temporary folder can be written to");
        fs::write(file, content).expect("the temporary folder can be written to");
    }
    folder
}

fn draw_pages(path: &Path) -> Result<(), ReportError> {
    let (found, beside) = (Found::at(path)?, [Found::at(path)?, Found::at(path)?]);
    let alone = found.draw_page(&Lock::take(path)?)?;
    let apart = path.join("together");
    let together = Found::draw_together(&Lock::take(&apart)?, beside.into(), &apart)?;
    for page in [&alone, &together] {
        let figures = fs::read(page.with_extension("json")).expect("figures are written");
        serde_json::from_slice::<serde_json::Value>(&figures).expect("figures are JSON");
        assert_is_text(page, "</html>");
    }
    Ok(())
}

/// All files of a report on the results of an experiment. No fuzz target: to pack pictures takes too long there.
#[allow(dead_code, reason = "for the crate's own test")]
pub fn pictures(input: &[u8]) {
    let folder = stored(input);
    let path = folder.path();
    let lock = Lock::take(path).expect("the temporary folder can be written to");
    match Found::at(path).and_then(|found| found.draw(&lock)) {
        Ok(_) => ["accuracy.svg", "loss.svg", "learning_rate.svg"]
            .iter()
            .for_each(|picture| assert_is_text(&path.join(picture), "</svg>")),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Other characters may stand in no XML: browsers show no picture that has one.
fn assert_is_text(file: &Path, end: &str) {
    let text = fs::read_to_string(file).expect("what is drawn is text");
    let may_stand = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(text.trim_end().ends_with(end) && text.chars().all(may_stand), "{text}");
}

/// Reads a few images of a data set, or the reason why there is none.
fn answer(opened: Result<Dataset, wise_srnet::data::DataError>) {
    const READ: usize = 4;
    match opened {
        Ok(data) => {
            for split in [&data.train, &data.test] {
                assert_eq!(split.class_counts().iter().sum::<usize>(), split.len());
                for index in 0..split.len().min(READ) {
                    if let Err(error) = split.decode(index) {
                        assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn folders() -> Layout {
    Layout::Folders {
        train: "train".to_owned(),
        validation: None,
        test: "test".to_owned(),
    }
}

fn list_layout() -> Layout {
    Layout::Lists {
        train: "train.txt".to_owned(),
        test: "test.txt".to_owned(),
        images: None,
    }
}

fn csv_layout() -> Layout {
    Layout::Csv {
        train: "train.csv".to_owned(),
        test: "test.csv".to_owned(),
        images: None,
    }
}

/// A temporary folder in memory where the system has one: a fuzzer writes thousands of files a second.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    made.expect("a temporary folder can be made")
}
