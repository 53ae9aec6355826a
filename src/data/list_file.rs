//! The content of a list file: which image belongs to which class, as lines of text or as CSV.
//!
//! Every mistake is answered with the line, so that a list of thousands can be mended.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::{DataError, csv_quotes};

/// The CSV column of the images' paths.
const PATH_COLUMN: &str = "filename";
/// The CSV column of the images' classes.
const CLASS_COLUMN: &str = "class";

/// The most mistakes that are gathered of one list.
pub(super) const MOST_MISTAKES: usize = 1_000;

/// How a list file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `<class>/<image>` on every line.
    Lines,
    /// Comma-separated with a header; the columns `filename` and `class` are read, others are not.
    Csv,
}

/// One image of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line in the file, counted from 1.
    pub(super) line: usize,
    /// The path below the folder where listed paths begin, with '/' between its parts.
    pub(super) path: String,
    /// The class's name.
    pub(super) class: String,
}

/// The images that a list file's `bytes` name, in the file's order; `list` is what messages call the file.
///
/// A byte order mark and blank lines are passed over, and lines may end as on Windows or old Macs; backslashes separate
/// folders like '/'.
///
/// # Errors
/// Bytes that are not UTF-8, a CSV without its columns or with a quote that takes in other rows, lines without class or path or with a path that is absolute or
/// holds `.`, `..` or empty parts, and a list without images; all such lines are named.
pub(super) fn read(format: Format, bytes: &[u8], list: &str) -> Result<Vec<Entry>, DataError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + line_ends(&bytes[..error.valid_up_to()]);
        let problem = "the text is not valid UTF-8: save the list as UTF-8".to_owned();
        DataError::ListLine {
            list: list.to_owned(),
            line,
            problem,
            others: Vec::new(),
        }
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let (entries, mistakes) = match format {
        Format::Lines => lines(text),
        Format::Csv => csv(text),
    };
    assert_faultless(list, mistakes)?;
    if entries.is_empty() {
        return Err(DataError::EmptyList { list: list.to_owned() });
    }
    Ok(entries)
}

/// A line and what is wrong with it.
pub(super) type Mistake = (usize, String);

/// Names all mistakes of a list, if there are any.
pub(super) fn assert_faultless(list: &str, mistakes: Vec<Mistake>) -> Result<(), DataError> {
    let mut mistakes = mistakes.into_iter();
    let Some((line, problem)) = mistakes.next() else {
        return Ok(());
    };
    Err(DataError::ListLine {
        list: list.to_owned(),
        line,
        problem,
        others: mistakes
            .map(|(line, problem)| format!("line {line}: {problem}"))
            .collect(),
    })
}

fn lines(text: &str) -> (Vec<Entry>, Vec<Mistake>) {
    let lines = text.split('\n');
    let lines = lines.flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'));
    let numbered = (1..).zip(lines.map(str::trim));
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    for (line, written) in numbered.filter(|(_, written)| !written.is_empty()) {
        if mistakes.len() >= MOST_MISTAKES {
            break;
        }
        match path(written) {
            Err(problem) => mistakes.push((line, problem)),
            Ok(path) => match path.split_once('/') {
                Some((class, _)) => entries.push(Entry {
                    line,
                    class: class.to_owned(),
                    path,
                }),
                None => mistakes.push((line, format!("'{written}' names no class: write <class>/<image>"))),
            },
        }
    }
    (entries, mistakes)
}

fn csv(text: &str) -> (Vec<Entry>, Vec<Mistake>) {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let mut lines = LineCounter::of(text);
    let columns = reader.headers().map_err(|error| (1, error.to_string()));
    let columns = columns.and_then(|header| Columns::of(header).map_err(|problem| (lines.number(0), problem)));
    // What is wrong with rows that a quote has taken in would only lead away from it.
    if let Some(mistake) = csv_quotes::mistake(text, columns.as_ref().ok().map(|columns| columns.0)) {
        return (Vec::new(), vec![mistake]);
    }
    let columns = match columns {
        Ok(columns) => columns,
        Err(mistake) => return (Vec::new(), vec![mistake]),
    };
    let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        if mistakes.len() >= MOST_MISTAKES {
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                mistakes.push(csv_mistake(&error, &mut lines));
                continue;
            }
        };
        let line = lines.number(record.position().map_or(0, csv::Position::byte));
        match columns.read(&record) {
            Ok((path, class)) => entries.push(Entry { line, path, class }),
            Err(problem) => mistakes.push((line, problem)),
        }
    }
    (entries, mistakes)
}

/// Where a CSV has what is read.
struct Columns(csv_quotes::ReadColumns);

impl Columns {
    fn of(header: &StringRecord) -> Result<Self, String> {
        let column = |name| column(header, name).ok_or_else(|| missing_column(header, name));
        Ok(Self(csv_quotes::ReadColumns {
            width: header.len(),
            path: column(PATH_COLUMN)?,
            class: column(CLASS_COLUMN)?,
        }))
    }

