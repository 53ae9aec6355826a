//! Names from elsewhere, as they are shown to people and typed into a shell.

/// `text` with question marks, as many as there are bytes, for characters that could steer a terminal: control
/// characters and those that turn the direction of writing. Line breaks and tabs stay.
pub fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\r' && rest.peek() == Some(&'\n');
        if steers(c) && !ends_line {
            shown.extend(std::iter::repeat_n('?', c.len_utf8()))
        } else {
            shown.push(c)
        }
    }
    shown
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
    fn words_with_spaces_are_quoted_for_the_shell() {
        assert_eq!(
            ["a/b-1.ron", "my pets", "", "it's"].map(quoted),
            ["a/b-1.ron", "'my pets'", "''", r"'it'\''s'"]
        );
    }
}
