//! Rows and columns of shaded cells: confusion matrices, gains by class, learned kernels. What they hold, whatever draws
//! them, and their drawing on the page.

use maud::{Markup, html};

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What is written in it; may be empty.
    pub text: String,
    /// From −1 to 1: how strongly it is shaded, and in which of the two colours.
    pub shade: f64,
}

/// Cells in rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// What it shows.
    pub title: String,
    /// A name for each row; none for a grid of places.
    pub rows: Vec<String>,
    /// A name for each column; none for a grid of places.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub cells: Vec<Vec<Cell>>,
    /// A sentence about it; may be empty.
    pub remark: String,
}

impl Cell {
    /// A cell with text; a shade that is not finite is none.
    pub fn new(text: impl Into<String>, shade: f64) -> Self {
        let shade = if shade.is_finite() { shade.clamp(-1.0, 1.0) } else { 0.0 };
        Self {
            text: text.into(),
            shade,
        }
    }
}

impl Grid {
    /// The longest row.
    pub fn width(&self) -> usize {
        self.cells.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// The grid as a figure of the page. Wide ones scroll within it.
pub fn figure(grid: &Grid) -> Markup {
    let named = !grid.rows.is_empty();
    html! {
        figure.grid {
            figcaption { (grid.title) }
            div.scroll tabindex="0" role="region" aria-label=(grid.title) {
                table.cells.places[!named] {
                    @if !grid.columns.is_empty() {
                        thead { tr { td {} @for column in &grid.columns { th scope="col" { span { (column) } } } } }
                    }
                    tbody {
                        @for (place, row) in grid.cells.iter().enumerate() {
                            tr {
                                @if let Some(name) = grid.rows.get(place) { th scope="row" { (name) } }
                                @for cell in row {
                                    td.less[cell.shade < 0.0] style={ "--shade:" (percent(cell.shade)) "%" } { (cell.text) }
                                }
                            }
                        }
                    }
                }
            }
            @if !grid.remark.is_empty() { p.remark { (grid.remark) } }
        }
    }
}

/// The strongest shade hides half of the ground: text stays readable on it.
fn percent(shade: f64) -> String {
    format!("{:.0}", shade.abs() * 50.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_shades_stay_within_half_of_the_ground() {
        let grid = Grid {
            title: "A <b>title".to_owned(),
            rows: vec!["<script>".to_owned()],
            columns: vec!["a & b".to_owned()],
            cells: vec![vec![Cell::new("3", 7.0)]],
            remark: String::new(),
        };
        let html = figure(&grid).into_string();
        assert!(html.contains("A &lt;b&gt;title") && html.contains("&lt;script&gt;") && html.contains("a &amp; b"));
        assert!(html.contains("--shade:50%"));
    }

    #[test]
    fn a_shade_that_is_no_number_is_none_and_a_negative_one_has_the_other_colour() {
        assert_eq!(Cell::new("", f64::NAN).shade, 0.0);
        let grid = Grid {
            title: String::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            cells: vec![vec![Cell::new("", -0.5)]],
            remark: String::new(),
        };
        assert!(
            figure(&grid)
                .into_string()
                .contains("class=\"less\" style=\"--shade:25%\"")
        );
    }
}
