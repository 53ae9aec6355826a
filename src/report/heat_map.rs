//! A photograph with what each of its places speaks for or against: a class activation map as a PNG.

use std::io::Cursor;
use std::path::Path;

use image::imageops::{FilterType, resize};
use image::{ImageFormat, Rgb, RgbImage};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{DrawingError, INK, OVERSAMPLING, Style, register_font, write};
use super::{ReportError, files};
use crate::atomic_file::System;
use crate::text::cut;

/// The shorter side of the photograph, in pixels, and the longest that the other may be.
const SIDE: u32 = 448;
const LONGEST: u32 = 1344;
const MARGIN: u32 = 16;
const TOP: u32 = 76;
const BOTTOM: u32 = 64;
/// What speaks for the class, and against it: apart for colour-blind eyes too.
const FOR: [f32; 3] = [213.0, 62.0, 10.0];
const AGAINST: [f32; 3] = [24.0, 90.0, 200.0];
/// How much of the photograph the strongest colour hides.
const OPACITY: f32 = 0.8;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct HeatMap<'a> {
    /// The photograph in any size; the cells divide all of it.
    pub photograph: &'a RgbImage,
    /// Rows and columns of cells.
    pub cells: [usize; 2],
    /// A number for each cell, row by row: how much it speaks for the class, or against it if it is negative.
    pub values: &'a [f32],
    /// The class.
    pub class: &'a str,
    /// Two lines above the picture.
    pub lines: [&'a str; 2],
}

/// Draws the photograph, the heat map beside it and a legend, and writes them as a PNG.
///
/// # Errors
/// [`ReportError::Drawing`] when the drawing library fails, [`ReportError::File`] when the file cannot be written.
pub fn write_heat_map(path: &Path, map: &HeatMap<'_>) -> Result<(), ReportError> {
    let bytes = draw(map).map_err(|error| ReportError::Drawing {
        path: path.to_path_buf(),
        reason: error.to_string(),
    })?;
    files::replace(&System, path, &bytes)
}

fn draw(map: &HeatMap<'_>) -> Result<Vec<u8>, DrawingError> {
    let [width, height] = panel(map.photograph);
    let photograph = resize(map.photograph, width, height, FilterType::Triangle);
    let heat = overlay(&photograph, map);
    let mut page = words(map, [3 * MARGIN + 2 * width, TOP + height + BOTTOM])?;
    image::imageops::replace(&mut page, &photograph, i64::from(MARGIN), i64::from(TOP));
    image::imageops::replace(&mut page, &heat, i64::from(2 * MARGIN + width), i64::from(TOP));
    let bar = scale(width / 2);
    let left = 2 * MARGIN + width + width / 4;
    image::imageops::replace(&mut page, &bar, i64::from(left), i64::from(TOP + height + 12));
    let mut bytes = Cursor::new(Vec::new());
    page.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// Width and height of the photograph on the page.
fn panel(photograph: &RgbImage) -> [u32; 2] {
    let (width, height) = photograph.dimensions();
    let scale = f64::from(SIDE) / f64::from(width.min(height).max(1));
    [width, height].map(|side| ((f64::from(side) * scale).round() as u32).clamp(SIDE, LONGEST))
}

/// The page with everything that is written on it.
fn words(map: &HeatMap<'_>, [width, height]: [u32; 2]) -> Result<RgbImage, DrawingError> {
    register_font()?;
    let size = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut pixels = vec![0xff; size.0 as usize * size.1 as usize * 3];
    {
        let canvas = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        let left = f64::from(MARGIN);
        let [title, sum] = map.lines;
        let characters = width as usize / 10;
        write(
            &canvas,
            &cut(title, characters),
            (left, 26.0),
            Style::new(19.0).colour(INK).bold(),
        )?;
        write(
            &canvas,
            &cut(sum, characters * 5 / 4),
            (left, 54.0),
            Style::new(14.0).colour(INK),
        )?;
        let photograph = f64::from(width - 3 * MARGIN) / 2.0;
        let middle = 2.0 * left + 1.5 * photograph;
        let line = f64::from(height - BOTTOM) + 21.0;
        let small = Style::new(14.0).colour(INK);
        let largest = largest(map.values);
        let ends = [
            (-largest, middle - photograph / 4.0 - 8.0, HPos::Right),
            (largest, middle + photograph / 4.0 + 8.0, HPos::Left),
        ];
        for (value, place, anchor) in ends {
            write(&canvas, &signed(value), (place, line), small.anchor(anchor))?;
        }
        let class = cut(map.class, 24);
        let legend = format!("a cell speaks against (blue) or for (red) {class}");
        write(&canvas, &legend, (middle, line + 24.0), small.anchor(HPos::Center))?;
        canvas.present()?;
    }
    let page = RgbImage::from_raw(size.0, size.1, pixels).ok_or("the canvas has another size than its image")?;
    Ok(resize(&page, width, height, FilterType::Triangle))
}

fn signed(value: f32) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value.abs() < 0.01 {
        format!("{value:+.1e}")
    } else {
        format!("{value:+.2}")
    }
}

