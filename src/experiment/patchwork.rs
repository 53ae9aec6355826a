//! A text put together from parts of other texts, which knows where each part came from: what is wrong with the whole is
//! shown in the file, or in the option of the command line, that a person wrote.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What a person wrote: a file, or an option of the command line.
#[derive(Debug)]
pub(super) struct Source {
    /// What messages call it.
    pub name: String,
    pub text: String,
}

impl Source {
    /// A byte order mark at the beginning is no part of a text.
    pub fn new(name: impl Into<String>, text: impl AsRef<str>) -> Arc<Self> {
        let text = text.as_ref().trim_start_matches('\u{feff}').to_owned();
        Arc::new(Self {
            name: name.into(),
            text,
        })
    }
}

/// A part of a source, in bytes.
#[derive(Clone)]
pub(super) struct Place {
    pub source: Arc<Source>,
    pub span: Range<usize>,
}

impl Place {
    pub fn whole(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            span: 0..source.text.len(),
        }
    }

    /// Another part of the same source.
    pub fn part(&self, span: Range<usize>) -> Self {
        Self {
            source: Arc::clone(&self.source),
            span,
        }
    }

    pub fn text(&self) -> &str {
        &self.source.text[self.span.clone()]
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.span, self.source.name)
    }
}

/// The text, and the pieces that it is made of, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Patchwork {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    /// Where it stands in the patchwork.
    span: Range<usize>,
    place: Place,
    /// Whether it is the place's own text, byte by byte.
    is_copy: bool,
}

impl Patchwork {
    /// A source as it is.
    pub fn of(source: &Arc<Source>) -> Self {
        let mut whole = Self::default();
        whole.copy(&Place::whole(source));
        whole
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a part of a source.
    pub fn copy(&mut self, place: &Place) {
        self.piece(place.text(), place, true);
    }

    /// Appends a text that was made of what stands at `place`.
    pub fn add(&mut self, text: &str, place: &Place) {
        self.piece(text, place, false);
    }

    /// Appends what holds the pieces together.
    pub fn join(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn piece(&mut self, text: &str, place: &Place, is_copy: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push(Piece {
            span: start..self.text.len(),
            place: place.clone(),
            is_copy,
        });
    }

    /// Where `bytes` of the text, or the piece before them, came from.
    pub fn trace(&self, bytes: Range<usize>) -> Option<Place> {
        let after = self.pieces.partition_point(|piece| piece.span.start <= bytes.start);
        let piece = &self.pieces[after.checked_sub(1)?];
        let Range { start, end } = piece.place.span;
        if !piece.is_copy {
            return Some(piece.place.clone());
        }
        let moved = |at: usize| (start + at.saturating_sub(piece.span.start)).min(end);
        Some(piece.place.part(moved(bytes.start)..moved(bytes.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_traced_to_where_it_was_written() {
        let (file, option) = (Source::new("a.ron", "(epochs: 20)"), Source::new("option", "epochs=3"));
        let mut whole = Patchwork::default();
        whole.copy(&Place::whole(&file).part(0..1));
        whole.copy(&Place::whole(&file).part(1..7));
        whole.join(": ");
        whole.copy(&Place::whole(&option).part(7..8));
        whole.join(",");
        whole.add("\"long\"", &Place::whole(&file).part(9..11));
        whole.join(")");
        assert_eq!(whole.text(), "(epochs: 3,\"long\")");
        let traced = |bytes| whole.trace(bytes).map(|place| (place.source.name.clone(), place.span));
        assert_eq!(traced(3..5), Some(("a.ron".to_owned(), 3..5)));
        assert_eq!(traced(9..10), Some(("option".to_owned(), 7..8)));
        assert_eq!(traced(10..11), Some(("option".to_owned(), 8..8)));
        assert_eq!(traced(14..15), Some(("a.ron".to_owned(), 9..11)));
        assert_eq!(Patchwork::default().trace(0..0).map(|place| place.span), None);
    }
}
