//! From the `ron` crate's errors to problems that a person can act on: the place marked, the expected value in plain
//! words, the nearest valid name.

use std::ops::Range;

use ron::Error;
use ron::error::{Position, SpannedError};

use super::diagnostics::Problem;
use super::outline::{Outline, Unbalanced};
use super::setting::COMPOSING;
use super::tokens::{Token, TokenKind};
use crate::text::{cut, nearest, one_of};

/// What is wrong with `text`, whose parsing ended in `error`.
pub(super) fn problem(text: &str, outline: &Outline, error: &SpannedError) -> Problem {
    match &outline.unbalanced {
        Some(unbalanced) => self::unbalanced(text, outline, unbalanced.clone()),
        None if outline.tokens.is_empty() => Problem::at(0..0, "the file holds no experiment")
            .label("expected `Experiment(`")
            .help(format!(
                "the fields that have to be given:\n{}",
                REQUIRED.map(|(_, line)| line).join("\n")
            )),
        None => {
            let position = byte_offset(text, error.span.start);
            let token = outline.tokens.get(outline.token_index(position));
            let at = token.map_or(position, |token| position.max(token.span.start));
            Mistake {
                text,
                outline,
                at,
                token,
            }
            .explain(&error.code)
        }
    }
}

/// The fields without a default, each with a line that could be added.
pub(super) const REQUIRED: [(&str, &str); 6] = [
    ("name", "name: \"my_experiment\","),
    ("network", "network: \"densenet169\","),
    ("image_size", "image_size: 224,"),
    ("heads", "heads: [gap, wise_srnet],"),
    ("epochs", "epochs: 20,"),
    ("data", "data: (layout: Intel, path: \"data/intel\"),"),
];

/// How a path of Windows is written.
pub(super) const BACKSLASHES: &str =
    "in a path write `/`, or two backslashes for each; `r\"C:\\data\"` takes it as it is";

/// Fields whose values are more than a word, with values that they take.
const EXAMPLES: [(&str, &[&str]); 8] = [
    ("data", &["(layout: Intel, path: \"data/intel\")"]),
    (
        "data.layout",
        &[
            "Folders(train: \"train\", test: \"test\")",
            "OneFolder(test_fraction: 0.2)",
            "Lists(train: \"train.txt\", test: \"test.txt\")",
            "Csv(train: \"train.csv\", test: \"test.csv\")",
        ],
    ),
    ("augmentation", &["(horizontal_flip: true, zoom: (0.8, 1.2))"]),
    ("optimizer", &["(learning_rate: 0.045, momentum: 0.9)"]),
    ("schedule", &["Staircase(decay: 0.94, every_epochs: 2)", "Constant"]),
    ("validation", &["Fraction(0.1)", "TestSplit"]),
    ("checkpoints", &["EveryEpochs(10)", "LastAndBest"]),
    ("on_bad_image", &["Skip(10)", "Error"]),
];

/// What can stand where a section's own field is missing.
const REQUIRED_IN_SECTIONS: [(&str, &str); 9] = [
    ("layout", "layout: Intel,"),
    ("train", "train: \"train\","),
    ("test", "test: \"test\","),
    ("test_fraction", "test_fraction: 0.2,"),
    ("decay", "decay: 0.94,"),
    ("every_epochs", "every_epochs: 2,"),
    ("train_per_class", "train_per_class: 100,"),
    ("test_per_class", "test_per_class: 40,"),
    ("seed", "seed: 0,"),
];

pub(super) fn unbalanced(text: &str, outline: &Outline, unbalanced: Unbalanced) -> Problem {
    let written = |span: &Range<usize>| &text[span.clone()];
    match unbalanced {
        Unbalanced::NeverClosed(span) => {
            let message = format!("`{}` is never closed", written(&span));
            Problem::at(span, message).label("opened here")
        }
        Unbalanced::ClosesNothing(span) => {
            let message = format!("`{}` closes nothing", written(&span));
            Problem::at(span, message).label("nothing is open here")
        }
        Unbalanced::ClosedByAnother { opening, closing } => {
            let message = format!("`{}` cannot close `{}`", written(&closing), written(&opening));
            Problem::at(closing, message)
                .label("closed here")
                .beside(opening, "opened here")
        }
        Unbalanced::NeverEnds(span) => {
            // Where a quotation mark is missing, all later strings are turned inside out; the first one to go over a
            // line's end is the one that lacks it.
            let goes_on = |token: &&Token| token.kind == TokenKind::Text && written(&token.span).contains('\n');
            let first = outline
                .tokens
                .iter()
                .find(goes_on)
                .map_or(span, |token| token.span.clone());
            let ends_escaped = written(&first).contains("\\\"");
            let problem = Problem::at(first, "a string or comment never ends").label("it begins here");
            if ends_escaped {
                problem.help("`\\\"` doesn't end a string: write `/` for a backslash in a path, or two of them")
            } else {
                problem
            }
        }
        Unbalanced::TooDeep(span) => {
            Problem::at(span, "brackets are nested too deeply").label("no field of an experiment lies this deep")
        }
    }
}

