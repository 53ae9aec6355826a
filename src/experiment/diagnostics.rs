//! What is wrong with an experiment and where, and how that is shown: the source line with the place marked, or the
//! flag of the command line that brought the value.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::{Files, SimpleFile};
use codespan_reporting::term::{Chars, Config, emit_into_string};

use super::outline::Outline;
use super::patchwork::{Patchwork, Place as Written, Source};
use crate::text::{harmless, nearest, one_line, one_of, printable};

/// Bytes of the longest source line that is shown.
const LONGEST_SHOWN_LINE: usize = 400;

/// One mistake: what is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    message: String,
    label: String,
    beside: Option<(Range<usize>, String)>,
    help: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Field(String),
    Bytes(Range<usize>),
}

/// Without its place: the message with what was expected, and the help on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.message))?;
        if !self.label.is_empty() {
            write!(f, ": {}", one_line(&self.label))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", harmless(help))?;
        }
        Ok(())
    }
}

impl Problem {
    /// A mistake in the value of `field`, which is named as in `heads[2]` or `optimizer.momentum`.
    pub fn in_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Place::Field(field.into()), message.into())
    }

    /// A mistake at a place in the file's text.
    pub(super) fn at(bytes: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Place::Bytes(bytes), message.into())
    }

    fn new(place: Place, message: String) -> Self {
        Self {
            place,
            message,
            label: String::new(),
            beside: None,
            help: None,
        }
    }

    /// A name that is not one of `known`, a `kind` such as "network": lists the known names and suggests the nearest.
    pub fn unknown_name<'a>(
        field: impl Into<String>,
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let problem = Self::in_field(field, format!("unknown {kind} `{name}`")).label(one_of(known.clone()));
        problem.did_you_mean(nearest(name, known))
    }

    /// What to write beside the marked place.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }

    /// A second place that explains the first.
    pub(super) fn beside(self, bytes: Range<usize>, label: impl Into<String>) -> Self {
        Self {
            beside: Some((bytes, label.into())),
            ..self
        }
    }

    /// What the person can do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    pub(super) fn did_you_mean(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// Where an experiment's values came from: files, and options of the command line.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    text: Option<Arc<Text>>,
    flags: BTreeMap<String, String>,
}

/// The text that was parsed, with the places of its fields and the sources of its pieces.
#[derive(Debug)]
struct Text {
    patchwork: Patchwork,
    outline: Outline,
}

impl Origin {
    pub(super) fn new(patchwork: Patchwork, outline: Outline) -> Self {
        Self {
            text: Some(Arc::new(Text { patchwork, outline })),
            flags: BTreeMap::new(),
        }
    }

    /// Notes that `field` was set by `flag`, which is given as the person wrote it: `--epochs 20`.
    pub(super) fn set_by_flag(&mut self, field: &str, flag: String) {
        self.flags.insert(field.to_owned(), flag);
    }

    /// The flag to blame for a place, or else where it was written.
    fn find(&self, place: &Place) -> (Option<&str>, Option<Written>) {
        let trace = |bytes| self.text.as_ref()?.patchwork.trace(bytes);
        match place {
            Place::Bytes(bytes) => (None, trace(bytes.clone())),
            Place::Field(field) => match self.flag(field) {
                Some(flag) => (Some(flag), None),
                None => {
                    let bytes = self.text.as_ref().and_then(|text| text.outline.locate(field));
                    (None, bytes.and_then(trace))
                }
            },
        }
    }

    /// The flag that set `field`, or the list or section that `field` is part of.
    fn flag(&self, field: &str) -> Option<&str> {
        let covers = |set: &str| {
            field
                .strip_prefix(set)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.flags
            .iter()
            .find(|(set, _)| covers(set))
            .map(|(_, flag)| flag.as_str())
    }
}

/// The mistakes of one experiment. [`Display`](fmt::Display) shows all of them, each at its place; the first one's
/// `error: ` is left to whoever prints it, as with any other error.
#[derive(Debug, Clone)]
pub struct Problems {
    origin: Origin,
    problems: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(origin: Origin, problems: Vec<Problem>) -> Self {
        Self { origin, problems }
    }

    /// A mistake in a source, found before anything of it is parsed.
    pub(super) fn at(source: &Arc<Source>, problem: Problem) -> Self {
        Self::new(Origin::new(Patchwork::of(source), Outline::default()), vec![problem])
    }

