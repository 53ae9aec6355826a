//! Heads by the names that people write.

use crate::heads::HeadKind;
use crate::text::{nearest, one_of, printable};

/// The head of a name.
///
/// # Errors
/// If it is not a head's.
pub fn head_named(name: &str) -> Result<HeadKind, UnknownHead> {
    let head = HeadKind::ALL.into_iter().find(|head| head.name() == name);
    head.ok_or_else(|| UnknownHead { name: name.to_owned() })
}

/// A name that is not a head's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown head `{}`: {}{}", printable(name), one_of(HeadKind::ALL.map(HeadKind::name)), self.suggestion())]
pub struct UnknownHead {
    name: String,
}

impl UnknownHead {
    fn suggestion(&self) -> String {
        nearest(&self.name, HeadKind::ALL.map(HeadKind::name))
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_one_name_in_files_on_the_command_line_and_in_print() {
        for head in HeadKind::ALL {
            assert_eq!(ron::to_string(&head), Ok(head.name().to_owned()));
            assert_eq!(ron::from_str(head.name()), Ok(head));
            assert_eq!(head_named(&head.to_string()), Ok(head));
        }
    }

    #[test]
    fn an_unknown_head_is_answered_with_all_heads_and_the_nearest() {
        let error = head_named("wise-srnet").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown head `wise-srnet`: expected one of `gap`, `gap_dropout`, `depthwise`, `depthwise_nonneg`, \
             `wise_srnet`, `wise_srnet_dropout`, `flatten_fc`; did you mean `wise_srnet`?"
        );
    }
}
