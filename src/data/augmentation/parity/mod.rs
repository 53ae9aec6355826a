//! Parity with Keras for given parameters: `expected.json` was printed by `expected.py` beside it.

use image::{Rgb, RgbImage};
use serde::Deserialize;

use super::AugmentationParameters;

/// The largest difference from Keras, of 255; the expected values are rounded to four decimals.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Case {
    name: String,
    parameters: KerasParameters,
    pixels: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KerasParameters {
    theta: f64,
    tx: f64,
    ty: f64,
    zx: f64,
    zy: f64,
    channel_shift_intensity: Option<f32>,
    flip_horizontal: bool,
    flip_vertical: bool,
    brightness: Option<f32>,
}

impl Default for KerasParameters {
    fn default() -> Self {
        Self {
            theta: 0.0,
            tx: 0.0,
            ty: 0.0,
            zx: 1.0,
            zy: 1.0,
            channel_shift_intensity: None,
            flip_horizontal: false,
            flip_vertical: false,
            brightness: None,
        }
    }
}

impl From<KerasParameters> for AugmentationParameters {
    fn from(keras: KerasParameters) -> Self {
        Self {
            rotation_degrees: keras.theta,
            shift_columns: keras.tx,
            shift_rows: keras.ty,
            zoom_columns: keras.zx,
            zoom_rows: keras.zy,
            channel_shift: keras.channel_shift_intensity,
            flip_horizontal: keras.flip_horizontal,
            flip_vertical: keras.flip_vertical,
            brightness: keras.brightness,
        }
    }
}

/// The image of `expected.py`.
fn image() -> RgbImage {
    RgbImage::from_fn(8, 8, |column, row| {
        Rgb([0, 1, 2].map(|channel| (20 + (37 * row + 59 * column + 83 * channel + 7 * row * column) % 200) as u8))
    })
}

#[test]
fn every_change_alone_and_all_together_give_the_pixels_of_keras() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("expected.json")).unwrap();
    assert_eq!(cases.len(), 11);
    for Case {
        name,
        parameters,
        pixels,
    } in cases
    {
        let actual = AugmentationParameters::from(parameters).apply(&image());
        assert_eq!(actual.len(), pixels.len(), "{name}");
        let worst = actual
            .iter()
            .zip(&pixels)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst <= TOLERANCE, "{name}: differs by {worst}");
    }
}
