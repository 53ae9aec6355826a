//! RON text cut into tokens with their byte ranges, so that messages can point at them. Any text can be cut: what is
//! not RON becomes [`TokenKind::Other`], and it is for the `ron` crate to decide whether a text is valid.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open(char),
    Close(char),
    Colon,
    Comma,
    Name,
    Number,
    Text,
    /// A string or block comment whose end is missing.
    Unclosed,
    Other,
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

/// Cuts `source` into tokens, leaving out white space and comments.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = first_token(rest);
        if let Some(kind) = kind {
            tokens.push(Token {
                kind,
                span: at..at + length,
            });
        }
        at += length;
    }
    tokens
}

/// Kind (none for white space and comments) and length in bytes of what `rest` begins with; the length is never 0.
fn first_token(rest: &str) -> (Option<TokenKind>, usize) {
    let Some(first) = rest.chars().next() else {
        return (None, 1);
    };
    let one = |kind| (Some(kind), first.len_utf8());
    match first {
        '(' | '[' | '{' => one(TokenKind::Open(first)),
        ')' | ']' | '}' => one(TokenKind::Close(first)),
        ':' => one(TokenKind::Colon),
        ',' => one(TokenKind::Comma),
        '"' => text(rest),
        '\'' => (Some(TokenKind::Other), character_length(rest)),
        '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => block_comment(rest),
        'r' => raw_text(rest).unwrap_or_else(|| (Some(TokenKind::Name), name_length(rest))),
        _ if first.is_whitespace() => (None, first.len_utf8()),
        _ if first.is_alphabetic() || first == '_' => (Some(TokenKind::Name), name_length(rest)),
        _ => match number_length(rest) {
            0 => one(TokenKind::Other),
            length => (Some(TokenKind::Number), length),
        },
    }
}

fn name_length(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

/// Length of a number with sign, base, fraction and exponent; 0 if there is none.
fn number_length(rest: &str) -> usize {
    let digits = rest.trim_start_matches(['+', '-', '.']);
    if rest.len() - digits.len() > 2 || !digits.starts_with(|c: char| c.is_alphanumeric()) {
        return 0;
    }
    let mut previous = ' ';
    let end = digits.find(|c: char| {
        let exponent_sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
        previous = c;
        !(c.is_alphanumeric() || matches!(c, '_' | '.') || exponent_sign)
    });
    rest.len() - digits.len() + end.unwrap_or(digits.len())
}

fn text(rest: &str) -> (Option<TokenKind>, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return (Some(TokenKind::Text), at + 1),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (Some(TokenKind::Unclosed), rest.len())
}

/// `r"…"` or `r#"…"#` with any number of hashes; `None` where `rest` begins with an ordinary name.
fn raw_text(rest: &str) -> Option<(Option<TokenKind>, usize)> {
    let after_r = rest.strip_prefix('r')?;
    let body = after_r.trim_start_matches('#');
    let hashes = after_r.len() - body.len();
    let body = body.strip_prefix('"')?;
    let ending = format!("\"{}", "#".repeat(hashes));
    Some(match body.find(&ending) {
        Some(end) => (Some(TokenKind::Text), 1 + hashes + 1 + end + ending.len()),
        None => (Some(TokenKind::Unclosed), rest.len()),
    })
}

/// Length of a character literal such as `'('` or `'\''`, or 1 for a lone apostrophe.
fn character_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let escaped = matches!(characters.next(), Some((_, '\\')));
    if escaped {
        characters.next();
    }
    match characters.next() {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

/// A block comment, which in RON may hold others.
fn block_comment(rest: &str) -> (Option<TokenKind>, usize) {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return (None, at);
        }
    }
    (Some(TokenKind::Unclosed), rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| &source[token.span]).collect()
    }

    #[test]
    fn strings_comments_and_characters_hide_what_they_hold() {
        let source = r##"(a: "x)\"(", // ) "
            b: r#"(""#, c: ')', /* ( /* " */ ] */ d: 'é)"##;
        let expected = [
            "(",
            "a",
            ":",
            r#""x)\"(""#,
            ",",
            "b",
            ":",
            r##"r#"(""#"##,
            ",",
            "c",
            ":",
            "')'",
            ",",
            "d",
            ":",
            "'",
            "é",
            ")",
        ];
        assert_eq!(cut(source), expected);
    }

    #[test]
    fn numbers_are_whole_tokens_whatever_their_form() {
        assert_eq!(
            cut("-1.5e-3, .5, 0x1F_u8, +2, 1.2.3, -inf"),
            [
                "-1.5e-3", ",", ".5", ",", "0x1F_u8", ",", "+2", ",", "1.2.3", ",", "-inf"
            ]
        );
    }

    #[test]
    fn a_string_or_comment_without_end_is_one_token_up_to_the_end_of_the_text() {
        for source in ["\"abc)", "r#\"abc\")", "/* ( /* */", "\"\\\""] {
            let found = tokens(source);
            assert_eq!(
                found,
                [Token {
                    kind: TokenKind::Unclosed,
                    span: 0..source.len()
                }],
                "{source}"
            );
        }
    }
}
