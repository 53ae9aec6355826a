//! An experiment's text as fields that can be replaced and added, each with the place where it was written.

use std::collections::HashSet;
use std::sync::Arc;

use super::diagnostics::Problem;
use super::patchwork::{Patchwork, Place, Source};
use super::tokens::{Token, TokenKind, tokens};

/// The sections that are filled up field by field from what they stand over. All other values are taken whole, as
/// `augmentation` is: in one that is given, what it does not name is off.
const FILLED_UP: [&str; 2] = ["data", "optimizer"];

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// As it was written.
    Text(Place),
    /// Fields in parentheses.
    Fields(Fields),
    /// A text of this program's own, made of what stands at the place.
    Made(String, Place),
}

/// Fields in brackets: `(path: "a", limit_train: 5)`, `Staircase(decay: 0.9, every_epochs: 2)`, `{"a": (epochs: 2)}`.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    /// The opening bracket, with the name before it.
    opening: Option<Place>,
    entries: Vec<Entry>,
    closing: Option<Place>,
}

/// A field, or a value without a name, which has no business in an experiment but shall be answered as one in a file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: Option<Place>,
    pub value: Value,
}

impl Value {
    /// The fields of a value in parentheses.
    pub fn fields(&mut self) -> Option<&mut Fields> {
        if let Self::Text(place) = self {
            *self = Self::Fields(Fields::of(place)?);
        }
        match self {
            Self::Fields(fields) => Some(fields),
            _ => None,
        }
    }

    /// The same for bare parentheses that hold nothing but fields.
    pub fn section(&mut self) -> Option<&mut Fields> {
        self.fields().filter(|fields| fields.is_section())
    }

    /// The value as it was written, if it still is.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Text(place) | Self::Made(_, place) => Some(place),
            Self::Fields(fields) => fields.opening.as_ref(),
        }
    }

    fn write(&self, text: &mut Patchwork) {
        match self {
            Self::Text(place) => text.copy(place),
            Self::Made(made, place) => text.add(made, place),
            Self::Fields(fields) => fields.write(text),
        }
    }
}

impl Fields {
    /// The fields of a whole experiment.
    ///
    /// # Errors
    /// Where a text is something else; the parser may know more about what is wrong with it.
    pub fn of_experiment(source: &Arc<Source>) -> Result<Self, Problem> {
        let all = tokens(&source.text);
        let tokens = without_attributes(&source.text, &all);
        let opening = tokens.iter().position(|token| token.kind == TokenKind::Open('('));
        let found = opening
            .filter(|at| *at < 2)
            .and_then(|at| Some((at, partner(tokens, at)?)));
        let Some((opening, closing)) = found else {
            let start = tokens.first().map_or(0..0, |token| token.span.clone());
            return Err(Problem::at(start, "the file holds no experiment").label("expected `Experiment(`"));
        };
        if let Some(after) = tokens.get(closing + 1) {
            let problem = Problem::at(after.span.clone(), "there is more after the end of the experiment");
            return Err(problem.label("not expected"));
        }
        let head = &tokens[0].span;
        if opening == 1 && &source.text[head.clone()] != "Experiment" {
            let problem = Problem::at(head.clone(), "unexpected name");
            return Err(problem.label("expected `Experiment(` or just `(`"));
        }
        let span = head.start..tokens[closing].span.end;
        let experiment = Self::of(&Place::whole(source).part(span.clone()));
        experiment.ok_or_else(|| Problem::at(span, "the file holds no experiment"))
    }

    /// The fields of a value, or `None` if it isn't one that has fields.
    pub fn of(value: &Place) -> Option<Self> {
        let tokens = tokens(value.text());
        let opening = match tokens.first()?.kind {
            TokenKind::Open('(' | '{') => 0,
            TokenKind::Name if tokens.get(1)?.kind == TokenKind::Open('(') => 1,
            _ => return None,
        };
        let closing = partner(&tokens, opening).filter(|closing| closing + 1 == tokens.len())?;
        let start = value.span.start;
        let part = |from: &Token, to: &Token| value.part(start + from.span.start..start + to.span.end);
        let inner = &tokens[opening + 1..closing];
        Some(Self {
            opening: Some(part(&tokens[0], &tokens[opening])),
            entries: entries(inner)
                .into_iter()
                .map(|entry| Entry::of(entry, &part))
                .collect(),
            closing: Some(part(&tokens[closing], &tokens[closing])),
        })
    }

    fn is_section(&self) -> bool {
        let is_bare = self.opening.as_ref().is_some_and(|opening| opening.text() == "(");
        is_bare && self.entries.iter().all(|entry| entry.key.is_some())
    }

    /// Whether these are the entries of a map, in curly braces.
    pub fn is_map(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.text() == "{")
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn position(&self, name: &str) -> Option<usize> {
        let is_named = |entry: &Entry| entry.key.as_ref().is_some_and(|key| key.text() == name);
        self.entries.iter().position(is_named)
    }

