//! Images that cannot be used, and images that should not be where they are.

use std::fs;
use std::io::{Cursor, Read, Write};

use image::{ImageFormat, RgbImage};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::failing::photographs;
use super::lab::{Lab, RUN};
use super::state::state;

/// Two broken files, a picture under two classes, a class without test images, a folder without images, files that are no
/// images by their names; and as in [`photographs`] each class's first two test images are its first two training images.
fn spoilt() -> Lab {
    let lab = photographs();
    lab.write("photos/train/sea/0.png", "no image");
    let whole = fs::read(lab.path("photos/test/hill/1.png")).unwrap();
    fs::write(lab.path("photos/test/hill/1.png"), &whole[..whole.len() / 2]).unwrap();
    fs::copy(lab.path("photos/train/sea/3.png"), lab.path("photos/train/hill/9.png")).unwrap();
    fs::create_dir(lab.path("photos/train/mist")).unwrap();
    image::RgbImage::new(9, 9)
        .save(lab.path("photos/train/mist/0.png"))
        .unwrap();
    lab.write("photos/train/rain/notes.txt", "to be photographed");
    fs::create_dir(lab.path("photos/test/snow")).unwrap();
    lab.write("photos/train/sea/IMG_1.HEIC", "of a telephone");
    lab.write("photos/test/sea/IMG_2.heic", "of a telephone");
    lab.write("photos/train/hill/_D3.NEF", "of a camera");
    lab
}

/// With what becomes of bad images.
fn with_policy(lab: Lab, policy: &str) -> Lab {
    let text = lab.read("tiny.ron");
    lab.write(
        "tiny.ron",
        &text.replacen("optimizer:", &format!("on_bad_image: {policy}, optimizer:"), 1),
    );
    lab
}

/// What `check --json` prints.
pub fn check_of_spoilt_images() -> Value {
    let ended = spoilt().run(&["check", "tiny.ron", "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn check_tells_everything_that_is_wrong_with_the_images_at_once() {
    let lab = spoilt();
    let ended = lab.run(&["check", "tiny.ron"]);
    ended.assert_refused(1, &["training would end with an error"]);
    for said in [
        "error: cannot decode image 'photos/train/sea/0.png': ",
        "error: cannot decode image 'photos/test/hill/1.png': ",
        "warning: 'photos/test/hill/0.png' of the test split shows the same picture as 'photos/train/hill/0.png' of the \
         training split",
        "warning: 'photos/test/sea/1.png' of the test split shows the same picture as 'photos/train/sea/1.png' of the \
         training split",
        "warning: 'photos/train/sea/3.png' of the class 'sea' shows the same picture as 'photos/train/hill/9.png' of the \
         class 'hill': one label is wrong",
        "warning: the folder 'train/rain' holds no image",
        "warning: the folder 'test/snow' holds no image",
        "warning: the class 'mist' has no test image",
        "note: 2 .heic files left out: convert to JPEG\n",
        "note: 1 .nef file left out: develop, and save as JPEG\n",
        "note: 1 file left out that is no image by its name\n",
    ] {
        assert!(ended.stdout.contains(said), "no `{said}` in: {}", ended.stdout);
    }
    let way_out = "next: mend or delete the images that can't be used, or leave them out: ";
    let next: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("next:")).collect();
    let told = " check tiny.ron --set 'on_bad_image=Skip(2)'";
    assert!(
        next.len() == 1 && next[0].starts_with(way_out) && next[0].ends_with(told),
        "{next:?}"
    );
    let left_out = lab.run(&["check", "tiny.ron", "--set", "on_bad_image=Skip(2)"]);
    assert_eq!(left_out.code, Some(0), "{}", left_out.stderr);

    let found = check_of_spoilt_images();
    let length = |list: &Value| list.as_array().unwrap().len();
    assert_eq!(length(&found["errors"]), 2);
    assert_eq!(length(&found["data"]["unreadable"]), 2);
    assert_eq!(length(&found["data"]["duplicates"]), 3);
    assert_eq!(found["data"]["unreadable"][1]["split"], "test");
    assert_eq!(found["data"]["duplicates"][0]["kind"], "labels");
    let left_out = &found["data"]["left_out"];
    let unread = left_out["unread"].as_array().unwrap();
    let counts = unread.iter().map(|of| (&of["ending"], &of["files"]));
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [(&"heic".into(), &2.into()), (&"nef".into(), &1.into())]
    );
    assert_eq!((&left_out["loose_images"], &left_out["others"]), (&0.into(), &1.into()));
}

