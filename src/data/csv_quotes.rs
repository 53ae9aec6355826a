//! Quotes of a CSV that take in more than their cell. A quote that is not closed makes one cell of all rows up to the next
//! quote, or to the end, and a reader that only looks for quotes can't tell.

use super::decode::is_image_path;
use super::list_file::Mistake;

/// Where a CSV has what is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadColumns {
    /// The number of columns.
    pub(super) width: usize,
    /// The column of the images' paths.
    pub(super) path: usize,
    /// The column of the classes.
    pub(super) class: usize,
}

/// The first quote that is never closed, or that takes in rows; what the columns are is not known where the header itself
/// can't be used. Line breaks inside of quotes are legal, but no path and no class has one.
pub(super) fn mistake(text: &str, columns: Option<ReadColumns>) -> Option<Mistake> {
    let of = |cell: LongCell<'_>| {
        let problem = match (cell.end, columns) {
            (None, _) => "a quote opens here that is never closed: close or remove it".to_owned(),
            (Some(_), Some(columns)) if [columns.path, columns.class].contains(&cell.column) => {
                "a quote opens here in a column that is read, and is not closed on its line: close or remove it"
                    .to_owned()
            }
            (Some(end), Some(columns)) if end.goes_on || cell.takes_in_a_row(columns) => {
                format!(
                    "a quote opens here and takes in what stands up to line {}: close or remove it",
                    end.line
                )
            }
            _ => return None,
        };
        Some((cell.line, problem))
    };
    LongCells::of(text).find_map(of)
}

/// A quoted cell that is not closed on its line.
struct LongCell<'a> {
    /// Where the quote opens, as the next.
    line: usize,
    column: usize,
    /// From the quote to the end of the line in which it is closed.
    text: &'a str,
    end: Option<End>,
}

#[derive(Clone, Copy)]
struct End {
    line: usize,
    /// Whether the cell goes on behind the closing quote.
    goes_on: bool,
}

impl LongCell<'_> {
    /// Whether a line of it reads as a row of its own that names an image.
    fn takes_in_a_row(&self, columns: ReadColumns) -> bool {
        let mut lines = self.text.split(['\n', '\r']).skip(1);
        lines.any(|line| {
            let path = line.split(',').nth(columns.path).unwrap_or_default();
            line.split(',').count() == columns.width && is_image_path(path.trim().trim_matches('"'))
        })
    }
}

/// The long cells of a text, found as the `csv` crate reads it: only a quote that begins a cell is one.
struct LongCells<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> LongCells<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            column: 0,
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over one byte, counting lines.
    fn step(&mut self) {
        let byte = self.byte();
        self.at += 1;
        if byte == Some(b'\n') || (byte == Some(b'\r') && self.byte() != Some(b'\n')) {
            self.line += 1;
        }
    }

    /// Goes to the closing quote's other side; `false` if there is none.
    fn close(&mut self) -> bool {
        self.step();
        while let Some(byte) = self.byte() {
            self.step();
            if byte == b'"' {
                if self.byte() != Some(b'"') {
                    return true;
                }
                self.step();
            }
        }
        false
    }
}

impl<'a> Iterator for LongCells<'a> {
    type Item = LongCell<'a>;

    fn next(&mut self) -> Option<LongCell<'a>> {
        while let Some(byte) = self.byte() {
            let (start, line, column) = (self.at, self.line, self.column);
            let mut long = None;
            if byte == b'"' {
                let is_closed = self.close();
                let goes_on = self.byte().is_some_and(|byte| !matches!(byte, b',' | b'\n' | b'\r'));
                let end = is_closed.then_some(End {
                    line: self.line,
                    goes_on,
                });
                long = (!is_closed || self.line > line).then(|| {
                    let rest = &self.text[self.at..];
                    let stop = self.at + rest.find(['\n', '\r']).unwrap_or(rest.len());
                    LongCell {
                        line,
                        column,
                        text: &self.text[start..stop],
                        end,
                    }
                });
            }
            while self.byte().is_some_and(|byte| !matches!(byte, b',' | b'\n' | b'\r')) {
                self.at += 1;
            }
            self.column = if self.byte() == Some(b',') { column + 1 } else { 0 };
            self.step();
            if long.is_some() {
                return long;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTED: ReadColumns = ReadColumns {
        width: 3,
        path: 0,
        class: 1,
    };

    fn line(rows: &str) -> Option<usize> {
        mistake(&format!("filename,class,note\n{rows}"), Some(NOTED)).map(|(line, _)| line)
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found_in_every_column() {
        for (rows, expected) in [
            ("1.jpg,sea,\n2.jpg,\"sea,\n3.jpg,sea,\n", 3),
            ("1.jpg,sea,\"\n2.jpg,sea,\n", 2),
            ("\"1.jpg,sea,\n2.jpg,sea,", 2),
            ("1.jpg,sea,\"a \"\"quoted\"\" word\r\n2.jpg,sea,\r\n", 2),
            ("1.jpg,sea,\r\r2.jpg,sea,\"", 4),
        ] {
            assert_eq!(line(rows), Some(expected), "{rows}");
        }
        let header = mistake("filename,\"class\n1.jpg,sea\n", None);
        assert!(header.is_some_and(|(line, said)| line == 1 && said.contains("never closed")));
    }

    #[test]
    fn a_quote_that_another_one_closes_by_chance_is_found() {
        for (rows, expected) in [
            ("1.jpg,\"sea,\n2.jpg,\"sky\",\n", 2),
            ("1.jpg,sea,\n2.jpg,\"sea\n\",\n", 3),
            ("1.jpg,sea,\"oops\n2.jpg,sea,\"fine\"\n", 2),
            ("1.jpg,sea,\"\n2.jpg,sea,\"\n", 2),
            ("1.jpg,sea,\"\r2.jpg,sea,\"\r", 2),
            ("1.jpg,sea,\"oops\ntwo\n\"2.jpg\",sea,fine\"\n", 2),
        ] {
            assert_eq!(line(rows), Some(expected), "{rows}");
        }
    }

    #[test]
    fn quotes_and_line_breaks_that_are_legal_are_no_mistake() {
        for rows in [
            "1.jpg,sea,\"two\nlines\"\n2.jpg,sea,\n",
            "1.jpg,sea,\"a \"\"quoted\"\"\nword, or two\"\r\n2.jpg,sea,\r\n",
            "1.jpg,sea,5\" wide\n2.jpg,sea,6\" wide\n",
            "\"1.jpg\",\"sea\",\"\"\n",
            "1.jpg,sea,\"seen, with\n2.jpg, by all, of us, too\"\n",
        ] {
            assert_eq!(line(rows), None, "{rows}");
        }
    }
}
