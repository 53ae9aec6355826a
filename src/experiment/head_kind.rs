//! The seven heads by name, as experiment files, the command line and result folders write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{nearest, one_of, printable};

/// A head: what stands between a network's last feature map (H×W×C) and the class scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// `GlobalAveragePooling2D → Dense`: the baseline.
    Gap,
    /// `GlobalAveragePooling2D → Dropout(0.5) → Dense`.
    GapDropout,
    /// `DepthwiseConv2D(H×W) → Flatten → Dense`, the kernel free to take any sign.
    Depthwise,
    /// [`Depthwise`](Self::Depthwise) with the `NonNeg` constraint on its kernel.
    DepthwiseNonneg,
    /// `AveragePooling2D → DepthwiseConv2D(NonNeg) → Flatten → Dense`: the paper's proposal.
    WiseSrnet,
    /// [`WiseSrnet`](Self::WiseSrnet) with `Dropout(0.5)` before the dense layer.
    WiseSrnetDropout,
    /// `AveragePooling2D(3) → Flatten → Dense`: every position kept, at the price of many more weights.
    FlattenFc,
}

impl HeadKind {
    /// All heads, in the order in which the paper introduces them.
    pub const ALL: [Self; 7] = [
        Self::Gap,
        Self::GapDropout,
        Self::Depthwise,
        Self::DepthwiseNonneg,
        Self::WiseSrnet,
        Self::WiseSrnetDropout,
        Self::FlattenFc,
    ];

    /// The name in experiment files, on the command line and in result folders.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::GapDropout => "gap_dropout",
            Self::Depthwise => "depthwise",
            Self::DepthwiseNonneg => "depthwise_nonneg",
            Self::WiseSrnet => "wise_srnet",
            Self::WiseSrnetDropout => "wise_srnet_dropout",
            Self::FlattenFc => "flatten_fc",
        }
    }
}

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
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

impl FromStr for HeadKind {
    type Err = UnknownHead;

    fn from_str(name: &str) -> Result<Self, UnknownHead> {
        Self::ALL
            .into_iter()
            .find(|head| head.name() == name)
            .ok_or_else(|| UnknownHead { name: name.to_owned() })
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
            assert_eq!(head.to_string().parse(), Ok(head));
        }
    }

    #[test]
    fn an_unknown_head_is_answered_with_all_heads_and_the_nearest() {
        let error = "wise-srnet".parse::<HeadKind>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown head `wise-srnet`: expected one of `gap`, `gap_dropout`, `depthwise`, `depthwise_nonneg`, \
             `wise_srnet`, `wise_srnet_dropout`, `flatten_fc`; did you mean `wise_srnet`?"
        );
    }
}
