//! Data sets on disk: folders and zip files in every accepted layout, and what is said of those that are wrong.

mod data_files;

use std::fs;
use std::io::Cursor;
use std::path::Path;

use data_files::{Files, enclosed, write_folder, write_zip};
use image::{ImageFormat, Rgb, RgbImage};
use ron::extensions::Extensions;
use tempfile::TempDir;
use wise_srnet::data::{DataError, Dataset, Layout, open, recognise, unlabelled};

fn png(path: &str) -> Vec<u8> {
    let sum = path
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(3, 2, Rgb([sum, 1, 2]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// Three classes; two training images and one test image each, and files that are to be left out.
fn files(train: &str, test: &str) -> Files {
    let mut files = Files::new();
    for class in ["sea", "Zoo", "forest"] {
        for path in [
            format!("{train}/{class}/10.png"),
            format!("{train}/{class}/9.PNG"),
            format!("{test}/{class}/1.png"),
        ] {
            files.push((path.clone(), png(&path)));
        }
    }
    for left_out in ["notes.txt", "sea/.hidden.png", "sea/Thumbs.db", "loose.png"] {
        files.push((format!("{train}/{left_out}"), b"no image".to_vec()));
    }
    files
}

fn plain() -> Layout {
    Layout::Folders {
        train: "train".to_owned(),
        validation: None,
        test: "test".to_owned(),
    }
}

fn message(layout: &Layout, path: &Path) -> String {
    open(layout, Some(path)).unwrap_err().to_string()
}

/// Labels and pixels of all images, and the last part of their names.
fn samples(data: &Dataset) -> Vec<(usize, String, Vec<u8>)> {
    let of_split = |split: &wise_srnet::data::Split| {
        let sample = |index| {
            let name = split.name(index).replace('\\', "/");
            (
                split.label(index),
                name.rsplit('/').next().unwrap().to_owned(),
                split.decode(index).unwrap().into_raw(),
            )
        };
        (0..split.len()).map(sample).collect::<Vec<_>>()
    };
    [of_split(&data.train), of_split(&data.test)].concat()
}

#[test]
fn classes_and_the_files_of_a_class_are_in_byte_order_and_other_files_are_counted() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("train", "test"));
    let data = open(&plain(), Some(folder.path())).unwrap();
    assert_eq!(data.classes, ["Zoo", "forest", "sea"]);
    assert_eq!(data.train.class_counts(), [2, 2, 2]);
    assert_eq!(data.test.class_counts(), [1, 1, 1]);
    assert_eq!((data.left_out.loose_images, data.left_out.others), (1, 3));
    assert_eq!(data.note, None);
    let names: Vec<String> = samples(&data).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names[..4], ["10.png", "9.PNG", "10.png", "9.PNG"]);
    assert_eq!(data.train.label(5), 2);
}

#[test]
fn folder_and_zip_in_every_accepted_form_give_the_same_samples() {
    let root = TempDir::new().unwrap();
    let mut forms = Vec::new();
    for (train, test) in [("seg_train/seg_train", "seg_test/seg_test"), ("seg_train", "seg_test")] {
        // The names differ between the forms, the pixels must not: every image is of its last two path parts.
        let files: Files = files(train, test)
            .into_iter()
            .map(|(path, bytes)| {
                let short: Vec<&str> = path.rsplit('/').take(2).collect();
                let bytes = if bytes == b"no image" {
                    bytes
                } else {
                    png(&short.join("/"))
                };
                (path, bytes)
            })
            .collect();
        let folder = root.path().join(format!("folder{}", forms.len()));
        write_folder(&folder, &files);
        forms.push(open(&Layout::Intel, Some(&folder)).unwrap());
        for (enclosing, files) in [("", files.clone()), ("enclosed", enclosed(&files, "archive/intel"))] {
            let zip = root.path().join(format!("{enclosing}{}.zip", forms.len()));
            let mut files = files;
            files.push(("__MACOSX/seg_train/sea/._10.png".to_owned(), b"resource fork".to_vec()));
            files.push(("seg_pred/1.png".to_owned(), png("pred")));
            write_zip(&zip, &files);
            forms.push(open(&Layout::Intel, Some(&zip)).unwrap());
        }
    }
    let expected = samples(&forms[0]);
    assert_eq!(expected.len(), 9);
    for (form, data) in forms.iter().enumerate() {
        assert_eq!(data.classes, forms[0].classes, "form {form}");
        let left_out = (data.left_out.loose_images, data.left_out.others);
        assert_eq!(left_out, (1, 3), "form {form}");
        assert_eq!(samples(data), expected, "form {form}");
    }
}

#[test]
fn a_split_may_lie_deeper_inside_the_data_set() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("images/a", "images/b"));
    let layout = Layout::Folders {
        train: "images/a".to_owned(),
        validation: None,
        test: "images/b".to_owned(),
    };
    assert_eq!(open(&layout, Some(folder.path())).unwrap().train.len(), 6);
}

