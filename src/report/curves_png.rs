//! `accuracy.png`: training and test accuracy of all heads over epochs, with a font that the program brings along.

use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette::HeadStyle;
use super::panels::{Frame, Panel, accuracy_panels};
use super::runs::HeadRuns;
use super::{ReportError, atomic_file};

/// Everything is drawn this many times too large and scaled down, which smooths every edge.
const OVERSAMPLING: u32 = 2;
const WIDTH: u32 = 1600;
const PANEL_HEIGHT: f64 = 520.0;
const MARGIN: f64 = 44.0;
const TOP: f64 = 108.0;
const LEGEND_LINE: f64 = 40.0;
const INK: RGBColor = RGBColor(0x1d, 0x21, 0x27);
const QUIET: RGBColor = RGBColor(0x59, 0x60, 0x6b);
const GRID: RGBColor = RGBColor(0xe4, 0xe6, 0xea);
const FONT: &str = "report";

type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type DrawingError = Box<dyn std::error::Error + Send + Sync>;

/// Draws the accuracy curves of all heads and writes them as a PNG of 1600 px width.
///
/// # Errors
/// [`ReportError::Drawing`] when the drawing library fails, [`ReportError::File`] when the file cannot be written.
pub fn write_accuracy_png(
    path: &Path,
    title: &str,
    heads: &[HeadRuns],
    styles: &[HeadStyle],
) -> Result<(), ReportError> {
    let bytes = draw(title, heads, styles).map_err(|error| ReportError::Drawing {
        path: path.to_path_buf(),
        reason: error.to_string(),
    })?;
    atomic_file::replace(path, &bytes)
}

