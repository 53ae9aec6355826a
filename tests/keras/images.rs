//! From decoded pixels to the network's input.

use image::RgbImage;
use serde_json::Value;
use wise_srnet::data::{AugmentationParameters, preprocess, resize};

use crate::formula;
use crate::golden::{Golden, Worst};

/// Of 255: the last bit of a sine may differ from machine to machine.
const TOLERANCE: f64 = 1e-4;

fn image(seed: u64, key: &str, width: u32, height: u32) -> RgbImage {
    let pixels = formula::pixels(seed, key, (width * height * 3) as usize);
    RgbImage::from_raw(width, height, pixels).unwrap()
}

#[test]
fn images_are_resized_as_by_pillow() {
    let mut golden = Golden::open("images");
    let (seed, keras) = (golden.seed(), golden.tensors("resized"));
    let sizes = [
        (5, 7, 20),
        (31, 17, 20),
        (20, 20, 20),
        (21, 40, 20),
        (150, 150, 224),
        (500, 375, 224),
        (640, 480, 512),
    ];
    assert_eq!(keras.len(), sizes.len());
    for (width, height, size) in sizes {
        let name = format!("{width}x{height} to {size}");
        let resized = resize::nearest(image(seed, &name, width, height), size);
        let ours: Vec<f32> = resized.as_raw().iter().copied().map(f32::from).collect();
        assert_eq!(keras.compare(&name, &ours).difference, 0.0, "{name}");
    }
}

#[test]
fn every_augmentation_alone_and_all_together_give_keras_pixels_and_inputs() {
    let mut golden = Golden::open("images");
    let (seed, size) = (golden.seed(), golden.count("size") as u32);
    let (augmented, preprocessed) = (golden.tensors("augmented"), golden.tensors("preprocessed"));
    let cases = golden.fact("cases").as_array().unwrap();
    assert_eq!(cases.len(), augmented.len());
    let mut worst = Worst::default();
    for (number, case) in cases.iter().enumerate() {
        let image = image(seed, &format!("augmented {number}"), size, size);
        let mut pixels = parameters(case).apply(&image);
        let number = number.to_string();
        worst.add(&number, augmented.compare(&number, &pixels).difference);
        preprocess::caffe(&mut pixels);
        worst.add(&number, preprocessed.compare(&number, &pixels).difference);
    }
    worst.assert_within(TOLERANCE, "augmented pixels, of 255");
}

/// Keras' dictionary of an image's changes in our terms.
fn parameters(case: &Value) -> AugmentationParameters {
    let number = |name: &str| case[name].as_f64().unwrap();
    let optional = |name: &str| case[name].as_f64().map(|value| value as f32);
    AugmentationParameters {
        rotation_degrees: number("theta"),
        shift_columns: number("tx"),
        shift_rows: number("ty"),
        zoom_columns: number("zx"),
        zoom_rows: number("zy"),
        channel_shift: optional("channel_shift_intensity"),
        flip_horizontal: case["flip_horizontal"].as_bool().unwrap(),
        flip_vertical: case["flip_vertical"].as_bool().unwrap(),
        brightness: optional("brightness"),
    }
}
