//! Grids as PNG and SVG, for papers and slides: on white, several beside and below each other.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::ReportError;
use super::canvas::{Canvas, Drawing, DrawingError, Picture, Style, pixel, text_width, write};
use super::grid::{Cell, Grid};
use crate::atomic_file::Disk;
use crate::text::{cut, grouped};

/// The widest picture; grids beyond go into the next line.
const WIDTH: f64 = 1600.0;
const MARGIN: f64 = 44.0;
const TOP: f64 = 92.0;
const GAP: f64 = 56.0;
/// Characters of the title that are drawn.
const TITLE: usize = 70;
/// Characters of a row's or column's name that are drawn.
const NAME: usize = 22;
/// The two colours of shades, as on the page.
const MORE: [f64; 3] = [31.0, 119.0, 196.0];
const LESS: [f64; 3] = [219.0, 109.0, 11.0];

/// The most rows of a grid: a picture takes memory for each, read or not.
const MOST_ROWS: usize = 100;

/// Draws the grids, of each at most the first hundred rows, and writes them as `<path>.png` and `<path>.svg`.
///
/// # Errors
/// [`ReportError::Drawing`] when the drawing library fails, [`ReportError::File`] when a file cannot be written.
pub fn write_grids(disk: &dyn Disk, path: &Path, title: &str, grids: &[Grid]) -> Result<(), ReportError> {
    let grids: Vec<Grid> = grids.iter().map(first_rows).collect();
    let layout = Layout::of(&grids);
    let title_width = text_width(&cut(title, TITLE), 34.0);
    let picture = Picture {
        width: (layout.width.max(title_width) + MARGIN) as u32,
        height: layout.height as u32,
    };
    picture.write(
        disk,
        path,
        &GridPage {
            title,
            grids: &grids,
            layout,
        },
    )
}

fn first_rows(grid: &Grid) -> Grid {
    let mut grid = grid.clone();
    let all = grid.cells.len();
    if all > MOST_ROWS {
        grid.cells.truncate(MOST_ROWS);
        grid.rows.truncate(MOST_ROWS);
        grid.title = format!("{}, the first {MOST_ROWS} of {}", grid.title, grouped(all as u64));
    }
    grid
}

struct GridPage<'a> {
    title: &'a str,
    grids: &'a [Grid],
    layout: Layout,
}

impl Drawing for GridPage<'_> {
    fn draw<B>(&self, canvas: &Canvas<B>) -> Result<(), DrawingError>
    where
        B: DrawingBackend<ErrorType: 'static>,
    {
        write(canvas, &cut(self.title, TITLE), (MARGIN, 46.0), Style::new(32.0).bold())?;
        for (grid, place) in self.grids.iter().zip(&self.layout.places) {
            draw_grid(canvas, grid, place)?;
        }
        Ok(())
    }
}

/// Where a grid lies: its corner, the room for names, and the size of its cells.
struct Place {
    left: f64,
    top: f64,
    names: f64,
    head: f64,
    cell: (f64, f64),
}

struct Layout {
    places: Vec<Place>,
    /// Up to the right edge of the widest line.
    width: f64,
    height: f64,
}

impl Layout {
    /// From left to right, in as many lines as it takes.
    fn of(grids: &[Grid]) -> Self {
        let (mut left, mut top, mut line) = (MARGIN, TOP, 0.0_f64);
        let mut right = MARGIN;
        let mut places = Vec::new();
        for grid in grids {
            let mut place = Place {
                left: 0.0,
                top: 0.0,
                names: names_width(&grid.rows),
                head: 44.0 + names_width(&grid.columns),
                cell: cell_size(grid),
            };
            let width = place.names + grid.width() as f64 * place.cell.0;
            let height = place.head + grid.cells.len() as f64 * place.cell.1 + 44.0;
            let needed = width.max(title_width(grid));
            if left > MARGIN && left + needed > WIDTH - MARGIN {
                (left, top, line) = (MARGIN, top + line + 24.0, 0.0);
            }
            (place.left, place.top) = (left, top);
            places.push(place);
            right = right.max(left + needed);
            left += needed + GAP;
            line = line.max(height);
        }
        Self {
            places,
            width: right,
            height: top + line + 12.0,
        }
    }
}

fn title_width(grid: &Grid) -> f64 {
    text_width(&grid.title, 26.0).max(text_width(&cut(&grid.remark, 60), 18.0))
}

fn names_width(names: &[String]) -> f64 {
    let widths = names.iter().map(|name| text_width(&cut(name, NAME), 18.0) + 16.0);
    widths.fold(0.0, f64::max)
}

/// Wide enough for text, and small where there are many.
fn cell_size(grid: &Grid) -> (f64, f64) {
    let texts = grid
        .cells
        .iter()
        .flatten()
        .map(|cell| text_width(&cell.text, 18.0) + 14.0);
    let room = (WIDTH - 2.0 * MARGIN - names_width(&grid.rows)) / grid.width().max(1) as f64;
    let text = texts.fold(0.0, f64::max);
    let square = if grid.rows.is_empty() {
        (420.0 / grid.width().max(1) as f64).min(64.0)
    } else {
        40.0
    };
    (text.max(square).min(room.max(4.0)), square)
}

