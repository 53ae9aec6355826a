//! Names that the font of the pictures can't write: it has no Chinese, Japanese or Korean letters, and draws an empty box
//! for each.

use std::collections::HashSet;

use ab_glyph::{Font, FontRef};

use crate::text::{listed, one_line};

/// Those of some names that hold a character without a glyph, each once.
pub fn without_glyphs<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let Ok(font) = FontRef::try_from_slice(dejavu::sans::regular()) else {
        return Vec::new();
    };
    let has_all = |name: &str| one_line(name).chars().all(|c| font.glyph_id(c).0 != 0);
    let mut told = HashSet::new();
    names
        .into_iter()
        .filter(|name| !has_all(name) && told.insert(*name))
        .collect()
}

/// The sentence about such names in a report; none without any.
pub(super) fn warning<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names = without_glyphs(names);
    (!names.is_empty()).then(|| {
        format!(
            "The font of the PNG pictures lacks letters of these names, and shows boxes in their place: {}. The page and \
             the SVG files show them.",
            listed(names, "")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_letters_that_the_font_lacks_are_told_once() {
        let names = ["büro", "море", "θάλασσα", "猫 cat", "a\nb", "写真", "猫 cat"];
        assert_eq!(without_glyphs(names), ["猫 cat", "写真"]);
        assert!(
            warning(names)
                .unwrap()
                .contains("in their place: 猫 cat, 写真. The page")
        );
        assert_eq!(warning(["sea", "it's \"100 %\" – 5 €"]), None);
    }
}
