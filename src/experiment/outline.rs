//! Where each field of an experiment stands in its text: a table from paths such as `optimizer.momentum` and
//! `heads[2]` to byte ranges, built from tokens alone, so that it also exists for a text that does not parse.

use std::ops::Range;

use super::tokens::{Token, TokenKind, tokens};

/// A value, its path, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// `heads[2]`, `optimizer.momentum`; the names of enum variants are not part of it.
    pub path: String,
    /// Byte range of the value.
    pub span: Range<usize>,
}

/// A bracket or quotation mark that has no partner; the `ron` crate sees such a mistake only where its effects show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unbalanced {
    NeverClosed(Range<usize>),
    ClosesNothing(Range<usize>),
    ClosedByAnother {
        opening: Range<usize>,
        closing: Range<usize>,
    },
    NeverEnds(Range<usize>),
    TooDeep(Range<usize>),
}

/// Brackets inside brackets; the deepest field of an experiment is at level 4. Together with [`LONGEST_KEY`] and the
/// bound on a file's size it keeps the paths of a hostile text small.
const DEEPEST: usize = 32;

/// Bytes of a key that become part of a path.
const LONGEST_KEY: usize = 64;

/// Tokens and fields of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    pub tokens: Vec<Token>,
    pub fields: Vec<Field>,
    pub unbalanced: Option<Unbalanced>,
}

impl Outline {
    /// The outline of `source`, complete up to the first unbalanced bracket.
    pub fn of(source: &str) -> Self {
        let tokens = tokens(source);
        let mut builder = Builder {
            source,
            fields: Vec::new(),
            groups: vec![Group::root()],
            askew: None,
        };
        let unbalanced = builder.read(&tokens).err();
        Self {
            fields: builder.fields,
            tokens,
            unbalanced,
        }
    }

    /// Byte range of the value at `path`, or of the nearest value that contains it.
    pub fn locate(&self, path: &str) -> Option<Range<usize>> {
        let mut path = path;
        loop {
            if let Some(field) = self.fields.iter().find(|field| field.path == path) {
                return Some(field.span.clone());
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// The innermost field whose value contains the byte `at`.
    pub fn field_at(&self, at: usize) -> Option<&Field> {
        let around = self
            .fields
            .iter()
            .filter(|field| !field.path.is_empty() && field.span.contains(&at));
        around.min_by_key(|field| field.span.len())
    }

    /// Index of the first token that ends after the byte `at`.
    pub fn token_index(&self, at: usize) -> usize {
        self.tokens.partition_point(|token| token.span.end <= at)
    }
}

/// A pair of brackets that is being read, and the entry of it that is being read.
struct Group {
    opening: Option<Token>,
    path: String,
    index: usize,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

impl Group {
    /// The text as a whole, which holds one value.
    fn root() -> Self {
        Self {
            opening: None,
            path: String::new(),
            index: 0,
            key: None,
            value: None,
        }
    }

    fn entry_path(&self, source: &str) -> String {
        let key = self
            .key
            .clone()
            .map(|key| &source[key.start..source.floor_char_boundary(key.end.min(key.start + LONGEST_KEY))]);
        match key {
            _ if self.opening.is_none() => String::new(),
            Some(key) if self.path.is_empty() => key.to_owned(),
            Some(key) => format!("{}.{key}", self.path),
            None => format!("{}[{}]", self.path, self.index),
        }
    }

    fn extend_value(&mut self, token: &Token) {
        let start = self.value.as_ref().map_or(token.span.start, |value| value.start);
        self.value = Some(start..token.span.end);
    }
}

/// Reads tokens without recursion: nesting costs no stack.
struct Builder<'a> {
    source: &'a str,
    fields: Vec<Field>,
    groups: Vec<Group>,
    /// The first bracket whose partner begins a line that is indented differently: if a bracket turns out to be
    /// missing, it is most likely the partner of this one.
    askew: Option<Range<usize>>,
}

impl Builder<'_> {
    fn read(&mut self, tokens: &[Token]) -> Result<(), Unbalanced> {
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Open(_) => self.open(token)?,
                TokenKind::Close(closing) => self.close(token, closing)?,
                TokenKind::Comma => self.end_entry(),
                TokenKind::Colon => self.name_entry(&tokens[..at]),
                TokenKind::Unclosed => return Err(Unbalanced::NeverEnds(token.span.clone())),
                _ => self.group().extend_value(token),
            }
        }
        self.end_entry();
        match self.groups.pop().and_then(|group| group.opening) {
            Some(opening) => Err(Unbalanced::NeverClosed(self.askew.take().unwrap_or(opening.span))),
            None => Ok(()),
        }
    }

