//! How much memory the passes of a convolution work in, beside the maps.

use super::{Convolution, Convolved};
use crate::length;
use crate::product::{self, PackedBf16};

/// Bytes that each pass works in, for the batch that the sizes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkingMemory {
    /// A kernel as the forward pass reads it.
    pub kernel: usize,
    /// The forward pass, beside the kernel.
    pub forward: usize,
    /// The input's gradient.
    pub input_gradient: usize,
    /// The kernel's gradient.
    pub kernel_gradient: usize,
}

impl Convolution {
    /// Of maps of an element.
    pub fn working_memory<T: Convolved>(&self) -> WorkingMemory {
        T::working_memory(self)
    }

    /// Terms of each sum of the input's gradient.
    fn turned_patch(&self) -> usize {
        length::of(&[self.window.taps(), self.out_channels])
    }

    /// Values of the partial sums of a kernel's gradient that is a product over patches.
    fn partial_sums(&self) -> usize {
        product::weight_gradient_values(self.window.output_pixels(), self.patch(), self.out_channels)
    }
}

/// In f32, where Winograd's algorithm works in transformed maps and kernels.
pub(super) fn in_f32(sizes: &Convolution) -> WorkingMemory {
    let values = match sizes.winograd() {
        Some(winograd) => {
            let (kernel, working) = (winograd.kernel_values(), winograd.working_values());
            let turned = length::of(&[sizes.patch(), sizes.out_channels]);
            [kernel, working, turned + kernel + working, kernel + working]
        }
        None => [
            product::packed_values(sizes.patch(), sizes.out_channels),
            0,
            product::packed_values(sizes.turned_patch(), sizes.in_channels),
            sizes.partial_sums(),
        ],
    };
    let [kernel, forward, input_gradient, kernel_gradient] = values.map(|values| size_of::<f32>() * values);
    WorkingMemory {
        kernel,
        forward,
        input_gradient,
        kernel_gradient,
    }
}

/// In bf16, where kernels are packed in half the bytes and partial sums are f32.
pub(super) fn in_bf16(sizes: &Convolution) -> WorkingMemory {
    WorkingMemory {
        kernel: PackedBf16::bytes(sizes.patch(), sizes.out_channels),
        forward: 0,
        input_gradient: PackedBf16::bytes(sizes.turned_patch(), sizes.in_channels),
        kernel_gradient: size_of::<f32>() * sizes.partial_sums(),
    }
}