#[test]
fn a_missing_intel_data_set_is_answered_with_where_to_get_it_and_where_to_put_it() {
    let no_path = open(&Layout::Intel, None).unwrap_err().to_string();
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("nowhere");
    for text in [
        no_path,
        message(&Layout::Intel, &missing),
        message(&Layout::Intel, folder.path()),
    ] {
        for part in ["puneet6060", "kaggle.com", "data/intel/seg_train", "--data PATH"] {
            assert!(text.contains(part), "'{part}' in: {text}");
        }
    }
    assert!(message(&Layout::Intel, &missing).contains("nowhere"));
}

#[test]
fn a_wrong_root_is_answered_with_what_was_looked_for_and_what_is_there() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &enclosed(&files("train", "test"), "inner"));
    let text = message(&plain(), folder.path());
    assert!(
        text.contains("'train/<class>/<image>'") && text.contains("found there: inner"),
        "{text}"
    );
}

#[test]
fn a_split_without_images_is_not_found() {
    let folder = TempDir::new().unwrap();
    let mut only_train = files("train", "test");
    only_train.retain(|(path, _)| path.starts_with("train"));
    only_train.push(("test/sea/readme.txt".to_owned(), b"empty".to_vec()));
    write_folder(folder.path(), &only_train);
    assert!(message(&plain(), folder.path()).contains("does not hold both"));
}

#[test]
fn a_file_that_is_no_zip_is_refused() {
    let folder = TempDir::new().unwrap();
    let tar = folder.path().join("data.tar");
    fs::write(&tar, b"tar").unwrap();
    assert!(message(&plain(), &tar).contains("neither a folder nor a .zip file"));
    fs::write(&tar, b"\x1f\x8b\x08\0").unwrap();
    assert!(message(&plain(), &tar).contains("neither a folder nor a .zip file, but a gzip file"));
    let zip = folder.path().join("data.zip");
    let whole = folder.path().join("whole.zip");
    write_zip(&whole, &files("train", "test"));
    let half = fs::read(whole).unwrap();
    for (bytes, said) in [
        (&b"no archive"[..], "it is not a zip file"),
        (
            b"\x1f\x8b\x08\0",
            "it is not a zip file, and begins like a gzip file: unpack it, and give the folder",
        ),
        (b"7z\xbc\xaf\x27\x1c\0", "begins like a 7z file"),
        (
            b"\n<html>Please log in</html>",
            "begins like a web page: download the file itself",
        ),
        (b"", "it is empty: download it again"),
        (
            &half[..half.len() / 2],
            "its end is damaged or missing, as after a download that was cut short",
        ),
    ] {
        fs::write(&zip, bytes).unwrap();
        let text = message(&plain(), &zip);
        assert!(
            text.starts_with("cannot read zip file '") && text.contains(said),
            "{said}: {text}"
        );
    }
}

#[test]
fn a_zip_whose_names_begin_with_the_folder_itself_is_read() {
    let folder = TempDir::new().unwrap();
    let (dots, none) = (folder.path().join("dots.zip"), folder.path().join("none.zip"));
    let mut with_dots = files("train", "test");
    write_zip(&none, &with_dots);
    with_dots.iter_mut().for_each(|(path, _)| path.insert_str(0, "./"));
    with_dots[0].0.insert_str(0, "./");
    for folder in ["./", "./train/", "./train/rain/"] {
        with_dots.push((folder.to_owned(), Vec::new()));
    }
    write_zip(&dots, &with_dots);
    let [data, expected] = [&dots, &none].map(|path| open(&plain(), Some(path)).unwrap());
    assert_eq!(samples(&data), samples(&expected));
    assert_eq!(data.left_out, expected.left_out);
    assert_eq!(data.empty_folders, ["train/rain"]);
    let found = unlabelled(std::slice::from_ref(&dots));
    assert_eq!((found.split.len(), found.problems.len()), (10, 0));

    with_dots.push(("train/sea/10.png".to_owned(), png("another")));
    write_zip(&dots, &with_dots);
    let text = message(&plain(), &dots);
    assert!(
        text.contains("two of its entries are named 'train/sea/10.png'"),
        "{text}"
    );
}