fn draw_grid<B>(canvas: &Canvas<B>, grid: &Grid, place: &Place) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    write(
        canvas,
        &grid.title,
        (place.left, place.top + 16.0),
        Style::new(24.0).bold(),
    )?;
    let name = Style::new(18.0);
    let (left, top) = (place.left + place.names, place.top + place.head);
    for (column, text) in grid.columns.iter().enumerate() {
        let middle = (left + (column as f64 + 0.5) * place.cell.0, top - 10.0);
        write(canvas, &cut(text, NAME), middle, name.upright())?;
    }
    for (row, cells) in grid.cells.iter().enumerate() {
        let y = top + row as f64 * place.cell.1;
        if let Some(text) = grid.rows.get(row) {
            let end = (left - 12.0, y + place.cell.1 / 2.0);
            write(canvas, &cut(text, NAME), end, name.anchor(HPos::Right))?;
        }
        for (column, cell) in cells.iter().enumerate() {
            draw_cell(canvas, cell, (left + column as f64 * place.cell.0, y), place.cell)?;
        }
    }
    let bottom = (place.left, top + grid.cells.len() as f64 * place.cell.1 + 22.0);
    write(canvas, &cut(&grid.remark, 60), bottom, name)
}

fn draw_cell<B>(canvas: &Canvas<B>, cell: &Cell, (x, y): (f64, f64), (w, h): (f64, f64)) -> Result<(), DrawingError>
where
    B: DrawingBackend<ErrorType: 'static>,
{
    let corners = [pixel((x, y)), pixel((x + w - 1.0, y + h - 1.0))];
    canvas.draw(&Rectangle::new(corners, colour(cell.shade).filled()))?;
    let middle = (x + (w - 1.0) / 2.0, y + (h - 1.0) / 2.0);
    if text_width(&cell.text, 18.0) > w {
        return Ok(());
    }
    write(canvas, &cell.text, middle, Style::new(18.0).anchor(HPos::Center))
}

/// From white to two thirds of the colour, which leaves text readable.
fn colour(shade: f64) -> RGBColor {
    let strongest = if shade < 0.0 { LESS } else { MORE };
    let part = 0.04 + 0.62 * shade.abs();
    let [red, green, blue] = strongest.map(|colour| (255.0 + part * (colour - 255.0)).round() as u8);
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic_file::System;

    fn grid(rows: usize, columns: usize) -> Grid {
        let names = |count: usize| (0..count).map(|name| format!("a class named {name}")).collect();
        Grid {
            title: "A <grid>".to_owned(),
            rows: names(rows),
            columns: names(columns),
            cells: vec![vec![Cell::new("12", 0.5); columns]; rows],
            remark: "a remark".to_owned(),
        }
    }

    #[test]
    fn grids_are_written_as_png_and_svg_whatever_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion");
        for grids in [vec![], vec![grid(0, 0)], vec![grid(6, 6); 3], vec![grid(67, 67); 2]] {
            write_grids(&System, &path, "A & B", &grids).unwrap();
            let png = image::open(path.with_extension("png")).unwrap();
            assert!(png.width() <= 1600, "{}", png.width());
            let svg = std::fs::read_to_string(path.with_extension("svg")).unwrap();
            assert!(svg.contains("A &amp; B") && !svg.contains("NaN") && !svg.contains("<grid>"));
        }
    }

    #[test]
    fn a_picture_shows_the_first_hundred_of_many_classes() {
        let many = first_rows(&grid(2_600, 3));
        assert_eq!((many.rows.len(), many.cells.len()), (100, 100));
        assert_eq!(many.title, "A <grid>, the first 100 of 2,600");
        assert_eq!(first_rows(&grid(100, 3)), grid(100, 3));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classes");
        write_grids(&System, &path, "many", &[grid(2_600, 3)]).unwrap();
        let height = image::image_dimensions(path.with_extension("png")).unwrap().1;
        assert!((4_000..5_000).contains(&height), "{height}");
    }

    #[test]
    fn whatever_names_hold_their_picture_is_one_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion");
        let names = [
            "a\nb\u{0}\u{1b}[31m".to_owned(),
            "\u{202e}<&\u{ffff}".to_owned(),
            "x".repeat(70_000),
        ];
        let grid = Grid {
            rows: names.to_vec(),
            columns: names.to_vec(),
            title: names[..2].concat(),
            ..grid(3, 3)
        };
        write_grids(&System, &path, &names.concat(), &[grid]).unwrap();
        let svg = std::fs::read_to_string(path.with_extension("svg")).unwrap();
        let may_stand = |c: char| matches!(c, '\n' | ' '..='\u{7e}' | '…');
        assert!(svg.chars().all(may_stand), "{svg:?}");
        assert!(
            svg.contains("a?b??[31m") && svg.contains("???&lt;&amp;???") && svg.len() < 10_000,
            "{svg}"
        );
        assert!(image::open(path.with_extension("png")).unwrap().width() <= 1600);
    }

    #[test]
    fn grids_that_do_not_fit_beside_each_other_go_into_the_next_line() {
        let layout = Layout::of(&vec![grid(20, 30); 2]);
        assert!(layout.places[1].top > layout.places[0].top && layout.places[1].left == layout.places[0].left);
        let small = Layout::of(&vec![grid(3, 3); 2]);
        assert!(small.places[1].top == small.places[0].top && small.places[1].left > small.places[0].left);
    }

    #[test]
    fn the_strongest_shades_keep_text_readable() {
        for shade in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            let RGBColor(red, green, blue) = colour(shade);
            let ground = super::super::palette::tests::contrast([red, green, blue], [0x1d, 0x21, 0x27]);
            assert!(ground >= 4.5, "{shade}: {ground}");
        }
    }
}
