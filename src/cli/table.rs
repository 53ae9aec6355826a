//! Tables whose columns line up.

use std::fmt;

use super::text::{one_line, width};

/// On which side of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

impl Side {
    /// A text with as many spaces as its column is wider.
    pub fn pad(self, text: &str, column: usize) -> String {
        let space = " ".repeat(column.saturating_sub(width(text)));
        match self {
            Self::Left => format!("{text}{space}"),
            Self::Right => format!("{space}{text}"),
        }
    }
}

/// Rows of cells, and lines of text between them. Each is one line whatever it holds; names that may be long are to be
/// [`cut`](super::text::cut) before, so that no row is pushed out of sight by another.
#[derive(Debug)]
pub struct Table {
    sides: Vec<Side>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<String>),
    Text(String),
}

impl Table {
    /// A table without rows; columns beyond the given sides are numbers.
    pub fn new(sides: &[Side]) -> Self {
        Self {
            sides: sides.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; it may have fewer cells than others.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| one_line(&cell.to_string()));
        self.rows.push(Row::Cells(cells.collect()));
    }

    /// Adds a line that is no part of the columns.
    pub fn text(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Text(one_line(&text.into())));
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(self::width(cell));
            }
        }
        widths
    }
}

/// All rows, each with its line break.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let cells = match row {
                Row::Cells(cells) => cells,
                Row::Text(text) => {
                    writeln!(f, "{text}")?;
                    continue;
                }
            };
            let sides = self.sides.iter().copied().chain(std::iter::repeat(Side::Right));
            let padded = cells
                .iter()
                .zip(&widths)
                .zip(sides)
                .map(|((cell, width), side)| side.pad(cell, *width));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_and_numbers_end_at_the_same_place() {
        let mut table = Table::new(&[Side::Left]);
        table.row(["class", "images", "right"]);
        table.text("of the sea");
        table.row(["büro", "5", "80.0 %"]);
        table.row(["x"]);
        assert_eq!(
            table.to_string(),
            "class  images   right\nof the sea\nbüro        5  80.0 %\nx\n"
        );
    }

    #[test]
    fn columns_line_up_by_what_a_terminal_shows_of_them() {
        let mut table = Table::new(&[Side::Left]);
        table.row(["写真", "5"]);
        table.row(["cafe\u{301}s", "10"]);
        assert_eq!(table.to_string(), "写真    5\ncafe\u{301}s  10\n");
    }

    #[test]
    fn no_cell_can_begin_a_line_or_be_too_wide() {
        let mut table = Table::new(&[Side::Left]);
        table.row(["a\nerror: no\tname", "1"]);
        table.row(["x".repeat(100_000), "2".to_owned()]);
        table.text("of\nclasses");
        let lines = table.to_string();
        let lines: Vec<&str> = lines.lines().collect();
        assert!(
            lines[0].starts_with("a?error: no?name ") && lines[0].len() == 100_003,
            "{}",
            lines[0].len()
        );
        assert_eq!((lines[1].len(), lines[2]), (100_003, "of?classes"));
    }
}