    /// Path and class of a row.
    fn read(&self, record: &StringRecord) -> Result<(String, String), String> {
        let cell = |column| record.get(column).unwrap_or_default();
        let path = path(cell(self.0.path))?;
        match cell(self.0.class) {
            "" => Err(format!("the column '{CLASS_COLUMN}' is empty: give the image's class")),
            class => Ok((path, class.to_owned())),
        }
    }
}

fn column(header: &StringRecord, name: &str) -> Option<usize> {
    header.iter().position(|column| column == name)
}

fn missing_column(header: &StringRecord, name: &str) -> String {
    let found: Vec<&str> = header.iter().collect();
    format!(
        "there is no column '{name}' (found: {}): begin the file with a header such as \
         `{PATH_COLUMN},{CLASS_COLUMN}` and separate the columns by commas",
        found.join(" | ")
    )
}

fn csv_mistake(error: &csv::Error, lines: &mut LineCounter<'_>) -> Mistake {
    let line = lines.number(error.position().map_or(0, csv::Position::byte));
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let problem = format!(
                "{len} columns where the header has {expected_len}: put a value that holds a comma in double quotes"
            );
            (line, problem)
        }
        _ => (line, error.to_string()),
    }
}

/// Turns growing byte offsets of records into line numbers. The `csv` crate's own numbers are too low after Windows line ends and
/// blank lines.
struct LineCounter<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line of the first record that begins at or behind `offset`; offsets must not decrease.
    fn number(&mut self, offset: u64) -> usize {
        let rest = self.text.get(self.counted..).unwrap_or_default();
        let ahead = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.counted);
        let blank = rest.iter().skip(ahead).take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let start = rest.len().min(ahead.saturating_add(blank.count()));
        self.line += line_ends(&rest[..start]);
        self.counted += start;
        self.line
    }
}

/// Lines end as on Unix, on Windows, or on old Macs, which write a carriage return alone.
fn line_ends(bytes: &[u8]) -> usize {
    let feeds = bytes.iter().filter(|byte| **byte == b'\n').count();
    let returns = bytes
        .windows(2)
        .filter(|pair| pair[0] == b'\r' && pair[1] != b'\n')
        .count();
    feeds + returns + usize::from(bytes.ends_with(b"\r"))
}