/// The largest magnitude: where the colours are strongest.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// The photograph in grey, coloured by the cells; between their centres the values are interpolated.
fn overlay(photograph: &RgbImage, map: &HeatMap<'_>) -> RgbImage {
    let (width, height) = photograph.dimensions();
    let [rows, columns] = map.cells;
    let across: Vec<Between> = (0..width).map(|x| Between::of(x, width, columns)).collect();
    let largest = largest(map.values);
    RgbImage::from_fn(width, height, |x, y| {
        let (row, column) = (Between::of(y, height, rows), across[x as usize]);
        let at = |row: usize| column.mix(|column| map.values.get(row * columns + column).copied().unwrap_or(0.0));
        let value = if largest > 0.0 { row.mix(at) / largest } else { 0.0 };
        coloured(photograph.get_pixel(x, y).0, value)
    })
}

/// Two cells and how far between their centres a pixel lies.
#[derive(Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

impl Between {
    fn of(pixel: u32, pixels: u32, cells: usize) -> Self {
        let last = cells.saturating_sub(1);
        let place = (pixel as f32 + 0.5) / pixels as f32 * cells as f32 - 0.5;
        let place = place.clamp(0.0, last as f32);
        let first = place as usize;
        Self {
            first,
            second: (first + 1).min(last),
            share: place - first as f32,
        }
    }

    fn mix(self, value: impl Fn(usize) -> f32) -> f32 {
        (1.0 - self.share) * value(self.first) + self.share * value(self.second)
    }
}

/// A pixel in grey, lightened so that colours show in its shadows, under the colour of a value from −1 to 1.
fn coloured(pixel: [u8; 3], value: f32) -> Rgb<u8> {
    let [red, green, blue] = pixel.map(f32::from);
    let grey = 60.0 + 0.75 * (0.299 * red + 0.587 * green + 0.114 * blue);
    let colour = if value < 0.0 { AGAINST } else { FOR };
    let strength = OPACITY * value.abs().powf(0.8);
    Rgb(colour.map(|channel| ((1.0 - strength) * grey + strength * channel).round() as u8))
}

/// The colours from −1 to 1 over a light grey.
fn scale(width: u32) -> RgbImage {
    let last = width.saturating_sub(1).max(1) as f32;
    RgbImage::from_fn(width, 16, |x, _| coloured([230; 3], 2.0 * x as f32 / last - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: &[f32], size: (u32, u32)) -> RgbImage {
        let map = HeatMap {
            photograph: &RgbImage::from_pixel(size.0, size.1, Rgb([120; 3])),
            cells: [2, 2],
            values,
            class: "sea",
            lines: ["sea", "logit"],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        write_heat_map(&path, &map).unwrap();
        image::open(path).unwrap().into_rgb8()
    }

    #[test]
    fn cells_are_coloured_by_their_sign_in_their_own_corner() {
        let page = picture(&[1.0, 0.0, 0.0, -1.0], (30, 30));
        let (left, top) = (2 * MARGIN + SIDE, TOP);
        let [red, _, blue] = page.get_pixel(left + 4, top + 4).0;
        assert!(red > blue + 100, "for: red");
        let [red, _, blue] = page.get_pixel(left + SIDE - 4, top + SIDE - 4).0;
        assert!(blue > red + 100, "against: blue");
        assert_eq!(page.get_pixel(left + SIDE - 4, top + 4).0, [150; 3], "neither: grey");
        assert_eq!(page.get_pixel(MARGIN + 4, TOP + 4).0, [120; 3], "the photograph");
    }

    #[test]
    fn a_photograph_of_any_shape_and_a_map_of_zeros_have_a_picture() {
        for (size, panel) in [
            ((1, 1), [SIDE, SIDE]),
            ((300, 200), [672, SIDE]),
            ((2, 900), [SIDE, LONGEST]),
        ] {
            let page = picture(&[0.0; 4], size);
            assert_eq!(page.dimensions(), (3 * MARGIN + 2 * panel[0], TOP + panel[1] + BOTTOM));
        }
    }
}