    fn render(&self, problem: &Problem) -> String {
        let (flag, written) = self.origin.find(&problem.place);
        let source = written.as_ref().map(|written| &*written.source);
        let (name, text) = source.map_or(("", ""), |source| (&source.name, &source.text));
        let file = SimpleFile::new(printable(name), harmless(text));
        let range = written.as_ref().map(|written| first_line(text, written.span.clone()));
        let (marked, far) = match range {
            Some(range) if can_be_shown(text, &range) => (Some(range), None),
            range => (None, range),
        };

        let beside = problem.beside.as_ref().and_then(|(bytes, label)| {
            let (_, beside) = self.origin.find(&Place::Bytes(bytes.clone()));
            let is_here = |beside: &Written| source.is_some_and(|source| std::ptr::eq(source, &*beside.source));
            Some((first_line(text, beside.filter(is_here)?.span), label))
        });
        let beside = beside.filter(|(range, _)| marked.is_some() && can_be_shown(text, range));
        let label = Some(&problem.label).filter(|label| marked.is_none() && !label.is_empty());
        let place = far.and_then(|range| file.location((), range.start).ok());
        let notes = [
            place.map(|place| format!("at {}:{}:{}", printable(name), place.line_number, place.column_number)),
            label.map(|label| one_line(label)),
            flag.map(|flag| format!("set by {}", one_line(flag))),
            problem.help.as_ref().map(|help| format!("help: {help}")),
        ];
        let diagnostic = Diagnostic::error()
            .with_message(one_line(&problem.message))
            .with_labels_iter(marked.map(|range| Label::primary((), range).with_message(one_line(&problem.label))))
            .with_labels_iter(beside.map(|(range, label)| Label::secondary((), range).with_message(one_line(label))))
            .with_notes_iter(notes.into_iter().flatten().map(|note| harmless(&note)));

        let config = Config {
            chars: Chars::ascii(),
            ..Config::default()
        };
        let shown = emit_into_string(&config, &file, &diagnostic);
        shown.unwrap_or_else(|_| format!("error: {}", one_line(&problem.message)))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rendered: Vec<_> = self
            .problems
            .iter()
            .map(|problem| self.render(problem).trim_end().to_owned())
            .collect();
        let text = rendered.join("\n\n");
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        let text = lines.join("\n");
        f.write_str(text.strip_prefix("error: ").unwrap_or(&text))
    }
}

impl std::error::Error for Problems {}

/// The part of `bytes` that lies on its first line, kept inside the text and on character boundaries.
fn first_line(text: &str, bytes: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(bytes.start);
    let end = text.ceil_char_boundary(bytes.end).max(start);
    let line = text[start..end].lines().next().unwrap_or_default();
    start..start + line.len()
}

/// Whether the line of `range` is short enough: a file in one endless line would fill the screen.
fn can_be_shown(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = text.split_at(range.start);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = range.start + after.find('\n').unwrap_or(after.len());
    end - start <= LONGEST_SHOWN_LINE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::new(Patchwork::of(&Source::new("a.ron", text)), Outline::of(text))
    }

    fn shown(text: &str, problem: Problem) -> String {
        Problems::new(origin(text), vec![problem]).to_string()
    }

    #[test]
    fn a_field_is_shown_with_its_line_and_column() {
        let text = "(\n    heads: [gap, gap],\n)";
        let problem = Problem::in_field("heads[1]", "`gap` is listed twice")
            .label("again here")
            .help("remove one");
        assert_eq!(
            shown(text, problem),
            "\
`gap` is listed twice
  --> a.ron:2:18
  |
2 |     heads: [gap, gap],
  |                  ^^^ again here
  |
  = help: remove one"
        );
    }

    #[test]
    fn a_marked_place_stays_under_its_text_behind_wide_characters_and_tabs() {
        let text = "(\tname: \"写真é\", epochs: 0)";
        assert_eq!(
            shown(text, Problem::in_field("epochs", "too few").label("found 0")),
            "\
too few
  --> a.ron:1:24
  |
1 | (   name: \"写真é\", epochs: 0)
  |                            ^ found 0"
        );
    }

    #[test]
    fn a_file_cannot_steer_the_terminal_that_shows_its_mistakes() {
        let text = "(name: \"\u{1b}[2J\u{202e}\", epochs: 0)";
        let message = shown(text, Problem::in_field("name", "bad name \u{7}").label("\u{9b}1m"));
        assert!(
            message.contains("bad name ?") && message.contains("\"?[2J???\""),
            "{message}"
        );
        assert!(message.chars().all(|c| !c.is_control() || c == '\n'), "{message}");
    }

    #[test]
    fn a_mistake_that_spans_lines_is_marked_on_its_first() {
        let text = "(data: (\n    path: 1,\n))";
        let message = shown(text, Problem::in_field("data", "no layout").label("here"));
        assert!(message.ends_with("1 | (data: (\n  |        ^ here"), "{message}");
    }

    #[test]
    fn a_file_in_one_endless_line_is_not_printed() {
        let text = format!("(name: \"{}\", epochs: 0)", "x".repeat(50_000));
        assert_eq!(
            shown(&text, Problem::in_field("epochs", "too few").label("found 0")),
            "too few\n = at a.ron:1:50020\n = found 0"
        );
    }

    #[test]
    fn a_value_from_the_command_line_is_blamed_on_its_flag() {
        let mut origin = origin("(heads: [gap])");
        origin.set_by_flag("heads", "--heads gap,gap".to_owned());
        let problem = Problem::in_field("heads[1]", "`gap` is listed twice").label("again here");
        assert_eq!(
            Problems::new(origin, vec![problem]).to_string(),
            "`gap` is listed twice\n = again here\n = set by --heads gap,gap"
        );
    }
}
