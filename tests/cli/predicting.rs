//! `predict`: a trained network on images of one's own.

use std::fs;

use serde_json::Value;
use wise_srnet::data::{Loader, LoaderOptions, Order};
use wise_srnet::experiment::{Experiment, HeadKind, Plan, Registry};
use wise_srnet::training::{Checkpoint, probabilities};

use super::lab::{Ended, Lab, RUN, TINY, files};

/// A trained network, and the test images of its data set as files in `photos/`, 2 in a folder below.
fn trained() -> Lab {
    let lab = Lab::new();
    lab.train(&["--epochs", "1", "--limit-train", "12", "--limit-test", "6"]);
    let registry = Registry::builtin();
    let plan = Plan::new(Experiment::parse(TINY, "tiny.ron").unwrap(), &registry).unwrap();
    fs::create_dir_all(lab.path("photos/more")).unwrap();
    for index in 0..IMAGES {
        let image = plan.splits.test.decode(index).unwrap();
        let folder = if index < 8 { "photos" } else { "photos/more" };
        image.save(lab.path(&format!("{folder}/{index}.png"))).unwrap();
    }
    lab
}

/// More than run through the network at once.
const IMAGES: usize = 10;

fn predict(lab: &Lab, arguments: &[&str]) -> Ended {
    let checkpoint = format!("reports/tiny/{RUN}/last.safetensors");
    lab.run(&[&["predict", "--checkpoint", &checkpoint], arguments].concat())
}

fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.stdout.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The probabilities of the first test images as the data pipeline and the network give them.
fn expected(lab: &Lab) -> Vec<Vec<f64>> {
    let checkpoint = Checkpoint::load(&lab.results(RUN).join("last.safetensors")).unwrap();
    let registry = Registry::builtin();
    let mut model = registry
        .build_named("mini_resnet", 64, HeadKind::WiseSrnetDropout, 0, 6)
        .unwrap();
    checkpoint.snapshot.restore(&mut *model, None).unwrap();
    let plan = Plan::new(Experiment::parse(TINY, "tiny.ron").unwrap(), &registry).unwrap();
    let options = LoaderOptions {
        image_size: 64,
        batch_size: IMAGES,
        order: Order::Sequential,
        augmentation: None,
        seed: 0,
        epoch: 0,
        first_batch: 0,
    };
    let batch = Loader::new(&plan.splits.test, options)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let logits = model.logits(batch.images, IMAGES).unwrap();
    logits.chunks_exact(6).map(probabilities).collect()
}

#[test]
fn a_folder_is_predicted_as_the_test_split_and_a_damaged_image_costs_no_other() {
    let lab = trained();
    let all = predict(&lab, &["photos", "--json", "--top", "100"]);
    assert_eq!((all.code, all.stderr.as_str()), (Some(0), ""));
    let names: Vec<String> = lines(&all)
        .iter()
        .map(|line| line["image"].as_str().unwrap().to_owned())
        .collect();
    let by_folder = (0..8).map(|index| format!("photos/{index}.png"));
    let all_names: Vec<String> = by_folder
        .chain((8..10).map(|index| format!("photos/more/{index}.png")))
        .collect();
    assert_eq!(names, all_names);
    let classes = Checkpoint::load(&lab.results(RUN).join("last.safetensors"))
        .unwrap()
        .identity
        .classes;
    for (line, expected) in lines(&all).iter().zip(expected(&lab)) {
        let likely = line["classes"].as_array().unwrap();
        assert_eq!(likely.len(), 6);
        let probability = |entry: &Value| entry["probability"].as_f64().unwrap();
        assert!(likely.is_sorted_by(|a, b| probability(a) >= probability(b)));
        for entry in likely {
            let class = classes
                .iter()
                .position(|class| entry["class"] == class.as_str())
                .unwrap();
            assert_eq!(probability(entry), expected[class], "{line}");
        }
    }

    lab.write("photos/3.png", "no image");
    fs::create_dir(lab.path("empty")).unwrap();
    let some = predict(
        &lab,
        &[
            "photos/2.png",
            "empty",
            "photos",
            "nowhere.jpg",
            "--json",
            "--top",
            "100",
        ],
    );
    let said = [
        "'photos/3.png'",
        "'nowhere.jpg'",
        "'empty' holds no images",
        "3 of 13 images could not be read",
    ];
    some.assert_refused(1, &said);
    let found = lines(&some);
    let failed: Vec<&Value> = found.iter().filter(|line| !line["error"].is_null()).collect();
    assert_eq!(
        failed.iter().map(|line| &line["image"]).collect::<Vec<_>>(),
        ["empty", "photos/3.png", "nowhere.jpg"]
    );
    assert!(failed.iter().all(|line| line["classes"].as_array().unwrap().is_empty()));
    let good: Vec<&Value> = found.iter().filter(|line| line["error"].is_null()).collect();
    let before = lines(&all);
    assert_eq!(good[0], &before[2]);
    let without_third = before.iter().enumerate().filter(|(index, _)| *index != 3);
    assert_eq!(good[1..], without_third.map(|(_, line)| line).collect::<Vec<_>>());
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_named_or_read_in_a_folder_costs_no_other_image() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let lab = trained();
    lab.write("photos/IMG_1.HEIC", "of a telephone");
    lab.write("photos/IMG_2.heic", "of a telephone");
    lab.write("photos/notes.txt", "no image");
    let quiet = predict(&lab, &["photos"]);
    let said = "note: 2 .heic files left out: convert to JPEG\n";
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), said));

    fs::write(lab.path("photos").join(OsStr::from_bytes(b"caf\xe9.png")), "no image").unwrap();
    std::os::unix::fs::symlink("nowhere", lab.path("photos/gone.png")).unwrap();
    let said = [
        "error: 'photos/caf\\xE9.png': the name is not valid Unicode; rename it",
        "error: cannot read 'photos/gone.png': it is a link to something that is not there",
        "2 of 12 images could not be read",
    ];
    let some = predict(&lab, &["photos", "--json"]);
    some.assert_refused(1, &said);
    let good = lines(&some).into_iter().filter(|line| line["error"].is_null());
    assert_eq!(good.count(), IMAGES);
}