#[test]
fn check_shows_the_first_of_many_alike_and_lists_all_for_scripts() {
    let lab = photographs();
    for index in 0..8 {
        for class in ["hill", "sea"] {
            lab.write(&format!("photos/train/{class}/{index}.png"), "no image");
        }
    }
    let ended = lab.run(&["check", "tiny.ron"]);
    assert_eq!(ended.stdout.matches("error: cannot decode").count(), 10);
    assert!(
        ended.stdout.contains("error: and 6 more like these"),
        "{}",
        ended.stdout
    );
    let ended = lab.run(&["check", "tiny.ron", "--json"]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(found["errors"].as_array().unwrap().len(), 16);
}

#[test]
fn as_many_bad_images_as_may_be_are_left_out_named_and_stay_so_when_a_run_goes_on() {
    let [whole, halves] = [(), ()].map(|()| with_policy(spoilt(), "Skip(2)"));
    let ended = whole.train(&["--epochs", "2"]);
    for said in [
        "left out: cannot decode image 'photos/train/sea/0.png': ",
        "left out: cannot decode image 'photos/test/hill/1.png': ",
        "note: 2 images can't be used and were left out: photos/train/sea/0.png, photos/test/hill/1.png",
        "note: 2 .heic files left out: convert to JPEG\n",
    ] {
        assert!(ended.stderr.contains(said), "no `{said}` in: {}", ended.stderr);
    }
    let facts: Value = serde_json::from_str(&whole.read("reports/tiny/experiment.json")).unwrap();
    assert_eq!(facts["train_images"], 17);
    let report = whole.read("reports/tiny/report.html");
    for said in [
        "photos/test/hill/1.png",
        "1 .nef file left out: develop, and save as JPEG",
    ] {
        assert!(report.contains(said), "no `{said}` in the report");
    }

    halves.train(&["--epochs", "1"]);
    let ended = halves.train(&["--epochs", "2"]);
    assert!(ended.stderr.contains("resumes at epoch 2"), "{}", ended.stderr);
    assert_eq!(state(&whole.results(RUN)), state(&halves.results(RUN)));

    // A mended file is another training split: the run doesn't go on as if nothing had happened.
    fs::copy(
        whole.path("photos/train/sea/5.png"),
        whole.path("photos/train/sea/0.png"),
    )
    .unwrap();
    let ended = whole.run(&["tiny.ron", "--epochs", "3"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(whole.run(&["check", "tiny.ron"]).stdout.contains("warning: left out: "));
}

#[test]
fn more_bad_images_than_may_be_end_a_run_before_it_begins() {
    let lab = with_policy(spoilt(), "Skip(1)");
    let said = [
        "2 images cannot be used, `on_bad_image: Skip(1)` leaves out 1 at most",
        "photos/train/sea/0.png",
        "photos/test/hill/1.png",
    ];
    lab.run(&["tiny.ron"]).assert_refused(1, &said);
    assert!(!lab.results(RUN).exists());
    let ended = lab.run(&["check", "tiny.ron"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains(said[0]), "{}", ended.stdout);
}

#[test]
fn a_class_may_not_lose_its_last_training_image() {
    let lab = with_policy(spoilt(), "Skip(100)");
    lab.write("photos/train/mist/0.png", "no image");
    let said = ["class 'mist' has no training image left", "photos/train/mist/0.png"];
    lab.run(&["tiny.ron"]).assert_refused(1, &said);
}

#[cfg(target_os = "linux")]
/// A PNG of one pixel with a chunk of this name before its pixels, a word and as many mebibytes of packed zeros.
fn packed(name: &[u8; 4], word: &[u8], mebibytes: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("zeros", SimpleFileOptions::default()).unwrap();
    for _ in 0..mebibytes {
        zip.write_all(&[0; 1 << 20]).unwrap();
    }
    let mut archive = ZipArchive::new(zip.finish().unwrap()).unwrap();
    // Packed bytes between zlib's header and a sum that nobody gets to.
    let mut content = [word, &[0x78, 0x9c]].concat();
    archive.by_index_raw(0).unwrap().read_to_end(&mut content).unwrap();
    content.extend([0; 4]);

    let mut png = Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut png, ImageFormat::Png).unwrap();
    let (header, pixels) = png.get_ref().split_at(33);
    let chunk = [&name[..], &content].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [header, &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), pixels].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn colour_profiles_and_texts_that_unpack_to_half_a_gigabyte_take_no_memory() {
    let lab = photographs();
    for (index, (name, word)) in [
        (b"iCCP", &b"profile\0\0"[..]),
        (b"zTXt", b"Comment\0\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = lab.path(&format!("photos/train/sea/{index}.png"));
        fs::write(path, packed(name, word, 512)).unwrap();
    }
    let ended = lab.run_within(600, &["check", "tiny.ron", "--threads", "1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
