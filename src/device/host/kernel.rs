//! Kernels as a forward pass reads them.

use crate::kernels::convolution::{Convolution, Convolved, PackedKernel};
use crate::kernels::product::Epilogue;
use crate::plan::Then;
use crate::program::{Instruction, Program, Step};

/// A convolution's kernel, packed, and its bias.
pub(super) struct Prepared<T: Convolved> {
    pub kernel: PackedKernel<T>,
    bias: Option<Vec<f32>>,
}

impl<T: Convolved> Prepared<T> {
    /// A step's, with the normalisation that is a part of it.
    pub fn new(program: &Program, step: &Step, sizes: &Convolution, then: Then, parameters: &[Vec<f32>]) -> Self {
        let values = |index: usize| step.parameters.get(index).map(|&place| parameters[place].as_slice());
        let (kernel, bias) = (values(0).unwrap_or_default(), values(1));
        let Some(normalization) = then.folded else {
            return Self {
                kernel: sizes.pack(kernel),
                bias: bias.map(<[f32]>::to_vec),
            };
        };
        let (kernel, bias) = fold(kernel, bias, &program.steps[normalization], parameters);
        Self {
            kernel: sizes.pack(&kernel),
            bias: Some(bias),
        }
    }

    pub fn epilogue(&self, relu: bool) -> Epilogue<'_> {
        Epilogue {
            bias: self.bias.as_deref(),
            relu,
        }
    }
}

/// The kernel and the bias of a convolution and the normalisation behind it, by its running statistics, in one:
/// `scale · (x ∗ kernel + bias − mean) + β = x ∗ (scale · kernel) + (scale · (bias − mean) + β)`, counted in f64.
fn fold(kernel: &[f32], bias: Option<&[f32]>, normalization: &Step, parameters: &[Vec<f32>]) -> (Vec<f32>, Vec<f32>) {
    let Instruction::BatchNorm { epsilon, .. } = normalization.instruction else {
        panic!("a normalisation");
    };
    let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|index| &parameters[normalization.parameters[index]]);
    let scale = |channel: usize| f64::from(gamma[channel]) / (f64::from(variance[channel]) + f64::from(epsilon)).sqrt();
    let scales: Vec<f64> = (0..gamma.len()).map(scale).collect();
    let of_channel = |channel: usize| {
        let bias = bias.map_or(0.0, |bias| f64::from(bias[channel]));
        (scales[channel] * (bias - f64::from(mean[channel])) + f64::from(beta[channel])) as f32
    };
    let scaled = kernel.chunks_exact(scales.len().max(1)).flat_map(|weights| {
        weights
            .iter()
            .zip(&scales)
            .map(|(&weight, scale)| (f64::from(weight) * scale) as f32)
    });
    (scaled.collect(), (0..scales.len()).map(of_channel).collect())
}