    /// The field of this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.position(name).map(|at| &self.entries[at])
    }

    /// As [`get`](Self::get), to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Entry> {
        self.position(name).map(|at| &mut self.entries[at])
    }

    /// Takes a field away; of one that is given twice the first.
    pub fn take(&mut self, name: &str) -> Option<Entry> {
        self.position(name).map(|at| self.entries.remove(at))
    }

    /// Lays `upper` over these fields: what it names replaces what is here.
    pub fn cover(&mut self, upper: Self) {
        let mut covered = HashSet::new();
        for mut entry in upper.entries {
            let name = entry.key.as_ref().map(|key| key.text().to_owned()).unwrap_or_default();
            // A field that `upper` itself names twice stays twice, so that it is answered as in any file.
            let is_second = !covered.insert(name.clone());
            let Some(at) = self.position(&name).filter(|_| !is_second) else {
                self.entries.push(entry);
                continue;
            };
            let lower = &mut self.entries[at];
            if FILLED_UP.contains(&name.as_str())
                && let (Some(section), Some(over)) = (lower.value.section(), entry.value.section())
            {
                section.cover(over.clone());
                lower.key = entry.key;
            } else {
                *lower = entry;
            }
        }
        if upper.opening.is_some() {
            (self.opening, self.closing) = (upper.opening, upper.closing);
        }
    }

    /// Lays fields without their brackets over these.
    pub fn cover_inside(&mut self, upper: Self) {
        self.cover(Self {
            entries: upper.entries,
            ..Self::default()
        });
    }

    /// Sets the field at the end of `path`. A section on the way that isn't there begins as the one of `defaults`.
    ///
    /// # Errors
    /// The first part of the path whose value has no fields, with that value.
    pub fn set(&mut self, path: &[Place], value: &Place, defaults: &Self) -> Result<(), (Place, String)> {
        let Some((key, rest)) = path.split_first() else {
            return Ok(());
        };
        let at = self.position(key.text()).unwrap_or_else(|| {
            let default = defaults.get(key.text()).map(|entry| entry.value.clone());
            self.entries.push(Entry {
                key: Some(key.clone()),
                value: default.unwrap_or_else(|| Value::Fields(Self::default())),
            });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        if rest.is_empty() {
            *entry = Entry {
                key: Some(key.clone()),
                value: Value::Text(value.clone()),
            };
            return Ok(());
        }
        let Some(fields) = entry.value.fields() else {
            let found = entry.value.place().map(|place| place.text().to_owned());
            return Err((key.clone(), found.unwrap_or_default()));
        };
        fields.set(rest, value, &Self::default())
    }

    /// Appends the fields to a text.
    pub fn write(&self, text: &mut Patchwork) {
        match &self.opening {
            Some(opening) => text.copy(opening),
            None => text.join("("),
        }
        for entry in &self.entries {
            text.join("\n");
            if let Some(key) = &entry.key {
                text.copy(key);
                text.join(": ");
            }
            entry.value.write(text);
            text.join(",");
        }
        text.join("\n");
        match &self.closing {
            Some(closing) => text.copy(closing),
            None => text.join(")"),
        }
    }
}

impl Entry {
    fn of(tokens: &[Token], part: &impl Fn(&Token, &Token) -> Place) -> Self {
        let whole = |tokens: &[Token]| match tokens {
            [] => None,
            [first, .., last] => Some(part(first, last)),
            [only] => Some(part(only, only)),
        };
        match tokens {
            [key, colon, value @ ..]
                if colon.kind == TokenKind::Colon && matches!(key.kind, TokenKind::Name | TokenKind::Text) =>
            {
                let after_colon = || {
                    let colon = part(colon, colon);
                    colon.part(colon.span.end..colon.span.end)
                };
                Self {
                    key: Some(part(key, key)),
                    value: Value::Text(whole(value).unwrap_or_else(after_colon)),
                }
            }
            _ => Self {
                key: None,
                value: whole(tokens).map_or_else(|| Value::Fields(Fields::default()), Value::Text),
            },
        }
    }
}

/// The tokens without the attributes at the beginning of a RON text, `#![enable(…)]`: what this program's files may leave
/// out is the same for all of them.
fn without_attributes<'t>(text: &str, tokens: &'t [Token]) -> &'t [Token] {
    let mut rest = tokens;
    while let [hash, _, bracket, ..] = rest
        && &text[hash.span.clone()] == "#"
        && bracket.kind == TokenKind::Open('[')
        && let Some(end) = partner(rest, 2)
    {
        rest = &rest[end + 1..];
    }
    rest
}

/// The position of the bracket that closes the one at `opening`.
fn partner(tokens: &[Token], opening: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(opening) {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.checked_sub(1)?,
            TokenKind::Unclosed => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The tokens between a pair of brackets, cut at its own commas; a comma at the end ends the last entry.
fn entries(inner: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let cut = |token: &Token| {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.kind == TokenKind::Comma
    };
    let mut entries: Vec<&[Token]> = inner.split(cut).collect();
    if entries.last().is_some_and(|last| last.is_empty()) {
        entries.pop();
    }
    entries
}
