//! Names from elsewhere (files, classes, experiments) as people see them: in one line, without characters that could
//! steer a terminal, and cut where long or many ones would fill a screen.

use std::ffi::OsStr;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::grouped;

/// Characters of the longest name that a message shows; no path of a file system has more.
const LONGEST: usize = 4_096;

/// Columns of the longest name in a table or a list.
pub const NAME_COLUMNS: usize = 60;

/// Names of the longest list.
const LONGEST_LIST: usize = 100;

/// A name or a path as a message shows it.
pub fn printable(name: impl AsRef<OsStr>) -> String {
    let name = name.as_ref().to_string_lossy();
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => one_line(&name[..end]) + "…",
        None => one_line(&name),
    }
}

/// `text` in one line: with question marks, as many as there are bytes, for line breaks, tabs and all that
/// [`harmless`] replaces.
pub fn one_line(text: &str) -> String {
    replaced(text, |c| steers(c) || matches!(c, '\n' | '\t'))
}

/// `text` with question marks, as many as there are bytes, for characters that could steer a terminal or can't stand in
/// SVG: control characters, those that turn the direction of writing, and Unicode's noncharacters. Line breaks and tabs
/// stay.
pub fn harmless(text: &str) -> String {
    replaced(&text.replace("\r\n", " \n"), steers)
}

fn steers(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

fn replaced(text: &str, unwanted: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if unwanted(c) {
            shown.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Columns that a text without control characters takes on a terminal: Chinese letters take two, accents none.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A name in one line of at most so many columns; what is cut off ends in `…`.
pub fn cut(name: &str, columns: usize) -> String {
    // Accents take no column, but a name of nothing else has to end too.
    let most = 4 * columns;
    let start = name.char_indices().nth(most + 1).map_or(name, |(end, _)| &name[..end]);
    let shown = one_line(start);
    if shown.chars().count() <= most && width(&shown) <= columns {
        return shown;
    }
    let mut room = columns.saturating_sub(1);
    let fits = |c: &char| {
        let needed = c.width().unwrap_or(0);
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    };
    shown.chars().take(most).take_while(fits).chain(['…']).collect()
}

/// `'a', 'b'` with the given quotation mark: the first of some names, each of them cut, and how many more there are.
pub fn listed<N: AsRef<str>>(names: impl IntoIterator<Item = N>, quote: &str) -> String {
    let mut names = names.into_iter();
    let first = names.by_ref().take(LONGEST_LIST);
    let shown: Vec<String> = first
        .map(|name| format!("{quote}{}{quote}", cut(name.as_ref(), NAME_COLUMNS)))
        .collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{}, … and {} more", shown.join(", "), grouped(more as u64)),
    }
}

/// Names that Windows keeps for devices, whatever their case and ending: `aux`, `Nul.txt`, `COM1`.
pub fn is_device_on_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let is_numbered = |kind| {
        let mut number = stem.strip_prefix(kind).unwrap_or_default().chars();
        let is_number = number.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c));
        is_number && number.next().is_none()
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str())
        || is_numbered("COM")
        || is_numbered("LPT")
}

/// A word as a shell takes it for one.
pub fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "_-+=./,:@%\\".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_in_one_line_and_steers_nothing() {
        let name = "a\nerror: b\tc\r\u{1b}[2J\u{202e}\u{2028}\u{ffff}é";
        assert_eq!(printable(name), "a?error: b?c??[2J?????????é");
        assert_eq!(harmless("a\tb\r\nc\rd\u{7}"), "a\tb \nc?d?");
        assert_eq!(printable("x".repeat(4_096)), "x".repeat(4_096));
        assert_eq!(printable("x".repeat(4_097)), "x".repeat(4_096) + "…");
    }

    #[test]
    fn a_long_name_is_cut_by_the_columns_that_it_takes() {
        assert_eq!([cut("sea", 3), cut("seas", 3)], ["sea", "se…"]);
        assert_eq!(
            [cut("写真館", 6), cut("写真館", 5), cut("写真館", 4)],
            ["写真館", "写真…", "写…"]
        );
        assert_eq!(cut("a\nb", 3), "a?b");
        assert_eq!(cut(&"x".repeat(5_000_000), 60), "x".repeat(59) + "…");
        let accents = cut(&"e\u{301}".repeat(1_000_000), 60);
        assert_eq!(width(&accents), 60);
        assert!(cut(&"\u{301}".repeat(1_000_000), 60).chars().count() <= 241);
    }

    #[test]
    fn of_many_names_the_first_hundred_are_listed() {
        assert_eq!(listed(["a", "b\nc"], "'"), "'a', 'b?c'");
        let names: Vec<String> = (1..=2_600).map(|number| format!("class {number}")).collect();
        let list = listed(&names, "`");
        assert!(list.starts_with("`class 1`, `class 2`, "), "{list}");
        assert!(list.ends_with(", `class 100`, … and 2,500 more"), "{list}");
        assert_eq!(listed(&names[..100], "").matches(", ").count(), 99);
    }

    #[test]
    fn names_of_windows_devices_are_known_whatever_their_case_and_ending() {
        for name in ["con", "Nul.txt", "AUX .x", "com1", "LPT9.ron", "com²", "CONOUT$"] {
            assert!(is_device_on_windows(name), "{name}");
        }
        for name in ["console", "com", "com10", "lpt", "auxiliary", "my.con", "nul_", ""] {
            assert!(!is_device_on_windows(name), "{name}");
        }
    }

    #[test]
    fn words_with_spaces_are_quoted_for_the_shell() {
        assert_eq!(
            ["a/b-1.ron", "my pets", "", "it's"].map(quoted),
            ["a/b-1.ron", "'my pets'", "''", r"'it'\''s'"]
        );
    }
}
