//! Data sets whose splits are lists: the MIT Indoor Scenes, Sub-ImageNet and others like them, in folders and zip files,
//! and what is said of lists that are wrong.

mod data_files;

use std::io::Cursor;
use std::path::Path;

use data_files::{Files, enclosed, write_folder, write_zip};
use image::{ImageFormat, Rgb, RgbImage};
use ron::extensions::Extensions;
use tempfile::TempDir;
use wise_srnet::data::{Dataset, Layout, LeftOut, Split, open};

/// A picture in a colour of its own for every `(class, image)`.
fn picture(class: usize, image: usize) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(4, 3, Rgb([class as u8, image as u8, 7]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

const CLASSES: [&str; 3] = ["Zoo", "bakery", "inside bus"];

/// Four pictures of every class below `folder`; the last of each is in no list.
fn pictures(folder: &str) -> Files {
    let mut files = Files::new();
    for (class, name) in CLASSES.iter().enumerate() {
        for image in 0..4 {
            files.push((format!("{folder}{name}/{image}.jpg"), picture(class, image)));
        }
    }
    files
}

fn text(path: &str, content: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (path.to_owned(), content.into())
}

/// The lists of the pictures, as the MIT's site has them: the images 0 and 1 for training, 2 for the test, not in order.
fn mit_lists(folder: &str) -> Files {
    let train: String = [1, 0]
        .into_iter()
        .flat_map(|image| CLASSES.iter().rev().map(move |class| format!("{class}/{image}.jpg\n")))
        .collect();
    let test: String = CLASSES.iter().map(|class| format!("{class}/2.jpg\r\n")).collect();
    vec![
        text(&format!("{folder}TrainImages.txt"), train),
        text(&format!("{folder}TestImages.txt"), test.trim_end()),
    ]
}

/// The same lists as CSV files with backslashes.
fn csv_lists() -> Files {
    let rows = |images: &[usize]| -> String {
        let rows = images.iter().flat_map(|image| {
            CLASSES
                .iter()
                .map(move |class| format!("{class}\\{image}.jpg,{class}\r\n"))
        });
        rows.collect()
    };
    vec![
        text("train.csv", format!("\u{feff}filename,class\r\n{}", rows(&[1, 0]))),
        text("test.csv", format!("filename,class\r\n{}", rows(&[2]))),
    ]
}

fn mit(images: &str) -> Files {
    [pictures(images), mit_lists("")].concat()
}

/// Labels and pixels of all images, split by split.
fn samples(data: &Dataset) -> [Vec<(usize, Vec<u8>)>; 2] {
    let of_split = |split: &Split| {
        let sample = |index| (split.label(index), split.decode(index).unwrap().into_raw());
        (0..split.len()).map(sample).collect()
    };
    [of_split(&data.train), of_split(&data.test)]
}

/// What every form of the data set comes to: class by class, in the order of the file names.
fn expected() -> [Vec<(usize, Vec<u8>)>; 2] {
    let of = |images: &[usize]| {
        let sample = |class: usize, image: usize| (class, [class as u8, image as u8, 7].repeat(12));
        let classes = 0..CLASSES.len();
        classes
            .flat_map(|class| images.iter().map(move |&image| sample(class, image)))
            .collect()
    };
    [of(&[0, 1]), of(&[2])]
}

#[track_caller]
fn assert_expected(layout: &Layout, path: &Path) {
    let data = open(layout, Some(path)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(data.classes, CLASSES);
    assert_eq!(samples(&data), expected());
    assert_eq!((data.left_out, data.note), (LeftOut::default(), None));
}

/// What is said of a folder of these files.
fn message(layout: &Layout, files: &Files) -> String {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), files);
    let error = open(layout, Some(folder.path())).unwrap_err().to_string();
    error
        .replace(&folder.path().to_string_lossy().into_owned(), "DIR")
        .replace('\\', "/")
}

fn with(mut files: Files, path: &str, content: impl Into<Vec<u8>>) -> Files {
    files.retain(|(name, _)| name != path);
    files.push(text(path, content));
    files
}

#[test]
fn mit_indoor_is_found_with_its_lists_beside_or_above_its_images() {
    let root = TempDir::new().unwrap();
    for (form, files) in [
        mit("indoorCVPR_09/Images/"),
        mit("Images/"),
        enclosed(&mit("Images/"), "indoorCVPR_09"),
        [pictures("indoorCVPR_09/Images/"), mit_lists("lists/")].concat(),
    ]
    .iter()
    .enumerate()
    {
        let folder = root.path().join(form.to_string());
        write_folder(&folder, files);
        assert_expected(&Layout::MitIndoor, &folder);
    }
}

#[test]
fn mit_indoor_is_the_same_from_a_folder_from_the_zip_and_from_lists_beside_a_zip() {
    let root = TempDir::new().unwrap();
    let files = mit("indoorCVPR_09/Images/");
    let annotations = text("indoorCVPR_09annotations/Annotations/Zoo/0.xml", "<annotation/>");
    let resource_fork = text("__MACOSX/indoorCVPR_09/Images/Zoo/._0.jpg", "fork");
    let zip = root.path().join("archive.zip");
    write_zip(&zip, &[files.clone(), vec![annotations, resource_fork]].concat());
    assert_expected(&Layout::MitIndoor, &zip);

    let nested = root.path().join("nested.ZIP");
    write_zip(&nested, &enclosed(&files, "downloads/mit"));
    assert_expected(&Layout::MitIndoor, &nested);

    let downloads = root.path().join("downloads");
    write_folder(&downloads, &mit_lists(""));
    write_zip(&downloads.join("indoorCVPR_09.zip"), &pictures("indoorCVPR_09/Images/"));
    assert_expected(&Layout::MitIndoor, &downloads);
    let data = open(&Layout::MitIndoor, Some(&downloads)).unwrap();
    let name = data.train.name(0).replace('\\', "/");
    assert!(
        name.ends_with("downloads/indoorCVPR_09.zip/indoorCVPR_09/Images/Zoo/0.jpg"),
        "{name}"
    );
}

#[test]
fn an_unpacked_data_set_is_preferred_to_the_zip_that_lies_beside_it() {
    let root = TempDir::new().unwrap();
    let files = mit("indoorCVPR_09/Images/");
    write_folder(root.path(), &files);
    write_zip(&root.path().join("archive.zip"), &files);
    assert_expected(&Layout::MitIndoor, root.path());
    let data = open(&Layout::MitIndoor, Some(root.path())).unwrap();
    assert!(!data.train.name(0).contains("archive.zip"));
}

#[test]
fn sub_imagenet_is_the_same_from_a_folder_and_from_a_zip_with_backslashes_in_its_lists() {
    let root = TempDir::new().unwrap();
    let files = [pictures(""), csv_lists()].concat();
    let folder = root.path().join("folder");
    write_folder(&folder, &files);
    assert_expected(&Layout::SubImageNet, &folder);
    let zip = root.path().join("archive.zip");
    write_zip(&zip, &files);
    assert_expected(&Layout::SubImageNet, &zip);
}

#[test]
fn other_data_sets_name_their_lists_and_the_folder_where_listed_paths_begin() {
    let root = TempDir::new().unwrap();
    let own_names = |files: Files, train: &str, test: &str| {
        let [(_, train_list), (_, test_list)] = files.try_into().unwrap();
        vec![text(train, train_list), text(test, test_list)]
    };
    let files = [
        pictures("photographs/all/"),
        own_names(mit_lists(""), "lists/train.txt", "lists/val.txt"),
        own_names(csv_lists(), "tables/train.csv", "tables/val.csv"),
    ]
    .concat();
    write_folder(root.path(), &files);
    let images = Some("photographs/all".to_owned());
    let lists = Layout::Lists {
        train: "lists/train.txt".to_owned(),
        test: "lists/val.txt".to_owned(),
        images: images.clone(),
    };
    assert_expected(&lists, root.path());
    let csv = Layout::Csv {
        train: "train.csv".to_owned(),
        test: "val.csv".to_owned(),
        images,
    };
    assert_expected(&csv, root.path());
}

#[test]
fn a_csvs_other_columns_and_quotes_make_no_difference() {
    let root = TempDir::new().unwrap();
    let rows = |images: &[usize]| -> String {
        let row = |class: &&str, image: &usize| format!("\"a, b\",\"{class}\",3,\"{class}/{image}.jpg\"\n");
        let classes = CLASSES.iter();
        let rows: String = classes
            .flat_map(|class| images.iter().map(move |image| row(class, image)))
            .collect();
        format!("note,class,width,\"filename\"\n{rows}")
    };
    let lists = vec![text("train.csv", rows(&[1, 0])), text("test.csv", rows(&[2]))];
    write_folder(root.path(), &[pictures(""), lists].concat());
    assert_expected(&Layout::SubImageNet, root.path());
}

#[test]
fn a_missing_data_set_is_answered_with_where_to_get_it_and_where_to_put_it() {
    for (layout, parts) in [
        (
            Layout::MitIndoor,
            [
                "itsahmad/indoor-scenes-cvpr-2019",
                "data/mit_indoor/TrainImages.txt",
                "--data PATH",
            ],
        ),
        (
            Layout::SubImageNet,
            [
                "mohammadrahimzadeh/imagenet-70classes",
                "data/subimagenet/train.csv",
                "--data PATH",
            ],
        ),
    ] {
        let no_path = open(&layout, None).unwrap_err().to_string();
        let nothing_there = message(&layout, &vec![text("notes.txt", "")]);
        assert!(nothing_there.contains("(found there: notes.txt)"), "{nothing_there}");
        for part in parts {
            assert!(no_path.contains(part), "'{part}' in: {no_path}");
            assert!(nothing_there.contains(part), "'{part}' in: {nothing_there}");
        }
    }
}

#[test]
fn lists_without_their_folder_of_images_are_answered_with_what_is_missing() {
    let text = message(&Layout::MitIndoor, &mit_lists(""));
    assert!(text.starts_with("'DIR' does not hold 'Images/<image>'"), "{text}");
    let mut one_list = mit("Images/");
    one_list.retain(|(path, _)| path != "TestImages.txt");
    let one_list = message(&Layout::MitIndoor, &one_list);
    assert!(
        one_list.contains("both 'TrainImages.txt' and 'TestImages.txt'"),
        "{one_list}"
    );
}

#[test]
fn listed_names_match_files_and_each_other_however_unicode_writes_their_accents() {
    let (composed, decomposed) = ("for\u{ea}t", "fore\u{302}t");
    let files = |on_disk: &str, train: &str, test: &str| -> Files {
        let paths = [0, 1].map(|image| format!("{on_disk}/caf\u{e9}{image}.jpg"));
        let mut files: Files = paths.map(|path| (path, picture(0, 0))).into();
        files.push(text(
            "train.csv",
            format!("filename,class\n{train}/cafe\u{301}0.jpg,{train}\n"),
        ));
        files.push(text(
            "test.csv",
            format!("filename,class\n{test}/caf\u{e9}1.jpg,{test}\n"),
        ));
        files
    };
    for (on_disk, train, test) in [(composed, decomposed, composed), (decomposed, composed, decomposed)] {
        let root = TempDir::new().unwrap();
        let zip = root.path().join("data.zip");
        write_zip(&zip, &files(on_disk, train, test));
        let data = open(&Layout::SubImageNet, Some(&zip)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(data.classes, [composed]);
        assert_eq!((data.train.len(), data.test.len()), (1, 1));
    }
    // A name that is there as it is written is that file; one that could be two others is none.
    let root = TempDir::new().unwrap();
    let zip = root.path().join("data.zip");
    let mut both = files(composed, composed, composed);
    both.push((format!("{composed}/cafe\u{301}0.jpg"), picture(1, 1)));
    write_zip(&zip, &both);
    let data = open(&Layout::SubImageNet, Some(&zip)).unwrap();
    assert!(data.train.name(0).ends_with("cafe\u{301}0.jpg"));
    let listed = "filename,class\nfore\u{302}t/cafe\u{301}0.jpg,a\n";
    write_zip(&zip, &with(both, "train.csv", listed));
    let said = open(&Layout::SubImageNet, Some(&zip)).unwrap_err().to_string();
    assert!(
        said.contains("line 2: there are two files") && said.contains("caf\\u{e9}0.jpg"),
        "{said}"
    );
}

#[test]
fn a_listed_file_that_is_missing_is_named_with_its_line_and_the_number_of_others() {
    let mut files = mit("Images/");
    files.retain(|(path, _)| !path.ends_with("bakery/1.jpg") && !path.ends_with("bakery/0.jpg"));
    let text = message(&Layout::MitIndoor, &files);
    assert!(
        text.starts_with(
            "'DIR/TrainImages.txt', line 2: there is no file 'DIR/Images/bakery/1.jpg' (missing: 2 of the 6 listed images)"
        ),
        "{text}"
    );
}

#[test]
fn an_image_that_is_listed_twice_is_refused_with_both_lines() {
    let files = with(
        mit("Images/"),
        "TrainImages.txt",
        "Zoo/0.jpg\nbakery/0.jpg\n\nZoo\\0.jpg\n",
    );
    assert_eq!(
        message(&Layout::MitIndoor, &files),
        "'DIR/TrainImages.txt', line 4: 'Zoo/0.jpg' is already listed in 'DIR/TrainImages.txt', line 1: \
         remove one of the lines"
    );
    let files = with(mit("Images/"), "TrainImages.txt", "Zoo/0.jpg\n".repeat(5_000));
    let text = message(&Layout::MitIndoor, &files);
    assert!(text.ends_with("\n  and 979 more"), "a thousand are gathered: {text}");
    let files = with(mit("Images/"), "TestImages.txt", "Zoo/2.jpg\nbakery/1.jpg");
    let text = message(&Layout::MitIndoor, &files);
    assert!(
        text.starts_with(
            "'DIR/TestImages.txt', line 2: 'bakery/1.jpg' is already listed in 'DIR/TrainImages.txt', line 2"
        ),
        "{text}"
    );
}

#[test]
fn a_class_that_only_the_test_list_has_is_named() {
    let mut files = with(mit("Images/"), "TestImages.txt", "Zoo/2.jpg\ncloister/1.jpg");
    files.push(("Images/cloister/1.jpg".to_owned(), picture(9, 1)));
    let text = message(&Layout::MitIndoor, &files);
    assert!(
        text.starts_with("'DIR/TestImages.txt': class 'cloister' has test images but no training image"),
        "{text}"
    );
}

#[test]
fn a_bad_line_is_answered_with_the_lists_path_and_the_line() {
    let files = with(mit("Images/"), "TrainImages.txt", "Zoo/0.jpg\n../secret/1.jpg\n");
    let text = message(&Layout::MitIndoor, &files);
    assert!(
        text.starts_with("'DIR/TrainImages.txt', line 2: '../secret/1.jpg' has"),
        "{text}"
    );
    let csv = [pictures(""), csv_lists()].concat();
    let text = message(
        &Layout::SubImageNet,
        &with(csv.clone(), "test.csv", "image,class\nZoo/2.jpg,Zoo\n"),
    );
    assert!(
        text.starts_with("'DIR/test.csv', line 1: there is no column 'filename'"),
        "{text}"
    );
    let text = message(&Layout::SubImageNet, &with(csv, "train.csv", "filename,class\n"));
    assert!(text.starts_with("'DIR/train.csv' lists no images"), "{text}");
}

#[test]
fn a_layouts_names_cannot_leave_the_data_set() {
    for (train, images) in [
        ("../train.csv", None),
        ("/train.csv", None),
        ("train.csv", Some("..")),
        ("train.csv", Some("")),
    ] {
        let layout = Layout::Csv {
            train: train.to_owned(),
            test: "test.csv".to_owned(),
            images: images.map(str::to_owned),
        };
        assert!(
            message(&layout, &csv_lists()).contains("inside the data set"),
            "{train} {images:?}"
        );
    }
}

#[test]
fn a_damaged_zip_beside_the_lists_is_named_only_where_something_is_missing() {
    let named = "; cannot read zip file 'DIR/images.zip': it is not a zip file";
    let damaged = |files| with(files, "images.zip", "PK half of a download");
    let text = message(&Layout::MitIndoor, &damaged(mit_lists("")));
    assert!(
        text.contains("does not hold 'Images/<image>'") && text.contains(named),
        "{text}"
    );

    let mut incomplete = mit("Images/");
    incomplete.retain(|(path, _)| path != "Images/Zoo/0.jpg");
    let text = message(&Layout::MitIndoor, &damaged(incomplete));
    assert!(
        text.contains("there is no file 'DIR/Images/Zoo/0.jpg'") && text.ends_with(named),
        "{text}"
    );

    let root = TempDir::new().unwrap();
    write_folder(root.path(), &damaged(mit("Images/")));
    assert_expected(&Layout::MitIndoor, root.path());
}

#[cfg(unix)]
#[test]
fn what_is_not_listed_may_be_a_link_to_nowhere() {
    let root = TempDir::new().unwrap();
    write_folder(root.path(), &mit("Images/"));
    std::os::unix::fs::symlink("nowhere", root.path().join("Images/Zoo/9.jpg")).unwrap();
    assert_expected(&Layout::MitIndoor, root.path());
}

#[test]
fn a_quote_that_is_not_closed_is_refused_with_its_line_and_swallows_no_rows() {
    let files = [pictures(""), csv_lists()].concat();
    for (rows, line) in [
        (
            "Zoo/0.jpg,Zoo,\nbakery/0.jpg,\"bakery,\ninside bus/0.jpg,inside bus,\n",
            3,
        ),
        (
            "Zoo/0.jpg,Zoo,\"\nbakery/0.jpg,bakery,\ninside bus/0.jpg,inside bus,\n",
            2,
        ),
    ] {
        let list = format!("filename,class,note\n{rows}");
        let text = message(&Layout::SubImageNet, &with(files.clone(), "train.csv", list));
        let said = format!("'DIR/train.csv', line {line}: a quote opens here");
        assert!(text.starts_with(&said), "{text}");
    }
}

#[test]
fn lists_that_lie_in_two_zips_are_ambiguous() {
    let root = TempDir::new().unwrap();
    for name in ["one.zip", "two.zip"] {
        write_zip(&root.path().join(name), &mit("Images/"));
    }
    let text = open(&Layout::MitIndoor, Some(root.path())).unwrap_err().to_string();
    assert!(text.contains("in 'one.zip/' and in 'two.zip/'"), "{text}");
}

#[test]
fn layouts_of_lists_are_written_in_experiment_files_by_name() {
    let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
    let read = |text| options.from_str::<Layout>(text);
    assert_eq!(read("MitIndoor").unwrap(), Layout::MitIndoor);
    assert_eq!(read("SubImageNet").unwrap(), Layout::SubImageNet);
    let lists = |images: Option<&str>| Layout::Lists {
        train: "a.txt".to_owned(),
        test: "b.txt".to_owned(),
        images: images.map(str::to_owned),
    };
    assert_eq!(read(r#"Lists(train: "a.txt", test: "b.txt")"#).unwrap(), lists(None));
    assert_eq!(
        read(r#"Lists(train: "a.txt", test: "b.txt", images: "Images")"#).unwrap(),
        lists(Some("Images"))
    );
    assert!(matches!(
        read(r#"Csv(train: "a.csv", test: "b.csv")"#).unwrap(),
        Layout::Csv { images: None, .. }
    ));
    assert!(read(r#"Csv(train: "a.csv")"#).is_err());
}
