//! `accuracy`, `loss` and `learning_rate` over epochs as PNG and SVG, for papers and slides: always on white, with a
//! font that the program brings along.

use std::path::Path;

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::ReportError;
use super::canvas::{Canvas, Drawing, DrawingError, INK, Picture, Style, length, line, pixel, text_width, write};
use super::palette::HeadStyle;
use super::panels::{Frame, Panel};
use super::runs::HeadRuns;
use crate::atomic_file::Disk;
use crate::text::cut;

const WIDTH: u32 = 1600;
const PANEL_HEIGHT: f64 = 520.0;
const MARGIN: f64 = 44.0;
const TOP: f64 = 108.0;
const LEGEND_LINE: f64 = 40.0;
const QUIET: RGBColor = RGBColor(0x59, 0x60, 0x6b);
const GRID: RGBColor = RGBColor(0xe4, 0xe6, 0xea);

/// Draws panels beside each other and writes them as `<path>.png` of 1600 px width and as `<path>.svg`.
///
/// # Errors
/// [`ReportError::Drawing`] when the drawing library fails, [`ReportError::File`] when a file cannot be written.
pub fn write_curves(
    disk: &dyn Disk,
    path: &Path,
    title: &str,
    panels: &[Panel],
    heads: &[HeadRuns],
    styles: &[HeadStyle],
) -> Result<(), ReportError> {
    let curves = curves(title, panels, heads, styles);
    curves.picture().write(disk, path, &curves)
}

fn curves<'a>(title: &'a str, panels: &'a [Panel], heads: &'a [HeadRuns], styles: &'a [HeadStyle]) -> Curves<'a> {
    Curves {
        title,
        legend: Legend::place(styles),
        panels,
        heads,
        styles,
    }
}

struct Curves<'a> {
    title: &'a str,
    legend: Legend,
    panels: &'a [Panel],
    heads: &'a [HeadRuns],
    styles: &'a [HeadStyle],
}

impl Curves<'_> {
    fn picture(&self) -> Picture {
        Picture {
            width: WIDTH,
            height: (TOP + self.legend.height + PANEL_HEIGHT + 112.0) as u32,
        }
    }
}

impl Drawing for Curves<'_> {
    fn draw<B>(&self, canvas: &Canvas<B>) -> Result<(), DrawingError>
    where
        B: DrawingBackend<ErrorType: 'static>,
    {
        write(
            canvas,
            &cut(self.title, 70),
            (MARGIN, 46.0),
            Style::new(32.0).colour(INK).bold(),
        )?;
        self.legend.draw(canvas, self.styles)?;
        let (gap, count) = (132.0, self.panels.len().max(1) as f64);
        let width = (f64::from(WIDTH) - 2.0 * MARGIN - 80.0 - gap * (count - 1.0)) / count;
        for (place, panel) in self.panels.iter().enumerate() {
            let frame = Frame {
                left: MARGIN + 80.0 + place as f64 * (width + gap),
                top: TOP + self.legend.height + 28.0,
                width,
                height: PANEL_HEIGHT,
            };
            draw_panel(canvas, panel, frame, self.heads, self.styles)?;
        }
        Ok(())
    }
}

fn draw_panel<B>(
    canvas: &Canvas<B>,
    panel: &Panel,
    frame: Frame,
    heads: &[HeadRuns],
    styles: &[HeadStyle],
) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
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
    for band in panel.bands(heads) {
        let outline: Vec<_> = band
            .outline
            .iter()
            .map(|point| pixel(frame.point(panel, *point)))
            .collect();
        canvas.draw(&Polygon::new(outline, colour(&styles[band.head]).mix(0.16)))?;
    }
    for stroke in strokes.iter().filter(|stroke| stroke.bold) {
        let style = &styles[stroke.head];
        let points: Vec<_> = stroke.points.iter().map(|point| frame.point(panel, *point)).collect();
        draw_stroke(canvas, &points, style, mean_width)?;
        if points.len() > 1 {
            for point in panel.marked(stroke) {
                draw_marker(canvas, frame.point(panel, point), style)?;
            }
        }
    }
    Ok(())
}

fn draw_stroke<B>(canvas: &Canvas<B>, points: &[(f64, f64)], style: &HeadStyle, width: f64) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    let colour = colour(style);
    if let [point] = points {
        canvas.draw(&Circle::new(pixel(*point), length(width + 3.0), colour.filled()))?;
    } else if style.dashed {
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

fn draw_marker<B>(canvas: &Canvas<B>, place: (f64, f64), style: &HeadStyle) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    let corners: Vec<_> = style.marker.corners(place, 6.0).into_iter().map(pixel).collect();
    canvas.draw(&Polygon::new(corners, colour(style).filled()))?;
    Ok(())
}

fn colour(style: &HeadStyle) -> RGBColor {
    let [red, green, blue] = style.colour;
    RGBColor(red, green, blue)
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
            let width = KEY + 12.0 + text_width(&cut(&style.title, 40), 22.0) + 36.0;
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

    fn draw<B>(&self, canvas: &Canvas<B>, styles: &[HeadStyle]) -> Result<(), DrawingError>
    where
        B: DrawingBackend<ErrorType: 'static>,
    {
        for ((x, y), style) in self.places.iter().zip(styles) {
            draw_stroke(canvas, &[(*x, *y), (x + KEY, *y)], style, 4.0)?;
            draw_marker(canvas, (x + KEY / 2.0, *y), style)?;
            write(
                canvas,
                &cut(&style.title, 40),
                (x + KEY + 12.0, *y),
                Style::new(22.0).colour(INK),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::epoch_row::EpochRow;
    use super::super::examples::row;
    use super::super::palette::styles;
    use super::super::panels::accuracy_panels;
    use super::super::runs::group;
    use super::*;

    fn image_of(rows: &[EpochRow]) -> image::RgbImage {
        let heads = group([], rows);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        let panels = accuracy_panels(&heads);
        let curves = curves("A title", &panels, &heads, &styles);
        let png = curves.picture().png(&curves).unwrap();
        image::load_from_memory(&png).unwrap().to_rgb8()
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
    fn the_svg_is_one_document_with_every_name_as_text() {
        let heads = group([], &[row("<script>alert(1)</script>", 0, 1, 0.5)]);
        let styles = styles(heads.iter().map(|head| head.head.as_str()));
        let panels = accuracy_panels(&heads);
        let curves = curves("A & B", &panels, &heads, &styles);
        let svg = curves.picture().svg(&curves).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;") && svg.contains("A &amp; B"));
        assert!(svg.contains(super::super::canvas::SVG_FONTS) && !svg.contains("NaN"));
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
