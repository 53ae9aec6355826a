//! Text and lines on a bitmap or in an SVG file, in the image's own pixels and with the font that the program brings along.

use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use image::{ImageFormat, RgbImage, imageops};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{ReportError, files};
use crate::atomic_file::Disk;
use crate::text::one_line;

/// Everything is drawn this many times too large and scaled down, which smooths every edge.
pub const OVERSAMPLING: u32 = 2;
/// The colour of titles and names.
pub const INK: RGBColor = RGBColor(0x1d, 0x21, 0x27);
/// The font's name in plotters.
pub const FONT: &str = "report";
/// The font's name in SVG files, with what stands in for it where a reader lacks it.
pub const SVG_FONTS: &str = "DejaVu Sans, Verdana, sans-serif";

/// What is drawn on.
pub type Canvas<B> = DrawingArea<B, Shift>;
/// What plotters and the encoder may answer.
pub type DrawingError = Box<dyn std::error::Error + Send + Sync>;

/// How a text is written; its place is the middle of its height.
#[derive(Clone, Copy)]
pub struct Style {
    size: f64,
    colour: RGBColor,
    anchor: HPos,
    bold: bool,
    upright: bool,
}

impl Style {
    /// Upright letters in ink, beginning at their place; `size` in pixels.
    pub fn new(size: f64) -> Self {
        Self {
            size,
            colour: INK,
            anchor: HPos::Left,
            bold: false,
            upright: false,
        }
    }

    /// In another colour.
    pub fn colour(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    /// Ending or centred at its place.
    pub fn anchor(self, anchor: HPos) -> Self {
        Self { anchor, ..self }
    }

    /// In bold letters.
    pub fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Turned to be read from below, as along a vertical axis.
    pub fn upright(self) -> Self {
        Self { upright: true, ..self }
    }
}

/// Writes a text in one line; its place is the middle of its height. Control characters can't stand in SVG.
pub fn write<B>(canvas: &Canvas<B>, text: &str, place: (f64, f64), style: Style) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    let weight = if style.bold { FontStyle::Bold } else { FontStyle::Normal };
    let mut font = FontDesc::new(FontFamily::Name(FONT), style.size * f64::from(OVERSAMPLING), weight);
    // The line box is centred, but its lower part holds descenders, which most labels lack.
    let mut place = (place.0, place.1 + 0.1 * style.size);
    if style.upright {
        font = font.transform(FontTransform::Rotate270);
        place = (place.0 + 0.1 * style.size, place.1 - 0.1 * style.size);
    }
    let style = font.color(&style.colour).pos(Pos::new(style.anchor, VPos::Center));
    canvas.draw(&Text::new(one_line(text), pixel(place), style))?;
    Ok(())
}

/// Draws a line through all points.
pub fn line<B>(
    canvas: &Canvas<B>,
    points: &[(f64, f64)],
    colour: impl Into<RGBAColor>,
    width: f64,
) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    let points: Vec<_> = points.iter().map(|point| pixel(*point)).collect();
    canvas.draw(&PathElement::new(points, colour.into().stroke_width(length(width))))?;
    Ok(())
}

/// Coordinates stay within a few times the canvas, see [`Frame::point`].
pub fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    let scale = f64::from(OVERSAMPLING);
    ((x * scale).round() as i32, (y * scale).round() as i32)
}

/// A length on the oversized canvas.
pub fn length(value: f64) -> u32 {
    (value * f64::from(OVERSAMPLING)).round() as u32
}

/// Something to be drawn on a canvas of either kind.
pub trait Drawing {
    /// Draws it.
    fn draw<B>(&self, canvas: &Canvas<B>) -> Result<(), DrawingError>
    where
        B: DrawingBackend<ErrorType: 'static>;
}

/// The size of a picture, in pixels of its PNG.
#[derive(Clone, Copy)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
}

impl Picture {
    /// Writes a drawing as `<path>.png` and `<path>.svg`.
    pub fn write(self, disk: &dyn Disk, path: &Path, drawing: &impl Drawing) -> Result<(), ReportError> {
        let (png, svg) = (path.with_extension("png"), path.with_extension("svg"));
        let failed = |path: &Path, error: DrawingError| ReportError::Drawing {
            path: path.to_path_buf(),
            reason: error.to_string(),
        };
        let bytes = self.png(drawing).map_err(|error| failed(&png, error))?;
        files::replace(disk, &png, &bytes)?;
        let text = self.svg(drawing).map_err(|error| failed(&svg, error))?;
        files::replace(disk, &svg, text.as_bytes())
    }

    /// The drawing as a PNG.
    pub fn png(self, drawing: &impl Drawing) -> Result<Vec<u8>, DrawingError> {
        register_font()?;
        let size = self.oversized();
        let mut pixels = vec![0xff; size.0 as usize * size.1 as usize * 3];
        let canvas = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        drawing.draw(&canvas)?;
        canvas.present()?;
        drop(canvas);
        let image = RgbImage::from_raw(size.0, size.1, pixels).ok_or("the canvas has another size than its image")?;
        let image = imageops::resize(&image, self.width, self.height, imageops::FilterType::Triangle);
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }

    /// The drawing as an SVG document.
    pub fn svg(self, drawing: &impl Drawing) -> Result<String, DrawingError> {
        register_font()?;
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, self.oversized()).into_drawing_area();
        canvas.fill(&WHITE)?;
        drawing.draw(&canvas)?;
        canvas.present()?;
        drop(canvas);
        Ok(svg.replace(
            &format!("font-family=\"{FONT}\""),
            &format!("font-family=\"{SVG_FONTS}\""),
        ))
    }

    fn oversized(self) -> (u32, u32) {
        (self.width * OVERSAMPLING, self.height * OVERSAMPLING)
    }
}

/// Without a registered font plotters draws no text at all.
pub fn register_font() -> Result<(), &'static str> {
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

/// Width of a text of the given size; a text that the font cannot measure counts as wide.
pub fn text_width(text: &str, size: f64) -> f64 {
    const WIDE: f64 = 400.0;
    if text.is_empty() {
        return 0.0;
    }
    if register_font().is_err() {
        return WIDE;
    }
    let font = FontDesc::new(FontFamily::Name(FONT), size, FontStyle::Normal);
    font.box_size(text).map_or(WIDE, |(width, _)| f64::from(width))
}
