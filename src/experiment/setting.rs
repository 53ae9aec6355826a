//! `--set FIELD=VALUE`: any field of an experiment from the command line, its value in the file's own notation.

use std::fmt;
use std::str::FromStr;

use super::diagnostics::{Problem, Problems};
use super::outline::Outline;
use super::patchwork::{Place, Source};
use super::syntax;
use super::tokens::TokenKind;

/// What messages call the place of a setting.
const COMMAND_LINE: &str = "command line";

/// Fields that say how a file is made of others, and can't be set from outside.
pub(super) const COMPOSING: [&str; 2] = ["base", "variants"];

/// A field and the value that it is to have: `optimizer.learning_rate=0.01`, `heads=[gap, wise_srnet]`.
#[derive(Debug, Clone)]
pub struct Setting {
    /// `optimizer`, `learning_rate`
    path: Vec<Place>,
    /// Everything behind the equals sign.
    value: Place,
}

/// A word that is no setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no value.
    #[error("expected FIELD=VALUE, such as `epochs=3`")]
    NoValue,
    /// What stands before the equals sign is no field's name.
    #[error("`{0}` names no field: expected names with dots between them, such as `optimizer.learning_rate`")]
    NoField(String),
    /// The field composes files.
    #[error("`{0}` can only stand in a file")]
    Composing(String),
}

/// As it was written.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = &self.value.source.text;
        f.write_str(written.strip_prefix("--set ").unwrap_or(written))
    }
}

impl FromStr for Setting {
    type Err = SettingError;

    fn from_str(written: &str) -> Result<Self, SettingError> {
        let (field, _) = written.split_once('=').ok_or(SettingError::NoValue)?;
        let whole = Place::whole(&Source::new(COMMAND_LINE, format!("--set {written}")));
        let mut at = whole.span.end - written.len();
        let mut path = Vec::new();
        for name in field.split('.') {
            let begin = at;
            at += name.len() + 1;
            let trimmed = name.trim();
            let is_name = trimmed.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && trimmed.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !is_name {
                return Err(SettingError::NoField(field.to_owned()));
            }
            let start = begin + name.len() - name.trim_start().len();
            path.push(whole.part(start..start + trimmed.len()));
        }
        if let Some(name) = COMPOSING.into_iter().find(|name| path[0].text() == *name) {
            return Err(SettingError::Composing(name.to_owned()));
        }
        Ok(Self {
            path,
            value: whole.part(at..whole.span.end),
        })
    }
}

impl Setting {
    pub(super) fn path(&self) -> &[Place] {
        &self.path
    }

    /// The field's name: `optimizer.learning_rate`.
    pub(super) fn field(&self) -> String {
        let names: Vec<&str> = self.path.iter().map(Place::text).collect();
        names.join(".")
    }

    /// The value, of which it is sure that it is one and ends where it should: it can't bring other fields along.
    ///
    /// # Errors
    /// What is wrong with it, at its place.
    pub(super) fn value(&self) -> Result<Place, Problems> {
        let Place { source, span } = &self.value;
        // Spaces in the place of what stands before the value keep every position as it is.
        let text = format!("{}{}", " ".repeat(span.start), self.value.text());
        let outline = Outline::of(&text);
        let refused = |problem| Problems::at(source, problem);
        if let Some(unbalanced) = &outline.unbalanced {
            return Err(refused(syntax::unbalanced(&source.text, &outline, unbalanced.clone())));
        }
        let mut depth = 0_usize;
        for token in &outline.tokens {
            match token.kind {
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth = depth.saturating_sub(1),
                TokenKind::Comma | TokenKind::Colon if depth == 0 => {
                    let problem = Problem::at(token.span.clone(), format!("`{}`: expected one value", self.field()));
                    return Err(refused(problem.label("not part of a value").help(
                        "a list is written in square brackets, a section in parentheses; other fields have a `--set` of \
                         their own",
                    )));
                }
                _ => {}
            }
        }
        match outline.tokens.as_slice() {
            [] => {
                let problem = Problem::at(span.clone(), format!("`{}`: expected a value", self.field()));
                Err(refused(problem.label("found none")))
            }
            [only] => Ok(self.value.part(only.span.clone())),
            [first, .., last] => Ok(self.value.part(first.span.start..last.span.end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_field_and_a_value() {
        let setting: Setting = " optimizer . learning_rate = 0.01 ".parse().unwrap();
        assert_eq!(setting.field(), "optimizer.learning_rate");
        assert_eq!(setting.value().unwrap().text(), "0.01");
        assert_eq!(setting.to_string(), " optimizer . learning_rate = 0.01 ");
    }

    #[test]
    fn what_is_no_setting_is_answered_with_one() {
        let error = |written: &str| written.parse::<Setting>().unwrap_err().to_string();
        assert_eq!(error("epochs"), "expected FIELD=VALUE, such as `epochs=3`");
        for written in ["=3", "heads[0]=gap", "optimizer.=1", "1=2", "é-=2"] {
            assert!(error(written).contains("names no field"), "{written}");
        }
        assert_eq!(error("base=\"a.ron\""), "`base` can only stand in a file");
    }

    #[test]
    fn a_value_cannot_bring_other_fields_along() {
        let value = |written: &str| written.parse::<Setting>().unwrap().value();
        for written in [
            "epochs=3, batch_size: 1",
            "epochs=3)",
            "epochs=(3",
            "epochs=",
            "epochs=/*",
            "epochs=// 3",
        ] {
            assert!(value(written).is_err(), "{written}");
        }
        assert_eq!(value("name=\"a, b: (\" // c").unwrap().text(), "\"a, b: (\"");
        assert_eq!(
            value("heads=[gap").unwrap_err().to_string(),
            "`[` is never closed\n  --> command line:1:13\n  |\n1 | --set heads=[gap\n  |             ^ opened here"
        );
    }
}
