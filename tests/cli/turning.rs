//! Photographs taken with the camera on its side: `data.orientation`, from `check` to `predict`.

use std::fs::{self, File};
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ImageEncoder, Rgb, RgbImage, imageops};
use serde_json::Value;

use super::failing::photographs;
use super::lab::{Ended, Lab, RUN, TINY};

/// Writes an image as a camera does that was turned by a quarter: as its sensor lay, with a note of what to undo.
fn write_sideways(path: &Path, upright: &RgbImage) {
    const EXIF: [u8; 26] = [
        b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
    ];
    let stored = imageops::rotate270(upright);
    let mut encoder = PngEncoder::new(File::create(path).unwrap());
    encoder.set_exif_metadata(EXIF.to_vec()).unwrap();
    let (width, height) = stored.dimensions();
    encoder
        .write_image(&stored, width, height, image::ExtendedColorType::Rgb8)
        .unwrap();
}

fn upright() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| Rgb([5 * x as u8, 7 * y as u8, 90]))
}

/// Three images of [`photographs`] lie on their side.
fn sideways_photographs(orientation: &str) -> Lab {
    let lab = photographs();
    let text = lab.read("tiny.ron");
    let changed = text.replacen("path:", &format!("orientation: {orientation}, path:"), 1);
    assert_ne!(changed, text);
    lab.write("tiny.ron", &changed);
    for index in 0..3 {
        write_sideways(&lab.path(&format!("photos/train/sea/{index}.png")), &upright());
    }
    lab
}

#[test]
fn check_counts_the_images_that_ask_to_be_turned_and_says_what_becomes_of_them() {
    for (orientation, said) in [
        ("Exif", "3 images ask to be turned; turned as their cameras noted"),
        ("Ignore", "`orientation: Exif` in `data` turns them"),
    ] {
        let lab = sideways_photographs(orientation);
        let ended = lab.run(&["check", "tiny.ron"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
        let found: Value = serde_json::from_str(&lab.run(&["check", "tiny.ron", "--json"]).stdout).unwrap();
        assert_eq!(found["data"]["asking_for_turn"], 3);
    }
    let plain = photographs().run(&["check", "tiny.ron"]);
    assert!(!plain.stdout.contains("to be turned"), "{}", plain.stdout);
}

/// What the network of a run says of three files: upright, on its side with a note, on its side without.
fn predicted(lab: &Lab) -> [Value; 3] {
    let names = ["upright.png", "noted.png", "stored.png"];
    upright().save(lab.path(names[0])).unwrap();
    write_sideways(&lab.path(names[1]), &upright());
    imageops::rotate270(&upright()).save(lab.path(names[2])).unwrap();
    let checkpoint = format!("reports/tiny/{RUN}/last.safetensors");
    let ended = lab.run(&[&["predict", "--json", "--checkpoint", &checkpoint], &names[..]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    [0, 1, 2].map(|line| lines[line]["classes"].clone())
}

fn lab_with(orientation: &str) -> Lab {
    let lab = Lab::with(&TINY.replacen("data: (", &format!("data: (orientation: {orientation}, "), 1));
    lab.train(&["--epochs", "1", "--limit-train", "12", "--limit-test", "6"]);
    lab
}

#[test]
fn predict_turns_photographs_where_those_were_turned_that_the_network_was_trained_with() {
    let [upright, noted, stored] = predicted(&lab_with("Exif"));
    assert_eq!(noted, upright);
    assert_ne!(noted, stored);
    let [upright, noted, stored] = predicted(&lab_with("Ignore"));
    assert_eq!(noted, stored);
    assert_ne!(noted, upright);
}

#[test]
fn a_run_does_not_go_on_with_another_orientation() {
    let lab = lab_with("Exif");
    let again = |orientation: &str| -> Ended {
        let text = lab.read("tiny.ron").replace("orientation: Exif", orientation);
        fs::write(lab.path("tiny.ron"), text).unwrap();
        lab.run(&["tiny.ron", "--epochs", "2", "--limit-train", "12", "--limit-test", "6"])
    };
    again("orientation: Ignore").assert_refused(1, &["data.orientation"]);
}