/// A listed path with '/' between its parts, if it stays below the folder where it begins.
fn path(written: &str) -> Result<String, String> {
    let path = written.replace('\\', "/");
    if path.is_empty() {
        return Err("the image's path is empty".to_owned());
    }
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || has_drive {
        return Err(format!(
            "'{written}' is absolute: list paths below the data set's folder"
        ));
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!(
            "'{written}' has an empty part, '.' or '..': list plain paths below the data set's folder"
        ));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: usize, path: &str, class: &str) -> Entry {
        Entry {
            line,
            path: path.to_owned(),
            class: class.to_owned(),
        }
    }

    fn csv(text: &str) -> Vec<Entry> {
        read(Format::Csv, text.as_bytes(), "train.csv").unwrap()
    }

    fn mistake(format: Format, text: impl AsRef<[u8]>) -> String {
        read(format, text.as_ref(), "a list").unwrap_err().to_string()
    }

    #[test]
    fn a_line_holds_a_class_and_an_image() {
        let text = "\u{feff}sea/1.jpg\r\n\r\nsky/blue sky/2.jpg  \nsea\\3.jpg";
        assert_eq!(
            read(Format::Lines, text.as_bytes(), "TrainImages.txt").unwrap(),
            [
                entry(1, "sea/1.jpg", "sea"),
                entry(3, "sky/blue sky/2.jpg", "sky"),
                entry(4, "sea/3.jpg", "sea"),
            ]
        );
    }

    #[test]
    fn a_csv_may_have_other_columns_quotes_backslashes_windows_line_ends_and_a_byte_order_mark() {
        let text = "\u{feff}id,class,filename\r\n1,sea,train\\1.jpg\r\n\r\n2,\"sky, \"\"blue\"\"\",\"a,b/2.jpg\"\r\n3,sea,3.jpg";
        assert_eq!(
            csv(text),
            [
                entry(2, "train/1.jpg", "sea"),
                entry(4, "a,b/2.jpg", "sky, \"blue\""),
                entry(5, "3.jpg", "sea"),
            ]
        );
    }

    #[test]
    fn a_quoted_line_end_counts_as_a_line() {
        let entries = csv("filename,class,note\n1.jpg,sea,\"two\nlines\"\n2.jpg,sea,\n");
        assert_eq!([entries[0].line, entries[1].line], [2, 4]);
    }

    #[test]
    fn lines_may_end_in_a_carriage_return_alone() {
        let lines = read(Format::Lines, b"sea/1.jpg\r\rsea/2.jpg\r", "a list").unwrap();
        assert_eq!(lines, [entry(1, "sea/1.jpg", "sea"), entry(3, "sea/2.jpg", "sea")]);
        let rows = csv("filename,class\r1.jpg,sea\r\r2.jpg,sea\r");
        assert_eq!(rows, [entry(2, "1.jpg", "sea"), entry(4, "2.jpg", "sea")]);
        let text = mistake(Format::Lines, b"sea/1.jpg\rsea/caf\xe9.jpg\r");
        assert!(text.contains("line 2: the text is not valid UTF-8"), "{text}");
    }

    #[test]
    fn a_quote_that_is_not_closed_is_the_only_mistake_that_is_told() {
        let text = mistake(Format::Csv, "filename,class,note\n1.jpg,sea,\"\n2.jpg,,\n,,\n");
        assert_eq!(
            text,
            "'a list', line 2: a quote opens here that is never closed: close or remove it"
        );
        let text = mistake(Format::Csv, "filename,\"class\n1.jpg,sea\n");
        assert!(
            text.contains("line 1: a quote opens here that is never closed"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_are_there() {
        let text = mistake(Format::Csv, "file,class\n1.jpg,sea\n");
        assert!(
            text.starts_with("'a list', line 1: there is no column 'filename' (found: file | class)"),
            "{text}"
        );
        let text = mistake(Format::Csv, "\nfilename;class\n1.jpg;sea\n");
        assert!(
            text.contains("line 2") && text.contains("separate the columns by commas"),
            "{text}"
        );
    }

    #[test]
    fn a_row_of_another_length_is_refused_with_its_line() {
        let text = mistake(Format::Csv, "filename,class\r\n1.jpg,sea\r\n2.jpg,sea,sky\r\n");
        assert!(text.contains("line 3: 3 columns where the header has 2"), "{text}");
    }

    #[test]
    fn an_empty_class_or_path_is_refused_with_its_line() {
        let text = mistake(Format::Csv, "filename,class\n1.jpg,\n");
        assert!(text.contains("line 2: the column 'class' is empty"), "{text}");
        let text = mistake(Format::Csv, "filename,class\n1.jpg,a\n,b\n");
        assert!(text.contains("line 3: the image's path is empty"), "{text}");
        let text = mistake(Format::Lines, "sea/1.jpg\n2.jpg\n");
        assert!(text.contains("line 2: '2.jpg' names no class"), "{text}");
    }

    #[test]
    fn a_path_that_could_leave_the_folder_is_refused_with_its_line() {
        for (path, word) in [
            ("../sea/1.jpg", "'..'"),
            ("sea\\..\\..\\1.jpg", "'..'"),
            ("sea//1.jpg", "empty part"),
            ("./sea/1.jpg", "'.'"),
            ("/sea/1.jpg", "absolute"),
            ("\\\\host\\sea\\1.jpg", "absolute"),
            ("C:\\sea\\1.jpg", "absolute"),
        ] {
            for (format, list) in [
                (Format::Lines, format!("sea/0.jpg\n{path}\n")),
                (Format::Csv, format!("filename,class\n{path},sea\n")),
            ] {
                let text = mistake(format, list);
                assert!(text.contains("line 2:") && text.contains(word), "{path}: {text}");
            }
        }
    }

    #[test]
    fn all_mistakes_of_a_list_are_told_at_once() {
        let text = mistake(Format::Lines, "1.jpg\nsea/1.jpg\n../2.jpg\n");
        assert_eq!(
            text,
            "'a list', line 1: '1.jpg' names no class: write <class>/<image>\n  line 3: '../2.jpg' has an empty part, '.' or \
             '..': list plain paths below the data set's folder"
        );
        let text = mistake(Format::Csv, "filename,class\n1.jpg,\n2.jpg,sea,sky\n3.jpg,sea\n,sea\n");
        for line in [
            "line 2: the column",
            "\n  line 3: 3 columns",
            "\n  line 5: the image's path is empty",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let many = mistake(Format::Lines, "1.jpg\n".repeat(30));
        assert_eq!((many.lines().count(), many.lines().last()), (22, Some("  and 9 more")));
    }

    #[test]
    fn a_list_without_images_is_refused() {
        for (format, list) in [(Format::Lines, " \n\r\n"), (Format::Csv, "filename,class\n")] {
            assert!(mistake(format, list).contains("lists no images"));
        }
        assert!(mistake(Format::Csv, "").contains("no column 'filename'"));
    }

    #[test]
    fn a_list_that_is_no_text_is_refused_with_the_line() {
        let text = mistake(Format::Lines, b"sea/1.jpg\nsea/caf\xe9.jpg\n");
        assert!(text.contains("line 2: the text is not valid UTF-8"), "{text}");
    }
}
