//! The seven heads by name, as experiment files, the command line and result folders write them.

use std::fmt;

use serde::{Deserialize, Serialize};

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