/// A zip file of these files, with the two bytes at `local` of the header before the content of `name`, and at `central`
/// of the one in the directory, replaced.
fn zip_with_headers(path: &Path, files: &Files, name: &str, [local, central]: [usize; 2], value: u16) {
    write_zip(path, files);
    let mut bytes = fs::read(path).unwrap();
    let name = name.as_bytes();
    let places = bytes
        .windows(name.len())
        .enumerate()
        .filter(|(_, window)| *window == name);
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    let [first, second] = places[..] else {
        panic!("{places:?}")
    };
    for at in [first - 30 + local, second - 46 + central] {
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn an_entry_that_no_reader_here_can_unpack_is_refused_where_it_is_needed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.zip");
    for (places, value, said) in [
        (
            [8, 10],
            9,
            "it is compressed by method 9 (Deflate64), which is not supported: unpack the zip file",
        ),
        ([6, 8], 1, "it is encrypted: unpack the zip file with its password"),
    ] {
        for name in ["train/sea/9.PNG", "test/Zoo/1.png"] {
            zip_with_headers(&path, &files("train", "test"), name, places, value);
            let text = message(&plain(), &path);
            assert!(
                text.contains(&format!("entry '{name}': {said}, and give the folder")),
                "{text}"
            );
        }
        zip_with_headers(&path, &files("train", "test"), "train/notes.txt", places, value);
        assert_eq!(open(&plain(), Some(&path)).unwrap().train.len(), 6);
        zip_with_headers(&path, &files("train", "test"), "train/sea/9.PNG", places, value);
        let found = unlabelled(std::slice::from_ref(&path));
        let failed = (0..found.split.len()).filter(|&index| found.split.decode(index).is_err());
        let failed: Vec<String> = failed.map(|index| found.split.name(index)).collect();
        // Beside it only what has no image in it.
        assert_eq!(failed.len(), 2, "{failed:?}");
        assert!(failed[1].replace('\\', "/").ends_with("train/sea/9.PNG"), "{failed:?}");
    }
}

#[test]
fn a_test_class_without_training_images_is_named() {
    let folder = TempDir::new().unwrap();
    let mut with_extra = files("train", "test");
    with_extra.push(("test/desert/1.png".to_owned(), png("desert")));
    write_folder(folder.path(), &with_extra);
    assert!(message(&plain(), folder.path()).contains("class 'desert' has test images"));
    write_folder(folder.path(), &vec![("test/ice/1.png".to_owned(), png("ice"))]);
    assert!(message(&plain(), folder.path()).contains("classes 'desert', 'ice' have test images"));
}

#[test]
fn a_zip_with_an_entry_that_climbs_out_is_refused_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("evil.zip");
    let mut with_climber = files("train", "test");
    with_climber.push(("train/../../evil.png".to_owned(), png("evil")));
    write_zip(&path, &with_climber);
    let text = message(&plain(), &path);
    assert!(
        text.contains("'train/../../evil.png'") && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn a_zip_with_an_absolute_entry_is_refused_whole_whatever_its_slashes() {
    let folder = TempDir::new().unwrap();
    for (number, name) in ["/train/sea/1.png", "C:/train/1.png", "train\\..\\..\\evil.png"]
        .into_iter()
        .enumerate()
    {
        let path = folder.path().join(format!("{number}.zip"));
        let mut with_stranger = files("train", "test");
        with_stranger.push((name.to_owned(), png("evil")));
        write_zip(&path, &with_stranger);
        let text = message(&plain(), &path);
        assert!(
            text.contains("the archive is not to be trusted and is refused"),
            "{name}: {text}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_a_circle_or_nowhere_are_refused_by_name() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("train", "test"));
    let link = folder.path().join("train/sea/link");
    for target in ["..", "../../train", "nowhere"] {
        symlink(target, &link).unwrap();
        let error = open(&plain(), Some(folder.path())).unwrap_err();
        let text = wise_srnet::data::with_causes(&error);
        assert!(
            text.starts_with("cannot read '") && text.contains("train/sea/link': it is a link to"),
            "{text}"
        );
        fs::remove_file(&link).unwrap();
    }
    symlink("nowhere", folder.path().join("train/sea/7.png")).unwrap();
    let text = message(&plain(), folder.path());
    assert!(text.contains("train/sea/7.png"), "{text}");
    fs::remove_file(folder.path().join("train/sea/7.png")).unwrap();
    symlink("9.PNG", folder.path().join("train/sea/11.png")).unwrap();
    assert_eq!(open(&plain(), Some(folder.path())).unwrap().train.len(), 7);
}

#[cfg(unix)]
#[test]
fn what_nobody_needs_may_be_a_link_to_nowhere_or_in_a_circle_and_is_counted() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("train", "test"));
    for (target, link) in [
        ("me@host.4711:1700000000", ".#notes.txt"),
        ("nowhere", "sea/notes.txt"),
        ("nowhere", "sea/.11.png"),
        ("loop.log", "loop.log"),
        ("..", ".all"),
    ] {
        symlink(target, folder.path().join("train").join(link)).unwrap();
    }
    let data = open(&plain(), Some(folder.path())).unwrap();
    assert_eq!((data.train.len(), data.left_out.others), (6, 3 + 5));
    let found = unlabelled(&[folder.path().join("train/Zoo")]);
    assert_eq!((found.split.len(), found.problems.len()), (2, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_unicode_is_refused_escaped_if_it_is_an_images() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("train", "test"));
    let sea = folder.path().join("train/sea");
    let named = |name: &[u8]| sea.join(OsStr::from_bytes(name));
    fs::write(named(b"caf\xe9.txt"), "no image").unwrap();
    fs::create_dir(named(b"caf\xe9")).unwrap();
    let data = open(&plain(), Some(folder.path())).unwrap();
    assert_eq!((data.train.len(), data.left_out.others), (6, 4));
    fs::write(named(b"caf\xe9.jpg"), png("a")).unwrap();
    let text = message(&plain(), folder.path());
    assert!(
        text.ends_with("train/sea/caf\\xE9.jpg': the name is not valid Unicode; rename it"),
        "{text}"
    );
    let found = unlabelled(std::slice::from_ref(&sea));
    assert_eq!((found.split.len(), found.problems.len()), (2, 1));
    assert_eq!(found.problems[0].0, named(b"caf\xe9.jpg"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_image_no_list_and_no_zip_file() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let said = "it is a pipe or a device, not a file";
    let text = |error: &DataError| wise_srnet::data::with_causes(error);
    write_folder(folder.path(), &files("train", "test"));
    for pipe in ["1.jpg", "pipe.zip", "train/notes.log", "train/sea/8.png"] {
        let made = std::process::Command::new("mkfifo").arg(path(pipe)).status();
        assert!(made.unwrap().success());
    }
    let found = unlabelled(&[path("1.jpg"), path("pipe.zip")]);
    assert!(text(&found.split.decode(0).unwrap_err()).ends_with(said));
    assert!(text(&found.problems[0].1).ends_with(said));
    let error = open(&plain(), Some(folder.path())).unwrap_err();
    assert!(
        text(&error).contains("sea/8.png") && text(&error).ends_with(said),
        "{error}"
    );
    fs::remove_file(path("train/sea/8.png")).unwrap();
    assert_eq!(open(&plain(), Some(folder.path())).unwrap().left_out.others, 4);
}

#[test]
fn folders_without_images_are_no_classes_and_are_named() {
    let root = TempDir::new().unwrap();
    let mut with_empty = files("train", "test");
    with_empty.push(("train/rain/notes.txt".to_owned(), b"no image".to_vec()));
    with_empty.push(("train/.cache/1.png".to_owned(), png("hidden")));
    let (folder, zip) = (root.path().join("folder"), root.path().join("data.zip"));
    write_folder(&folder, &with_empty);
    fs::create_dir(folder.join("test/snow")).unwrap();
    write_zip(&zip, &with_empty);
    let data = open(&plain(), Some(&folder)).unwrap();
    assert_eq!(data.classes, ["Zoo", "forest", "sea"]);
    assert_eq!(data.empty_folders, ["train/rain", "test/snow"]);
    assert_eq!(open(&plain(), Some(&zip)).unwrap().empty_folders, ["train/rain"]);
}

#[test]
fn a_class_whose_photographs_are_all_in_a_format_that_is_not_read_is_refused_by_name() {
    let root = TempDir::new().unwrap();
    let mut with_heic = files("train", "test");
    for path in [
        "train/owl/IMG_1.HEIC",
        "train/owl/IMG_2.heic",
        "train/bat/more/1.nef",
        "train/sea/3.heic",
    ] {
        with_heic.push((path.to_owned(), b"of a camera".to_vec()));
    }
    let (folder, zip) = (root.path().join("folder"), root.path().join("data.zip"));
    write_folder(&folder, &with_heic);
    write_zip(&zip, &with_heic);
    for path in [&folder, &zip] {
        let said = message(&plain(), path).replace('\\', "/");
        assert!(
            said.contains(
                "train/bat' is a class without an image: its .nef files are not read; develop, and save as JPEG"
            ) && said.ends_with("(and 1 more such folder)"),
            "{said}"
        );
    }
    let said = message(&one_folder(0.5), &folder.join("train"));
    assert!(said.contains("train/bat' is a class without"), "{said}");
    fs::remove_dir_all(folder.join("train/bat")).unwrap();
    fs::rename(folder.join("train/owl"), folder.join("train/.owl")).unwrap();
    let data = open(&plain(), Some(&folder)).unwrap();
    assert_eq!(data.classes, ["Zoo", "forest", "sea"]);
    let unread: Vec<_> = data.left_out.unread().map(|of| (of.ending, of.files)).collect();
    assert_eq!((unread, data.left_out.others), (vec![("heic", 1)], 5));
    // Drawings and films say nothing of a class.
    write_folder(&folder, &vec![("train/manual/camera.pdf".to_owned(), b"%PDF".to_vec())]);
    assert_eq!(open(&plain(), Some(&folder)).unwrap().empty_folders, ["train/manual"]);
}

#[test]
fn a_file_that_went_away_is_named_where_it_is_read() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files("train", "test"));
    let data = open(&plain(), Some(folder.path())).unwrap();
    fs::remove_file(folder.path().join("train/sea/10.png")).unwrap();
    let text = wise_srnet::data::with_causes(&data.train.decode(4).unwrap_err());
    assert!(text.contains("cannot read") && text.contains("sea/10.png"), "{text}");
}

#[test]
fn a_zip_that_holds_the_splits_twice_is_ambiguous() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("two.zip");
    let once = files("train", "test");
    write_zip(&path, &[enclosed(&once, "a"), enclosed(&once, "b")].concat());
    let text = message(&plain(), &path);
    assert!(text.contains("'a/'") && text.contains("'b/'"), "{text}");
}

#[test]
fn a_file_that_unpacks_beyond_the_limit_is_not_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bomb.zip");
    let mut with_bomb = files("train", "test");
    with_bomb.push(("train/sea/00.png".to_owned(), vec![0; (64 << 20) + 1]));
    write_zip(&path, &with_bomb);
    let data = open(&plain(), Some(&path)).unwrap();
    let text = data.train.decode(4).unwrap_err().to_string();
    assert!(text.contains("00.png") && text.contains("larger than 64 MiB"), "{text}");
}

#[test]
fn a_damaged_zip_entry_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("damaged.zip");
    write_zip(&path, &files("train", "test"));
    let mut bytes = fs::read(&path).unwrap();
    let name = b"train/sea/10.png";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap() + name.len();
    bytes[at + 10..at + 40].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let data = open(&plain(), Some(&path)).unwrap();
    assert!(data.train.decode(4).unwrap_err().to_string().contains("sea/10.png"));
    assert!(data.train.decode(5).is_ok());
}