#[test]
fn the_table_is_aligned_and_explanations_add_up() {
    let lab = trained();
    let ended = predict(&lab, &["photos", "photos/more/9.png", "--top", "2", "--explain", "why"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 11);
    assert!(ended.stdout.lines().all(|line| line.matches(" %").count() == 2));
    let widths: Vec<usize> = ended.stdout.lines().map(str::len).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("next: look at the heat maps in why"),
        "{}",
        ended.stderr
    );
    let pictures = files(&lab.path("why"));
    assert_eq!(pictures.len(), 11);
    assert!(pictures.contains(&"9-heat.png".to_owned()) && pictures.contains(&"9-heat-2.png".to_owned()));
    let picture = image::open(lab.path("why/0-heat.png")).unwrap();
    assert!(picture.width() >= 2 * 448 && picture.height() >= 448);

    let chosen = predict(
        &lab,
        &[
            "photos/0.png",
            "--json",
            "--explain",
            "why",
            "--class",
            "disc_above_square",
        ],
    );
    assert_eq!((chosen.code, chosen.stderr.as_str()), (Some(0), ""));
    let explanation = &lines(&chosen)[0]["explanation"];
    assert_eq!(
        (&explanation["class"], &explanation["file"]),
        (&"disc_above_square".into(), &"why/0-heat.png".into())
    );
    let number = |value: &Value| value.as_f64().unwrap();
    let rows = explanation["cells"].as_array().unwrap();
    assert!(rows.len() == 8 && rows.iter().all(|row| row.as_array().unwrap().len() == 8));
    let cells: f64 = rows.iter().flat_map(|row| row.as_array().unwrap()).map(number).sum();
    let (logit, bias) = (number(&explanation["logit"]), number(&explanation["bias"]));
    assert!((bias + cells - logit).abs() < 1e-4, "{bias} + {cells} is not {logit}");
}

#[test]
fn what_cannot_be_predicted_is_explained() {
    let lab = trained();
    predict(&lab, &["photos", "--explain", "why", "--class", "disc_above_sqare"]).assert_refused(
        1,
        &["unknown class `disc_above_sqare`", "did you mean `disc_above_square`?"],
    );
    predict(&lab, &["photos", "--class", "disc_above_square"]).assert_refused(2, &["--explain"]);
    predict(&lab, &[]).assert_refused(2, &["IMAGE"]);
    lab.write_image("dot.bmp");
    assert_eq!(predict(&lab, &["dot.bmp"]).code, Some(0));
    let steering = "\u{1b}[2Jtext\r\u{202e}.png";
    lab.write(steering, "no image");
    let refused = predict(&lab, &[steering]);
    refused.assert_refused(1, &["?[2Jtext????.png"]);
    let read = predict(&lab, &[steering, "--json"]);
    assert_eq!(lines(&read)[0]["image"], steering);
    lab.run(&["predict", "--checkpoint", "tiny.ron", "dot.bmp"])
        .assert_refused(1, &["tiny.ron", "not a readable safetensors file"]);
    assert!(!lab.path("why").exists());
}
