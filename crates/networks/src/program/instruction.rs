//! What a step of a program computes, with all its sizes but the batch's.

use std::fmt;

use serde::Serialize;

use crate::kernels::convolution::Convolution;
use crate::kernels::depthwise::Depthwise;
use crate::kernels::subsample::Subsample;
use crate::kernels::window::{Pooling, WindowGeometry};

/// An operation on values and parameters. Windows have a batch of 0: it is known when a program runs.
///
/// None has the name of a layer: the compiler shortens a layer's name in its messages only if nothing else is called so.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// A convolution: reads a map, a kernel, and a bias if there is one.
    Convolution(Convolution),
    /// A convolution of each channel with a kernel of its own: reads as [`Convolution`](Self::Convolution).
    Depthwise(Depthwise),
    /// Batch normalisation: reads a map, γ, β, the running mean and the running variance.
    BatchNorm {
        /// The share of the running statistics that a step keeps.
        momentum: f32,
        /// Added to the variance before the root is taken.
        epsilon: f32,
        /// Whether negative results become 0.
        relu: bool,
    },
    /// Negative values become 0.
    Rectify,
    /// The sum of two maps.
    Add {
        /// Whether negative results become 0.
        relu: bool,
    },
    /// Maps side by side.
    Concatenate {
        /// The channels of each.
        channels: Vec<usize>,
    },
    /// The largest value of each window.
    MaxPool(Pooling),
    /// The mean of each window.
    AveragePool(Pooling),
    /// Every second pixel.
    Subsample(Subsample),
    /// A matrix product over a flattened map: reads the map, a kernel and a bias.
    Multiply {
        /// Values of a flattened map.
        inputs: usize,
        /// Values of a result.
        units: usize,
    },
    /// A share of the values becomes 0, the others are scaled up.
    Mask {
        /// The share, in per cent.
        percent: u32,
    },
    /// The mean loss over a batch, from logits.
    CrossEntropy {
        /// Logits of an image.
        classes: usize,
    },
}

/// The settings of an instruction, each there if the instruction has such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Cells of the window along each side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<usize>,
    /// Steps of the window, in input cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Cells of padding above and left of the map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padding: Option<[usize; 2]>,
    /// The first pixel that is taken, along each axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// The share of the running statistics that a step keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f32>,
    /// Added to a variance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f32>,
    /// The share of the values that dropout sets to 0, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
}

impl Settings {
    fn of_window(window: &WindowGeometry) -> Self {
        Self {
            kernel: Some(window.kernel),
            stride: Some(window.stride),
            padding: Some(window.before),
            ..Self::default()
        }
    }
}

/// Those that there are, such as `kernel 3, stride 2, padding 1 1`.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padding = self.padding.map(|[above, left]| format!("padding {above} {left}"));
        let settings = [
            self.kernel.map(|kernel| format!("kernel {kernel}")),
            self.stride.map(|stride| format!("stride {stride}")),
            padding,
            self.offset.map(|offset| format!("offset {offset}")),
            self.momentum.map(|momentum| format!("momentum {momentum}")),
            self.epsilon.map(|epsilon| format!("epsilon {epsilon}")),
            self.percent.map(|percent| format!("{percent} %")),
        ];
        f.write_str(&settings.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl Instruction {
    /// The layer's name in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Convolution(_) => "Conv2D",
            Self::Depthwise(_) => "DepthwiseConv2D",
            Self::BatchNorm { relu: false, .. } => "BatchNorm2D",
            Self::BatchNorm { relu: true, .. } => "BatchNorm2D + ReLU",
            Self::Rectify => "ReLU",
            Self::Add { relu: false } => "Add",
            Self::Add { relu: true } => "Add + ReLU",
            Self::Concatenate { .. } => "Concat",
            Self::MaxPool(_) => "MaxPool2D",
            Self::AveragePool(pooling) if is_global(&pooling.window) => "GlobalAvgPool2D",
            Self::AveragePool(_) => "AvgPool2D",
            Self::Subsample(_) => "Subsample2D",
            Self::Multiply { .. } => "Dense",
            Self::Mask { .. } => "Dropout",
            Self::CrossEntropy { .. } => "Softmax cross-entropy",
        }
    }

    /// Multiply-adds for one image.
    pub fn multiply_adds(&self) -> u64 {
        match self {
            Self::Convolution(sizes) => sizes.multiply_adds(),
            Self::Depthwise(sizes) => sizes.multiply_adds(),
            Self::Multiply { inputs, units } => (inputs * units) as u64,
            _ => 0,
        }
    }

    /// What tells it from others of its kind, beside the sizes of what it reads and writes.
    pub fn settings(&self) -> Settings {
        match self {
            Self::Convolution(Convolution { window, .. }) | Self::Depthwise(Depthwise { window, .. }) => {
                Settings::of_window(window)
            }
            Self::MaxPool(pooling) | Self::AveragePool(pooling) => Settings::of_window(&pooling.window),
            Self::BatchNorm { momentum, epsilon, .. } => Settings {
                momentum: Some(*momentum),
                epsilon: Some(*epsilon),
                ..Settings::default()
            },
            Self::Subsample(sizes) => Settings {
                stride: Some(2),
                offset: Some(sizes.offset),
                ..Settings::default()
            },
            Self::Mask { percent } => Settings {
                percent: Some(*percent),
                ..Settings::default()
            },
            Self::Rectify
            | Self::Add { .. }
            | Self::Concatenate { .. }
            | Self::Multiply { .. }
            | Self::CrossEntropy { .. } => Settings::default(),
        }
    }
}

fn is_global(window: &WindowGeometry) -> bool {
    window.output == [1, 1] && window.input == [window.kernel; 2]
}
