//! Names as people compare them. Unicode writes `ê` as one character or as `e` and an accent; systems and archives differ
//! in which of them they keep, and nobody sees it.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name with its accents composed (NFC): names that look equal are equal.
pub(super) fn composed(name: &str) -> Cow<'_, str> {
    if is_nfc(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

/// The name with characters beyond ASCII by their numbers, to tell names apart that look equal.
pub(super) fn spelled_out(name: &str) -> String {
    let spelled = |c: char| {
        if c.is_ascii() {
            c.to_string()
        } else {
            c.escape_unicode().to_string()
        }
    };
    name.chars().map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_equal_are_equal() {
        assert_eq!(composed("fore\u{302}t"), composed("for\u{ea}t"));
        assert_ne!(composed("foret"), composed("for\u{ea}t"));
        assert_eq!(spelled_out("fore\u{302}t"), "fore\\u{302}t");
    }
}
