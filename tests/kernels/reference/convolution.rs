//! Operations that are linear in the input and in a weight: each is the list of its products.

use super::window::Window;

/// An operation `y[o] = Σ x[i] · w[k]` over triples `(o, i, k)`. The triples are its whole definition: the gradients
/// are sums over the same ones.
pub trait Bilinear {
    /// Number of outputs, inputs and weights.
    fn sizes(&self) -> [usize; 3];

    /// Calls `visit(output, input, weight)` for every product.
    fn products(&self, visit: &mut dyn FnMut(usize, usize, usize));

    fn forward(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.sizes()[0]];
        self.products(&mut |output, input, weight| y[output] += x[input] * w[weight]);
        y
    }

    /// As [`forward`](Bilinear::forward), plus one bias for each of the output's channels.
    fn forward_with_bias(&self, x: &[f64], w: &[f64], bias: &[f64]) -> Vec<f64> {
        let mut y = self.forward(x, w);
        for (index, y) in y.iter_mut().enumerate() {
            *y += bias[index % bias.len()];
        }
        y
    }

    fn input_gradient(&self, dy: &[f64], w: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; self.sizes()[1]];
        self.products(&mut |output, input, weight| dx[input] += dy[output] * w[weight]);
        dx
    }

    fn weight_gradient(&self, x: &[f64], dy: &[f64]) -> Vec<f64> {
        let mut dw = vec![0.0; self.sizes()[2]];
        self.products(&mut |output, input, weight| dw[weight] += dy[output] * x[input]);
        dw
    }
}

/// The gradient of a bias: one sum over all pixels for each channel.
pub fn channel_sums(dy: &[f64], channels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for (index, dy) in dy.iter().enumerate() {
        sums[index % channels] += dy;
    }
    sums
}

/// `Conv2D`: kernels are `K × K × inputs × outputs`.
#[derive(Debug, Clone, Copy)]
pub struct Convolution {
    pub window: Window,
    pub inputs: usize,
    pub outputs: usize,
}

impl Bilinear for Convolution {
    fn sizes(&self) -> [usize; 3] {
        let kernel = self.window.kernel;
        [
            self.window.output_pixels() * self.outputs,
            self.window.input_pixels() * self.inputs,
            kernel * kernel * self.inputs * self.outputs,
        ]
    }

    fn products(&self, visit: &mut dyn FnMut(usize, usize, usize)) {
        for cell in self.window.cells() {
            let Some(pixel) = cell.input else { continue };
            for input in 0..self.inputs {
                for output in 0..self.outputs {
                    visit(
                        cell.output * self.outputs + output,
                        pixel * self.inputs + input,
                        (cell.tap * self.inputs + input) * self.outputs + output,
                    );
                }
            }
        }
    }
}

/// `DepthwiseConv2D` with a depth multiplier of 1: kernels are `K × K × channels`.
#[derive(Debug, Clone, Copy)]
pub struct DepthwiseConvolution {
    pub window: Window,
    pub channels: usize,
}

impl Bilinear for DepthwiseConvolution {
    fn sizes(&self) -> [usize; 3] {
        let kernel = self.window.kernel;
        [
            self.window.output_pixels() * self.channels,
            self.window.input_pixels() * self.channels,
            kernel * kernel * self.channels,
        ]
    }

    fn products(&self, visit: &mut dyn FnMut(usize, usize, usize)) {
        for cell in self.window.cells() {
            let Some(pixel) = cell.input else { continue };
            for channel in 0..self.channels {
                visit(
                    cell.output * self.channels + channel,
                    pixel * self.channels + channel,
                    cell.tap * self.channels + channel,
                );
            }
        }
    }
}

/// The product of a `rows × inputs` and an `inputs × outputs` matrix: `Dense`.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl Bilinear for Product {
    fn sizes(&self) -> [usize; 3] {
        [
            self.rows * self.outputs,
            self.rows * self.inputs,
            self.inputs * self.outputs,
        ]
    }

    fn products(&self, visit: &mut dyn FnMut(usize, usize, usize)) {
        for row in 0..self.rows {
            for input in 0..self.inputs {
                for output in 0..self.outputs {
                    visit(
                        row * self.outputs + output,
                        row * self.inputs + input,
                        input * self.outputs + output,
                    );
                }
            }
        }
    }
}
