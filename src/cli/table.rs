//! Tables whose columns line up.

use std::fmt;

/// On which side of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells, and lines of text between them.
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
        let cells = cells.into_iter().map(|cell| cell.to_string());
        self.rows.push(Row::Cells(cells.collect()));
    }

    /// Adds a line that is no part of the columns.
    pub fn text(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Text(text.into()));
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
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
                .map(|((cell, width), side)| match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                });
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
}