fn draw(title: &str, heads: &[HeadRuns], styles: &[HeadStyle]) -> Result<Vec<u8>, DrawingError> {
    register_font()?;
    let legend = Legend::place(styles);
    let height = (TOP + legend.height + PANEL_HEIGHT + 112.0) as u32;
    let size = (WIDTH * OVERSAMPLING, height * OVERSAMPLING);
    let mut pixels = vec![0xff; size.0 as usize * size.1 as usize * 3];
    {
        let canvas = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        write(
            &canvas,
            &shortened(title, 70),
            (MARGIN, 46.0),
            Style::new(32.0).colour(INK).bold(),
        )?;
        legend.draw(&canvas, styles)?;
        let gap = 116.0;
        let width = (f64::from(WIDTH) - 2.0 * MARGIN - gap - 64.0) / 2.0;
        for (place, panel) in accuracy_panels(heads).iter().enumerate() {
            let left = MARGIN + 64.0 + place as f64 * (width + gap);
            let frame = Frame {
                left,
                top: TOP + legend.height + 28.0,
                width,
                height: PANEL_HEIGHT,
            };
            draw_panel(&canvas, panel, frame, heads, styles)?;
        }
        canvas.present()?;
    }
    let image =
        image::RgbImage::from_raw(size.0, size.1, pixels).ok_or("the canvas has another size than its image")?;
    let image = image::imageops::resize(&image, WIDTH, height, image::imageops::FilterType::Triangle);
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn draw_panel(
    canvas: &Canvas<'_>,
    panel: &Panel,
    frame: Frame,
    heads: &[HeadRuns],
    styles: &[HeadStyle],
) -> Result<(), DrawingError> {
    write(
        canvas,
        panel.title,
        (frame.left, frame.top - 24.0),
        Style::new(24.0).colour(INK).bold(),
    )?;
    let tick = Style::new(21.0).colour(QUIET);
    for value in &panel.y.ticks {
        let y = frame.y(panel, *value);
        line(canvas, &[(frame.left, y), (frame.right(), y)], GRID, 1.5)?;
        write(
            canvas,
            &panel.y.label(*value),
            (frame.left - 12.0, y),
            tick.anchor(HPos::Right),
        )?;
    }
    for epoch in &panel.x.ticks {
        let x = frame.x(panel, *epoch);
        line(canvas, &[(x, frame.bottom()), (x, frame.bottom() + 8.0)], QUIET, 1.5)?;
        write(
            canvas,
            &panel.x.label(*epoch),
            (x, frame.bottom() + 24.0),
            tick.anchor(HPos::Center),
        )?;
    }
    line(
        canvas,
        &[(frame.left, frame.bottom()), (frame.right(), frame.bottom())],
        QUIET,
        2.0,
    )?;
    let middle = (frame.left + frame.width / 2.0, frame.bottom() + 58.0);
    write(canvas, "epoch", middle, tick.anchor(HPos::Center))?;
    let side = (frame.left - 66.0, frame.top + frame.height / 2.0);
    write(canvas, panel.y_label(), side, tick.anchor(HPos::Center).upright())?;
    let mean_width = if panel.is_dense() { 2.75 } else { 4.0 };
    let strokes = panel.strokes(heads);
    if strokes.is_empty() {
        let centre = (frame.left + frame.width / 2.0, frame.top + frame.height / 2.0);
        write(canvas, "no epoch yet", centre, tick.anchor(HPos::Center))?;
    }
    for stroke in strokes {
        let style = &styles[stroke.head];
        let points: Vec<_> = stroke.points.iter().map(|point| frame.point(panel, *point)).collect();
        draw_stroke(canvas, &points, style, stroke.bold.then_some(mean_width))?;
    }
    Ok(())
}

/// A mean has a width of its own; a single seed is thin and pale.
fn draw_stroke(
    canvas: &Canvas<'_>,
    points: &[(f64, f64)],
    style: &HeadStyle,
    mean_width: Option<f64>,
) -> Result<(), DrawingError> {
    let [red, green, blue] = style.colour;
    let colour = RGBColor(red, green, blue).mix(if mean_width.is_some() { 1.0 } else { 0.45 });
    let width = mean_width.unwrap_or(1.5);
    if let [point] = points {
        canvas.draw(&Circle::new(pixel(*point), length(width + 3.0), colour.filled()))?;
    } else if style.dashed && mean_width.is_some() {
        let path = points.iter().map(|point| pixel(*point));
        canvas.draw(&DashedPathElement::new(
            path,
            length(13.0),
            length(8.0),
            colour.stroke_width(length(width)),
        ))?;
    } else {
        line(canvas, points, colour, width)?;
    }
    Ok(())
}

/// Where the names of the heads stand: in lines under the title, wrapped at the image's width.
struct Legend {
    places: Vec<(f64, f64)>,
    height: f64,
}

const KEY: f64 = 44.0;

impl Legend {
    fn place(styles: &[HeadStyle]) -> Self {
        let (mut x, mut y) = (MARGIN, 96.0);
        let mut places = Vec::new();
        for style in styles {
            let width = KEY + 12.0 + Self::text_width(&style.title) + 36.0;
            if x > MARGIN && x + width > f64::from(WIDTH) - MARGIN {
                (x, y) = (MARGIN, y + LEGEND_LINE);
            }
            places.push((x, y));
            x += width;
        }
        Self {
            places,
            height: y - 96.0 + LEGEND_LINE,
        }
    }

    fn text_width(title: &str) -> f64 {
        let font = FontDesc::new(FontFamily::Name(FONT), 22.0, FontStyle::Normal);
        font.box_size(&shortened(title, 40))
            .map_or(400.0, |(width, _)| f64::from(width))
    }

    fn draw(&self, canvas: &Canvas<'_>, styles: &[HeadStyle]) -> Result<(), DrawingError> {
        for ((x, y), style) in self.places.iter().zip(styles) {
            draw_stroke(canvas, &[(*x, *y), (x + KEY, *y)], style, Some(4.0))?;
            write(
                canvas,
                &shortened(&style.title, 40),
                (x + KEY + 12.0, *y),
                Style::new(22.0).colour(INK),
            )?;
        }
        Ok(())
    }
}

/// How a text is written; its place is the middle of its height.
#[derive(Clone, Copy)]
struct Style {
    size: f64,
    colour: RGBColor,
    anchor: HPos,
    bold: bool,
    upright: bool,
}

impl Style {
    fn new(size: f64) -> Self {
        Self {
            size,
            colour: INK,
            anchor: HPos::Left,
            bold: false,
            upright: false,
        }
    }

    fn colour(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    fn anchor(self, anchor: HPos) -> Self {
        Self { anchor, ..self }
    }

    fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    fn upright(self) -> Self {
        Self { upright: true, ..self }
    }
}

fn write(canvas: &Canvas<'_>, text: &str, place: (f64, f64), style: Style) -> Result<(), DrawingError> {
    let weight = if style.bold { FontStyle::Bold } else { FontStyle::Normal };
    let mut font = FontDesc::new(FontFamily::Name(FONT), style.size * f64::from(OVERSAMPLING), weight);
    // The line box is centred, but its lower part holds descenders, which most labels lack.
    let mut place = (place.0, place.1 + 0.1 * style.size);
    if style.upright {
        font = font.transform(FontTransform::Rotate270);
        place = (place.0 + 0.1 * style.size, place.1 - 0.1 * style.size);
    }
    let style = font.color(&style.colour).pos(Pos::new(style.anchor, VPos::Center));
    canvas.draw(&Text::new(text, pixel(place), style))?;
    Ok(())
}

fn line(
    canvas: &Canvas<'_>,
    points: &[(f64, f64)],
    colour: impl Into<RGBAColor>,
    width: f64,
) -> Result<(), DrawingError> {
    let points: Vec<_> = points.iter().map(|point| pixel(*point)).collect();
    canvas.draw(&PathElement::new(points, colour.into().stroke_width(length(width))))?;
    Ok(())
}

/// Coordinates stay within a few times the canvas, see [`Frame::point`].
fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    let scale = f64::from(OVERSAMPLING);
    ((x * scale).round() as i32, (y * scale).round() as i32)
}

fn length(value: f64) -> u32 {
    (value * f64::from(OVERSAMPLING)).round() as u32
}

fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_string();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}