#[test]
fn a_split_name_cannot_leave_the_data_set() {
    let folder = TempDir::new().unwrap();
    for name in ["../train", "/train", "", "a//b"] {
        let layout = Layout::Folders {
            train: name.to_owned(),
            validation: None,
            test: "test".to_owned(),
        };
        assert!(
            message(&layout, folder.path()).contains("cannot name a split"),
            "{name}"
        );
    }
}

#[test]
fn layouts_are_written_in_experiment_files_by_name() {
    let experiment_files = ron::Options::default().with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES);
    let read = |text| experiment_files.from_str::<Layout>(text);
    assert_eq!(read("Intel").unwrap(), Layout::Intel);
    assert_eq!(read(r#"Folders(train: "train", test: "test")"#).unwrap(), plain());
    assert!(read("Generated(train_per_class: 1, test_per_class: 1, image_size: 64, seed: 0)").is_ok());
    assert!(read(r#"Folders(train: "train", test: "test", holdout: "v")"#).is_err());
    let layouts = [
        r#"Folders(train: "train", test: "test")"#,
        r#"Folders(train: "train", validation: "v \\ \"w\"", test: "test")"#,
        r#"OneFolder(test_fraction: 0.2, seed: 0)"#,
        r#"OneFolder(folder: "forêt", classes: ["a", "b"], test_fraction: 0.2, seed: 7)"#,
        "Intel",
        "Generated(train_per_class: 1, test_per_class: 1, image_size: 64, seed: 0)",
    ];
    for written in layouts {
        let options = experiment_files
            .clone()
            .with_default_extension(Extensions::IMPLICIT_SOME);
        assert_eq!(options.from_str::<Layout>(written).unwrap().to_string(), written);
    }
}

#[test]
fn images_without_classes_come_from_files_folders_and_zip_files_in_the_order_of_their_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let files: Files = [
        "b/2.png",
        "b/10.PNG",
        "a.png",
        "b/.hidden.png",
        "notes.txt",
        "__MACOSX/a.png",
    ]
    .map(|name| (name.to_owned(), png(name)))
    .into();
    write_folder(&path("photos"), &files);
    write_zip(&path("photos.zip"), &files);
    fs::write(path("upload"), png("upload")).unwrap();
    fs::write(path("broken.zip"), "no archive").unwrap();
    fs::create_dir(path("empty")).unwrap();
    let arguments = ["upload", "photos", "empty", "photos.zip", "broken.zip", "absent.png"].map(path);
    let found = unlabelled(&arguments);
    let (images, problems) = (found.split, found.problems);
    assert_eq!(found.left_out.others, 6);

    let below = |name: &str| ["a.png", "b/10.PNG", "b/2.png"].map(|image| path(name).join(image));
    let mut expected = vec![path("upload")];
    expected.extend(below("photos").into_iter().chain(below("photos.zip")));
    expected.push(path("absent.png"));
    let names: Vec<String> = (0..images.len()).map(|index| images.name(index)).collect();
    let expected: Vec<String> = expected
        .iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, expected);
    for index in 0..7 {
        assert_eq!(images.decode(index).unwrap().dimensions(), (3, 2));
    }
    let message = images.decode(7).unwrap_err().to_string();
    assert!(
        message.contains("cannot read") && message.contains("absent.png"),
        "{message}"
    );
    let paths: Vec<_> = problems.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(paths, [path("empty"), path("broken.zip")]);
    let said = problems[0].1.to_string();
    let endings = ".bmp, .gif, .jfi, .jfif, .jpe, .jpeg, .jpg, .png, .tif, .tiff or .webp";
    assert!(
        said.contains(&format!("holds no images (files that end in {endings})")),
        "{said}"
    );
}

fn one_folder(test_fraction: f64) -> Layout {
    Layout::OneFolder {
        folder: None,
        classes: None,
        test_fraction,
        seed: 0,
    }
}

/// `images` photographs in each of two classes, below `root`.
fn photographs(root: &str, images: usize) -> Files {
    let paths = ["Zoo", "sea"]
        .into_iter()
        .flat_map(|class| (0..images).map(move |image| format!("{class}/{image:02}.png")));
    paths.map(|path| (format!("{root}{path}"), png(&path))).collect()
}

#[test]
fn one_folder_is_divided_class_by_class_with_every_image_on_one_side() {
    let folder = TempDir::new().unwrap();
    let mut files = photographs("", 10);
    files.push(("sea/notes.txt".to_owned(), Vec::new()));
    files.push(("loose.png".to_owned(), png("loose.png")));
    write_folder(folder.path(), &files);
    let data = open(&one_folder(0.2), Some(folder.path())).unwrap();
    assert_eq!(data.classes, ["Zoo", "sea"]);
    assert_eq!(
        (data.train.class_counts(), data.test.class_counts()),
        (vec![8, 8], vec![2, 2])
    );
    assert_eq!((data.left_out.loose_images, data.left_out.others), (1, 1));
    assert!(data.note.unwrap().contains("a share of 0.2 of the images"));
    let names = |split: &wise_srnet::data::Split| (0..split.len()).map(|at| split.name(at)).collect::<Vec<_>>();
    let mut all = [names(&data.train), names(&data.test)].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
    let again = open(&one_folder(0.2), Some(folder.path())).unwrap();
    assert_eq!(names(&again.test), names(&data.test));
    let other = Layout::OneFolder {
        folder: None,
        classes: None,
        test_fraction: 0.2,
        seed: 1,
    };
    assert_ne!(
        names(&open(&other, Some(folder.path())).unwrap().test),
        names(&data.test)
    );
}

#[test]
fn one_folder_may_be_zipped_and_enclosed() {
    let root = TempDir::new().unwrap();
    write_folder(&root.path().join("plain"), &photographs("", 5));
    write_folder(&root.path().join("enclosed"), &photographs("pets/photos/", 5));
    write_zip(&root.path().join("zipped.zip"), &photographs("pets/", 5));
    let expected = samples(&open(&one_folder(0.4), Some(&root.path().join("plain"))).unwrap());
    assert_eq!(expected.len(), 10);
    for form in ["enclosed", "zipped.zip"] {
        let data = open(&one_folder(0.4), Some(&root.path().join(form))).unwrap();
        assert_eq!(samples(&data), expected, "{form}");
    }
}

#[test]
fn what_is_not_one_folder_of_classes_is_answered_with_what_it_may_be() {
    let root = TempDir::new().unwrap();
    let loose = root.path().join("loose");
    write_folder(
        &loose,
        &vec![("a.png".to_owned(), png("a")), ("b.png".to_owned(), png("b"))],
    );
    let single = root.path().join("single");
    write_folder(&single, &vec![("sea/a.png".to_owned(), png("a"))]);
    for path in [&loose, &single] {
        let said = message(&one_folder(0.2), path);
        assert!(said.contains("'<class>/<image>' of two classes or more"), "{said}");
        assert!(said.contains("Folders(train: \"train\", test: \"test\")"), "{said}");
    }
    let of_class = root.path().join("splits of each class");
    write_folder(&of_class, &[photographs("a/", 2), photographs("b/", 1)].concat());
    let said = message(&one_folder(0.2), &of_class);
    assert!(said.contains("'<class>/<image>' of two classes or more"), "{said}");
}

#[test]
fn the_test_images_are_shared_out_over_small_classes_and_a_class_keeps_one_to_train_on() {
    let root = TempDir::new().unwrap();
    let folder = |name: &str, images| {
        write_folder(&root.path().join(name), &photographs("", images));
        root.path().join(name)
    };
    let data = open(&one_folder(0.2), Some(&folder("two of each", 2))).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (3, 1));
    let said = message(&one_folder(0.1), &folder("too small a share", 2));
    assert!(
        said.ends_with("a test fraction of 0.1 is not one of the 4 images: choose a larger one"),
        "{said}"
    );
    let said = message(&one_folder(0.2), &folder("one of each", 1));
    assert!(
        said.ends_with("each class has one image alone, which is trained on: add images"),
        "{said}"
    );
}