    /// The innermost group. The root is never closed, so there always is one.
    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::root());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn open(&mut self, token: &Token) -> Result<(), Unbalanced> {
        if self.groups.len() > DEEPEST {
            return Err(Unbalanced::TooDeep(token.span.clone()));
        }
        let source = self.source;
        let group = self.group();
        group.extend_value(token);
        let path = group.entry_path(source);
        self.groups.push(Group {
            opening: Some(token.clone()),
            path,
            ..Group::root()
        });
        Ok(())
    }

    fn close(&mut self, token: &Token, closing: char) -> Result<(), Unbalanced> {
        self.end_entry();
        let Some(opening) = self.group().opening.clone() else {
            return Err(Unbalanced::ClosesNothing(token.span.clone()));
        };
        if !matches!(
            (opening.kind, closing),
            (TokenKind::Open('('), ')') | (TokenKind::Open('['), ']') | (TokenKind::Open('{'), '}')
        ) {
            return Err(Unbalanced::ClosedByAnother {
                opening: opening.span,
                closing: token.span.clone(),
            });
        }
        let (indentation, begins_line) = self.indentation(token.span.start);
        if self.askew.is_none() && begins_line && indentation != self.indentation(opening.span.start).0 {
            self.askew = Some(opening.span);
        }
        self.groups.pop();
        self.group().extend_value(token);
        Ok(())
    }

    /// The white space that begins the line of the byte `at`, and whether nothing else stands before that byte.
    fn indentation(&self, at: usize) -> (&str, bool) {
        let before = &self.source[..at];
        let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let rest = line.trim_start();
        (&line[..line.len() - rest.len()], rest.is_empty())
    }

    /// A colon: the name before it was no value but the entry's key.
    fn name_entry(&mut self, before: &[Token]) {
        let group = self.group();
        if let Some(name) = before
            .last()
            .filter(|token| token.kind == TokenKind::Name && group.key.is_none())
        {
            group.key = Some(name.span.clone());
            group.value = None;
        }
    }

    fn end_entry(&mut self) {
        let source = self.source;
        let group = self.group();
        let path = group.entry_path(source);
        group.index += 1;
        group.key = None;
        if let Some(span) = group.value.take() {
            self.fields.push(Field { path, span });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"// heads: [none]
Experiment(
    heads: [gap, /* , */ wise_srnet],
    data: (layout: Folders(train: "a,b", test: "c)"), path: Some("x")),
    augmentation: (zoom: (0.8, 1.2)),
)"#;

    #[test]
    fn a_field_is_found_by_its_path() {
        let outline = Outline::of(SOURCE);
        for (path, text) in [
            ("heads", "[gap, /* , */ wise_srnet]"),
            ("heads[1]", "wise_srnet"),
            ("data.layout.test", "\"c)\""),
            ("data.layout", "Folders(train: \"a,b\", test: \"c)\")"),
            ("data.path", "Some(\"x\")"),
            ("augmentation.zoom[1]", "1.2"),
        ] {
            assert_eq!(outline.locate(path).map(|span| &SOURCE[span]), Some(text), "{path}");
        }
    }

    #[test]
    fn a_field_that_is_left_out_is_looked_for_in_its_section() {
        let outline = Outline::of(SOURCE);
        assert_eq!(
            outline.locate("augmentation.channel_shift"),
            outline.locate("augmentation")
        );
        assert_eq!(outline.locate("optimizer.momentum"), None);
    }

    #[test]
    fn the_field_around_a_place_is_the_innermost() {
        let outline = Outline::of(SOURCE);
        let at = SOURCE.find("0.8").unwrap();
        assert_eq!(
            outline.field_at(at).map(|field| field.path.as_str()),
            Some("augmentation.zoom[0]")
        );
    }

    #[test]
    fn brackets_without_a_partner_are_named() {
        let unbalanced = |source: &str| Outline::of(source).unbalanced;
        assert_eq!(unbalanced("(a: [1, 2]"), Some(Unbalanced::NeverClosed(0..1)));
        assert_eq!(unbalanced("(a: 1))"), Some(Unbalanced::ClosesNothing(6..7)));
        assert_eq!(
            unbalanced("(a: [1)"),
            Some(Unbalanced::ClosedByAnother {
                opening: 4..5,
                closing: 6..7
            })
        );
        assert_eq!(unbalanced("(a: \"b)"), Some(Unbalanced::NeverEnds(4..7)));
        assert_eq!(unbalanced(SOURCE), None);
    }

    #[test]
    fn nesting_is_bounded() {
        let outline = Outline::of(&"[".repeat(60_000));
        assert_eq!(outline.unbalanced, Some(Unbalanced::TooDeep(DEEPEST..DEEPEST + 1)));
    }
}