/// Byte offset of a position whose line and column count characters from 1.
fn byte_offset(text: &str, position: Position) -> usize {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(position.line.saturating_sub(1))
        .map(str::len)
        .sum();
    let line = &text[line_start..];
    let within = line
        .char_indices()
        .nth(position.col.saturating_sub(1))
        .map_or(line.len(), |(at, _)| at);
    line_start + within
}

/// An error of the parser with what stands at its place.
struct Mistake<'a> {
    text: &'a str,
    outline: &'a Outline,
    at: usize,
    token: Option<&'a Token>,
}

impl Mistake<'_> {
    fn explain(&self, error: &Error) -> Problem {
        match error {
            Error::NoSuchStructField { expected, found, .. } => self.unknown("field", found, expected),
            Error::NoSuchEnumVariant { expected, found, .. } => self.unknown("name", found, expected),
            Error::MissingStructField { field, .. } => self.missing(field),
            Error::DuplicateStructField { field, .. } => self
                .here(format!("the field `{field}` is given twice"))
                .label("a second time here"),
            Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => self.wrong_type("a whole number"),
            Error::IntegerOutOfBounds => self.wrong_type("a whole number from 0 to 18446744073709551615"),
            Error::ExpectedFloat => self.wrong_type("a number"),
            Error::ExpectedBoolean => self.wrong_type("`true` or `false`"),
            Error::ExpectedString => self.wrong_type("a string in double quotes"),
            Error::ExpectedArray => self.wrong_type("a list in square brackets"),
            Error::ExpectedIdentifier => self.wrong_type("a name"),
            Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => self.incomplete(),
            Error::ExpectedDifferentLength { expected, found } => self
                .field(format!("expected {}", in_plain_words(expected)))
                .label(format!("found {found}")),
            Error::ExpectedDifferentStructName { .. } if self.outline.field_at(self.at).is_some() => self.incomplete(),
            Error::ExpectedDifferentStructName { expected, .. } => self
                .here("unexpected name")
                .label(format!("expected `{expected}(` or just `(`")),
            Error::ExpectedComma => self.missing_comma(),
            Error::ExpectedMapColon => self
                .here("expected a colon between a field's name and its value")
                .label(self.found()),
            Error::ExpectedStructLikeEnd | Error::ExpectedArrayEnd => {
                self.field("too many values").label("one too many here")
            }
            Error::TrailingCharacters => self
                .here("there is more after the end of the experiment")
                .label("not expected"),
            Error::InvalidEscape(_) => self
                .here("a backslash in a string begins an escape such as `\\n`, and one of these begins none")
                .label("this string")
                .help(self.without_backslashes()),
            other => self.here(lowercased(&other.to_string())),
        }
    }

    /// The string with its backslashes as they were meant, where it is short enough to be shown.
    fn without_backslashes(&self) -> String {
        let written = self.token.map_or("", |token| &self.text[token.span.clone()]);
        let inner = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.filter(|inner| !inner.contains('"') && *inner == cut(inner, 60)) {
            Some(inner) => format!(
                "write `\"{}\"`, `\"{}\"` or `r\"{inner}\"`",
                inner.replace('\\', "/"),
                inner.replace('\\', "\\\\")
            ),
            None => BACKSLASHES.to_owned(),
        }
    }

    /// A problem at the token where parsing ended.
    fn here(&self, message: impl Into<String>) -> Problem {
        let span = self
            .token
            .map_or(self.text.len()..self.text.len(), |token| token.span.clone());
        Problem::at(span, message)
    }

    /// The same, its message opening with the name of the field around it.
    fn field(&self, message: impl AsRef<str>) -> Problem {
        match self.outline.field_at(self.at) {
            Some(field) => self.here(format!("`{}`: {}", field.path, message.as_ref())),
            None => self.here(message.as_ref()),
        }
    }

    fn unknown(&self, kind: &str, found: &str, expected: &[&'static str]) -> Problem {
        let field = self.outline.field_at(self.at);
        let problem = match field.filter(|_| kind == "name") {
            Some(field) => self.here(format!("unknown value `{}` for `{}`", shortened(found), field.path)),
            None => self.here(format!("unknown {kind} `{}`", shortened(found))),
        };
        // What composes files is gone before a text is parsed.
        let composing = COMPOSING.iter().filter(|_| kind == "field" && field.is_none());
        let expected = expected.iter().chain(composing).copied();
        problem
            .label(one_of(expected.clone()))
            .did_you_mean(nearest(found, expected))
    }

    fn missing(&self, field: &str) -> Problem {
        let problem = self
            .here(format!("missing field `{field}`"))
            .label("the section ends here without it");
        let mut examples = REQUIRED.iter().chain(&REQUIRED_IN_SECTIONS);
        match examples.find(|(name, _)| *name == field) {
            Some((_, line)) => problem.help(format!("add a line such as `{line}`")),
            None => problem,
        }
    }

    fn wrong_type(&self, expected: &str) -> Problem {
        let problem = self
            .field(format!("expected {}", in_plain_words(expected)))
            .label(self.found());
        let Some(token) = self.token else { return problem };
        let written = &self.text[token.span.clone()];
        match token.kind {
            TokenKind::Name if expected.contains("quotes") && written == shortened(written) => {
                problem.help(format!("write `\"{written}\"`"))
            }
            TokenKind::Name | TokenKind::Number if expected.contains("square") && written == shortened(written) => {
                problem.help(format!("write `[{written}]`"))
            }
            TokenKind::Text if !expected.contains("quotes") => {
                let bare = written.trim_matches('"');
                let plain = !bare.is_empty()
                    && bare
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
                if plain {
                    problem.help(format!("write `{bare}` without quotes"))
                } else {
                    problem
                }
            }
            _ => problem,
        }
    }

    /// A name that lacks the values that belong to it (`Skip`), or stands in the place of a section (`Adam`).
    fn incomplete(&self) -> Problem {
        let ends_value = |token: &&Token| matches!(token.kind, TokenKind::Comma | TokenKind::Close(_));
        let before = || {
            self.outline
                .tokens
                .get(self.outline.token_index(self.at).checked_sub(1)?)
        };
        let token = self.token.filter(|token| !ends_value(token)).or_else(before);
        let at = token.map_or(self.at, |token| token.span.start);
        let problem = Mistake { at, token, ..*self }.wrong_type("values in parentheses");
        let Some(field) = self.outline.field_at(at) else {
            return problem;
        };
        let Some((_, examples)) = EXAMPLES.iter().find(|(name, _)| *name == field.path) else {
            return problem;
        };
        let written = token.map_or("", |token| &self.text[token.span.clone()]);
        let meant = examples
            .iter()
            .filter(|example| example.starts_with(&format!("{written}(")));
        let meant: Vec<&str> = meant.copied().collect();
        let fitting = if meant.is_empty() { examples.to_vec() } else { meant };
        let fitting: Vec<String> = fitting.iter().map(|example| format!("`{example}`")).collect();
        problem.help(format!("write {}", fitting.join(" or ")))
    }

    /// The parser found a value's end and no comma: either it is missing, or the value goes on where it should not
    /// (`2.5` for a whole number).
    fn missing_comma(&self) -> Problem {
        let index = self.outline.token_index(self.at);
        if self.token.is_some_and(|token| token.span.start < self.at) {
            return self.wrong_type("a whole number");
        }
        let before = index.checked_sub(1).and_then(|before| self.outline.tokens.get(before));
        let end: Range<usize> = before.map_or(self.at..self.at, |token| token.span.clone());
        Problem::at(end, "expected a comma after this value").label("add `,`")
    }

    /// `found …` for what stands at the place.
    fn found(&self) -> String {
        let Some(token) = self.token else {
            return "found the end of the file".to_owned();
        };
        let written = &self.text[token.span.clone()];
        match token.kind {
            TokenKind::Text => "found a string".to_owned(),
            TokenKind::Number => format!("found the number `{}`", shortened(written)),
            TokenKind::Name => format!("found the name `{}`", shortened(written)),
            TokenKind::Open('[') => "found a list".to_owned(),
            _ => format!("found `{}`", shortened(written)),
        }
    }
}

/// `2 values in parentheses` for serde's `a tuple of size 2`.
fn in_plain_words(expected: &str) -> String {
    match expected.strip_prefix("a tuple of size ") {
        Some(size) => format!("{size} values in parentheses"),
        None => expected.to_owned(),
    }
}

/// The beginning of what was written.
fn shortened(written: &str) -> String {
    cut(written, 40)
}

fn lowercased(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Experiment;
    use super::*;

    #[test]
    fn every_example_of_a_value_is_one_that_its_field_takes() {
        for (field, value) in EXAMPLES
            .iter()
            .flat_map(|(field, all)| all.iter().map(move |value| (field, value)))
        {
            let given = match field.split_once('.') {
                Some((section, field)) => format!("{section}: ({field}: {value}, path: \"data\"),"),
                None => format!("{field}: {value},"),
            };
            let others = REQUIRED
                .iter()
                .filter(|(name, _)| !given.starts_with(&format!("{name}:")));
            let others: Vec<&str> = others.map(|(_, line)| *line).collect();
            let text = format!("({given} {})", others.join("\n"));
            Experiment::parse(&text, "mine.ron").unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
