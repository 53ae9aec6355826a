//! Runs that end with an error: what is said, and what is kept.

use std::fs;
use std::path::PathBuf;

use image::{Rgb, RgbImage};
use wise_srnet::data::{Loader, LoaderOptions, Order};
use wise_srnet::experiment::{Experiment, Plan, Registry};

use super::lab::{Lab, RUN, TINY};
use super::state::state;

#[test]
fn a_diverging_run_ends_with_the_step_and_the_learning_rate() {
    let lab = Lab::changed("learning_rate: 0.01", "learning_rate: 1e38");
    let ended = lab.run(&["tiny.ron"]);
    ended.assert_refused(
        1,
        &[
            "training diverged",
            "epoch 1, step ",
            "(learning rate 1e38)",
            "try a lower learning rate",
        ],
    );
    assert!(!lab.results(RUN).join("last.safetensors").exists());
}

/// Two classes of eight training images in files, two a step.
pub fn photographs() -> Lab {
    let generated = "layout: Generated(train_per_class: 6, test_per_class: 4, image_size: 64, seed: 0)";
    let text = TINY.replacen(
        generated,
        "layout: Folders(train: \"train\", test: \"test\"), path: \"photos\"",
        1,
    );
    let lab = Lab::with(
        &text
            .replacen("epochs: 5", "epochs: 1", 1)
            .replacen("batch_size: 16", "batch_size: 2", 1),
    );
    for (class, colour) in [("hill", 40), ("sea", 200)] {
        for (split, images) in [("train", 8), ("test", 2)] {
            for index in 0..images {
                let path = lab.path(&format!("photos/{split}/{class}/{index}.png"));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                RgbImage::from_pixel(20, 20, Rgb([colour, 10 * index, 90]))
                    .save(path)
                    .unwrap();
            }
        }
    }
    lab
}

/// The file of the image that comes first in the fifth step of seed 0's first epoch.
fn file_of_fifth_step(lab: &Lab) -> PathBuf {
    let text = lab
        .read("tiny.ron")
        .replace("\"photos\"", &format!("{:?}", lab.path("photos")));
    let registry = Registry::builtin();
    let plan = Plan::new(Experiment::parse(&text, "tiny.ron").unwrap(), &registry).unwrap();
    let options = LoaderOptions {
        image_size: 64,
        batch_size: 2,
        order: Order::Shuffled,
        augmentation: None,
        seed: 0,
        epoch: 0,
        first_batch: 4,
    };
    let batch = Loader::new(&plan.splits.train, options)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    PathBuf::from(plan.splits.train.name(batch.indices[0]))
}

#[test]
fn an_image_that_cannot_be_read_is_named_and_no_step_before_it_is_lost() {
    let (mended, whole) = (photographs(), photographs());
    whole.train(&[]);
    let file = file_of_fifth_step(&mended);
    let good = fs::read(&file).unwrap();
    fs::write(&file, "no image").unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    mended
        .run(&["tiny.ron"])
        .assert_refused(1, &["photos/train/", name, "cannot decode image"]);
    assert_eq!(mended.position().batches, 4);
    fs::write(&file, good).unwrap();
    let ended = mended.train(&[]);
    assert!(ended.stderr.contains("resumes at epoch 1, batch 5"), "{}", ended.stderr);
    assert_eq!(state(&mended.results(RUN)), state(&whole.results(RUN)));
}

#[test]
fn a_run_that_has_trained_nothing_leaves_no_state() {
    let lab = photographs();
    for (class, index) in ["hill", "sea"]
        .into_iter()
        .flat_map(|class| (0..8).map(move |index| (class, index)))
    {
        lab.write(&format!("photos/train/{class}/{index}.png"), "no image");
    }
    lab.run(&["tiny.ron"])
        .assert_refused(1, &["photos/train/", "cannot decode image"]);
    assert!(!lab.results(RUN).join("last.safetensors").exists());
}

#[test]
fn a_test_image_that_cannot_be_read_does_not_cost_the_epoch() {
    let lab = photographs();
    lab.write("photos/test/sea/0.png", "no image");
    lab.run(&["tiny.ron"]).assert_refused(1, &["photos/test/sea/0.png"]);
    assert_eq!(lab.position().batches, 8);
    RgbImage::new(20, 20).save(lab.path("photos/test/sea/0.png")).unwrap();
    let ended = lab.train(&[]);
    assert!(
        ended.stderr.contains("resumes at epoch 1, evaluation\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(lab.position().steps, 8, "no step is repeated");
}

#[test]
fn a_run_that_learns_nothing_says_so_once_and_its_report_says_it_too() {
    let lab = Lab::changed("learning_rate: 0.01", "learning_rate: 1e-30");
    let said = "wise_srnet_dropout seed 0: the training ";
    let five = lab.train(&[]);
    assert!(
        !five.stderr.contains(said),
        "five epochs are too few to judge: {}",
        five.stderr
    );
    let more = lab.train(&["--epochs", "8"]);
    assert_eq!(more.stderr.matches(said).count(), 1, "{}", more.stderr);
    assert!(
        more.stderr.contains(": check the labels and the learning rate\n"),
        "{}",
        more.stderr
    );
    let report = fs::read_to_string(lab.results("report.html")).unwrap();
    assert_eq!(report.matches(said).count(), 1);
}