/// Without a registered font plotters draws no text at all.
fn register_font() -> Result<(), &'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && plotters::style::register_font(FONT, FontStyle::Bold, dejavu::sans::bold()).is_ok()
    });
    if *registered {
        Ok(())
    } else {
        Err("the built-in font cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::row;
    use super::super::history::EpochRow;
    use super::super::palette::styles;
    use super::super::runs::group;
    use super::*;

    fn image_of(rows: &[EpochRow]) -> image::RgbImage {
        let heads = group([], rows);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        image::load_from_memory(&draw("A title", &heads, &styles).unwrap())
            .unwrap()
            .to_rgb8()
    }

    fn holds(image: &image::RgbImage, colour: [u8; 3]) -> bool {
        image
            .pixels()
            .any(|pixel| pixel.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3))
    }

    #[test]
    fn each_head_has_its_colour_in_the_image() {
        let rows: Vec<_> = (1..=5)
            .flat_map(|e| [row("gap", 0, e, 0.5), row("flatten_fc", 0, e, 0.6)])
            .collect();
        let image = image_of(&rows);
        assert_eq!(image.width(), 1600);
        for style in styles(["gap", "flatten_fc"]) {
            assert!(holds(&image, style.colour), "{style:?}");
        }
        assert!(!holds(&image, styles(["wise_srnet"])[0].colour));
    }

    #[test]
    fn text_is_drawn_even_without_any_row() {
        let image = image_of(&[]);
        assert!(image.pixels().filter(|pixel| pixel.0.iter().all(|c| *c < 0x60)).count() > 500);
    }

    #[test]
    fn one_epoch_and_values_that_are_not_finite_draw() {
        let rows = [
            row("gap", 0, 1, 0.5),
            row("wise_srnet", 0, 1, f64::NAN),
            row("depthwise", 0, u64::MAX, 1e300),
        ];
        assert!(holds(&image_of(&rows[..1]), styles(["gap"])[0].colour));
        image_of(&rows);
    }
}