/// Images that belong to no class, in `folder`.
fn flat(folder: &str, images: usize) -> Files {
    let paths = (0..images).map(|image| format!("{folder}{image}.png"));
    paths.map(|path| (path.clone(), png(&path))).collect()
}

/// What is recognised in these files, in a folder and in a zip file: the layout, and what it leaves alone.
#[track_caller]
fn recognised(files: &Files) -> (String, Vec<(String, usize)>) {
    let root = TempDir::new().unwrap();
    let (folder, zip) = (root.path().join("folder"), root.path().join("data.zip"));
    write_folder(&folder, files);
    write_zip(&zip, files);
    let [in_folder, in_zip] = [&folder, &zip]
        .map(|path| recognise(path).map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "DATA")));
    assert_eq!(in_folder, in_zip);
    match in_folder {
        Ok(found) => {
            let opened = [&folder, &zip].map(|path| open(&found.layout, Some(path)).map(|data| samples(&data)));
            let [in_folder, in_zip] = opened.map(|samples| samples.unwrap_or_else(|error| panic!("{error}")));
            assert!(in_folder == in_zip && !in_zip.is_empty());
            (found.layout.to_string(), found.left_alone.into_iter().collect())
        }
        Err(said) => (said, Vec::new()),
    }
}

#[test]
fn the_splits_with_classes_are_recognised_and_images_without_are_left_alone() {
    let (train, test) = (photographs("train/", 3), photographs("test/", 2));
    let folders = |names: &str| format!("Folders({names})");
    let one_folder = |folder: &str| format!("OneFolder(folder: \"{folder}\", test_fraction: 0.2, seed: 0)");
    let kaggle = [
        photographs("seg_train/seg_train/", 3),
        photographs("seg_test/seg_test/", 2),
    ]
    .concat();
    /// The files, the layout, and what is left alone.
    type Case = (Files, String, &'static [(&'static str, usize)]);
    let cases: [Case; 14] = [
        (
            [train.clone(), test.clone()].concat(),
            folders(r#"train: "train", test: "test""#),
            &[],
        ),
        (
            [train.clone(), flat("test/", 4)].concat(),
            one_folder("train"),
            &[("test", 4)],
        ),
        (
            [train.clone(), flat("test/test/", 4)].concat(),
            one_folder("train"),
            &[("test", 4)],
        ),
        (
            [train.clone(), flat("test/unknown/", 4)].concat(),
            one_folder("train"),
            &[("test", 4)],
        ),
        ([train.clone(), flat("", 4)].concat(), one_folder("train"), &[("", 4)]),
        (
            [train.clone(), photographs("valid/", 1), flat("test1/", 4)].concat(),
            folders(r#"train: "train", test: "valid""#),
            &[("test1", 4)],
        ),
        (
            [train.clone(), photographs("val/", 1), test.clone()].concat(),
            folders(r#"train: "train", validation: "val", test: "test""#),
            &[],
        ),
        (
            [photographs("Training/", 3), photographs("Test/", 2)].concat(),
            folders(r#"train: "Training", test: "Test""#),
            &[],
        ),
        (
            enclosed(
                &[photographs("training_set/", 3), photographs("test_set/", 2)].concat(),
                "archive/images",
            ),
            folders(r#"train: "archive/images/training_set", test: "archive/images/test_set""#),
            &[],
        ),
        (
            [
                enclosed(&[train.clone(), test.clone()].concat(), "images"),
                flat("docs/", 1),
            ]
            .concat(),
            folders(r#"train: "images/train", test: "images/test""#),
            &[("docs", 1)],
        ),
        (kaggle.clone(), "Intel".to_owned(), &[]),
        (
            [kaggle.clone(), flat("seg_pred/seg_pred/", 5)].concat(),
            "Intel".to_owned(),
            &[("seg_pred", 5)],
        ),
        (
            [photographs("seg_train/seg_train/", 3), flat("seg_pred/", 5)].concat(),
            one_folder("seg_train"),
            &[("seg_pred", 5)],
        ),
        (
            photographs("", 3),
            "OneFolder(test_fraction: 0.2, seed: 0)".to_owned(),
            &[],
        ),
    ];
    for (files, layout, left_alone) in cases {
        let left_alone = left_alone
            .iter()
            .map(|(folder, images)| ((*folder).to_owned(), *images))
            .collect();
        assert_eq!(recognised(&files), (layout, left_alone));
    }
}

#[test]
fn several_folders_of_a_test_split_are_labels_whatever_their_names() {
    let root = TempDir::new().unwrap();
    let files = [photographs("train/", 2), flat("test/owl/", 2), flat("test/sky/", 2)].concat();
    write_folder(root.path(), &files);
    let found = recognise(root.path()).unwrap();
    assert_eq!(found.layout.to_string(), r#"Folders(train: "train", test: "test")"#);
}

#[test]
fn folders_that_are_named_like_splits_or_hold_what_others_do_not_are_no_classes() {
    let whole = "Write `layout: Folders(train: \"train\", test: \"test\")`";
    let own = "Write `layout: OneFolder(classes: [\"Zoo\", \"sea\"], test_fraction: 0.2, seed: 0)`";
    let cases: [(Files, &str, &str); 7] = [
        (
            [photographs("train/", 2), photographs("test/", 2)].concat(),
            "'test' is named like a split",
            whole,
        ),
        (
            [photographs("train/", 2), flat("test/", 9)].concat(),
            "'test' is named like a split",
            "Write `layout: OneFolder(folder: \"train\", test_fraction: 0.2, seed: 0)`",
        ),
        (
            [photographs("", 2), flat("Test1/", 9)].concat(),
            "'Test1' is named like a split",
            own,
        ),
        (
            [photographs("", 2), flat("train/", 9)].concat(),
            "'train' is named like a split",
            own,
        ),
        (
            [photographs("labelled/", 2), flat("others/", 9)].concat(),
            "'others' holds images, and 'labelled' holds folders of images",
            "Write `layout: OneFolder(folder: \"labelled\", test_fraction: 0.2, seed: 0)`",
        ),
        (
            [photographs("", 2), flat("owl/day/", 2), flat("owl/night/", 2)].concat(),
            "'Zoo' holds images, and 'owl' holds folders of images",
            own,
        ),
        (
            [flat("train/", 2), flat("test/", 9)].concat(),
            "'test' is named like a split",
            "Name the classes, as in `layout: OneFolder(classes: ",
        ),
    ];
    // Of a single folder its name is not what is wrong.
    let root = TempDir::new().unwrap();
    write_folder(root.path(), &flat("train/", 3));
    assert!(message(&one_folder(0.4), root.path()).contains("of two classes or more"));
    for (files, problem, advice) in cases {
        let root = TempDir::new().unwrap();
        write_folder(root.path(), &files);
        let said = message(&one_folder(0.2), root.path());
        assert!(said.contains(problem) && said.contains(advice), "{said}");
        // What is to be written is what is recognised, or nothing is.
        let found = recognise(root.path()).map(|found| format!("Write `layout: {}`", found.layout));
        assert!(found.unwrap_or_else(|error| error.to_string()).contains(advice));
    }
}

#[test]
fn classes_that_are_named_are_classes_whatever_their_names() {
    let root = TempDir::new().unwrap();
    let files = [
        photographs("vehicles/", 4),
        flat("vehicles/train/", 4),
        flat("vehicles/test/", 4),
    ]
    .concat();
    write_folder(root.path(), &files);
    let layout = |classes: &[&str]| Layout::OneFolder {
        folder: Some("vehicles".to_owned()),
        classes: Some(classes.iter().map(|class| (*class).to_owned()).collect()),
        test_fraction: 0.25,
        seed: 0,
    };
    let data = open(&layout(&["train", "sea"]), Some(root.path())).unwrap();
    assert_eq!(data.classes, ["sea", "train"]);
    assert_eq!(
        (data.train.class_counts(), data.test.class_counts()),
        (vec![3, 3], vec![1, 1])
    );
    let said = message(&layout(&["train", "plane"]), root.path());
    assert!(said.contains("does not hold 'vehicles/plane/<image>'"), "{said}");
    let said = message(&layout(&["train"]), root.path());
    assert!(
        said.contains("'vehicles/<class>/<image>' of two classes or more"),
        "{said}"
    );
}

#[test]
fn two_folders_for_one_split_are_not_chosen_between() {
    let twice = [
        photographs("train1/", 2),
        photographs("train2/", 2),
        photographs("test/", 2),
    ]
    .concat();
    let (said, _) = recognised(&twice);
    assert!(
        said.contains("'train1' and 'train2' could both be the same split. Name the folders"),
        "{said}"
    );
    let plain = [twice, photographs("train/", 2)].concat();
    let left_alone = [("train1", 4), ("train2", 4)].map(|(folder, images)| (folder.to_owned(), images));
    let layout = "Folders(train: \"train\", test: \"test\")".to_owned();
    assert_eq!(recognised(&plain), (layout, left_alone.to_vec()));
    let of_classes = [photographs("cat/train/", 2), photographs("dog/train/", 2)].concat();
    let (said, _) = recognised(&of_classes);
    assert!(said.contains("more than once, in 'cat/' and in 'dog/'"), "{said}");
}

#[test]
fn validation_images_are_a_split_of_their_own() {
    let root = TempDir::new().unwrap();
    let mut all = [
        photographs("train/", 3),
        photographs("val/", 2),
        photographs("test/", 1),
    ]
    .concat();
    all.push(("val/notes.txt".to_owned(), Vec::new()));
    write_folder(root.path(), &all);
    let layout = Layout::Folders {
        train: "train".to_owned(),
        validation: Some("val".to_owned()),
        test: "test".to_owned(),
    };
    let data = open(&layout, Some(root.path())).unwrap();
    let sizes = [&data.train, data.validation.as_ref().unwrap(), &data.test].map(|split| split.class_counts());
    assert_eq!(sizes, [[3, 3], [2, 2], [1, 1]]);
    write_folder(root.path(), &flat("val/owl/", 1));
    let said = message(&layout, root.path());
    assert!(
        said.contains("class 'owl' has validation images but no training image"),
        "{said}"
    );
    fs::remove_dir_all(root.path().join("val")).unwrap();
    let said = message(&layout, root.path());
    let expected = "all of 'train/<class>/<image>' and 'val/<class>/<image>' and 'test/<class>/<image>'";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn classes_match_however_unicode_writes_their_accents() {
    let (composed, decomposed) = ("for\u{ea}t", "fore\u{302}t");
    let files = |train: &[&str], test: &[&str]| -> Files {
        let of = |split: &str, classes: &[&str]| {
            let classes = classes.iter().chain(&["ville"]);
            classes
                .flat_map(|class| flat(&format!("{split}/{class}/"), 2))
                .collect::<Files>()
        };
        [of("train", train), of("test", test)].concat()
    };
    for (train, test) in [(composed, decomposed), (decomposed, composed)] {
        let root = TempDir::new().unwrap();
        let zip = root.path().join("data.zip");
        write_zip(&zip, &files(&[train], &[test]));
        let data = open(&plain(), Some(&zip)).unwrap();
        assert_eq!(data.classes, [composed, "ville"]);
        assert_eq!(data.test.class_counts(), [2, 2]);
    }
    let root = TempDir::new().unwrap();
    let zip = root.path().join("data.zip");
    write_zip(&zip, &files(&[composed, decomposed], &[composed]));
    let said = message(&plain(), &zip);
    assert!(
        said.contains("differ only in how Unicode writes their accents (fore\\u{302}t and for\\u{ea}t): join them"),
        "{said}"
    );
}
