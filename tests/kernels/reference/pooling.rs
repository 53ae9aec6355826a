//! Max and average pooling.

use super::window::Window;

/// `AveragePooling2D`: padding zeros are counted as cells, the padding of `same` is not.
#[derive(Debug, Clone, Copy)]
pub struct AveragePooling {
    pub window: Window,
    pub channels: usize,
}

impl AveragePooling {
    /// How many cells of each output pixel's window count.
    fn counts(&self) -> Vec<f64> {
        let mut counts = vec![0.0; self.window.output_pixels()];
        for cell in self.window.cells() {
            if cell.input.is_some() || self.window.zeros_count() {
                counts[cell.output] += 1.0;
            }
        }
        counts
    }

    /// Calls `visit(output, input, share)` for every input that has a share in an output.
    fn shares(&self, mut visit: impl FnMut(usize, usize, f64)) {
        let counts = self.counts();
        for cell in self.window.cells() {
            let Some(pixel) = cell.input else { continue };
            for channel in 0..self.channels {
                visit(
                    cell.output * self.channels + channel,
                    pixel * self.channels + channel,
                    1.0 / counts[cell.output],
                );
            }
        }
    }

    pub fn forward(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.window.output_pixels() * self.channels];
        self.shares(|output, input, share| y[output] += x[input] * share);
        y
    }

    pub fn input_gradient(&self, dy: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; self.window.input_pixels() * self.channels];
        self.shares(|output, input, share| dx[input] += dy[output] * share);
        dx
    }
}

/// `MaxPooling2D`: padding zeros take part, the padding of `same` never wins; of equal values the first counts.
#[derive(Debug, Clone, Copy)]
pub struct MaxPooling {
    pub window: Window,
    pub channels: usize,
}

impl MaxPooling {
    /// Each output's maximum, and the input that it is; none if it is a padding zero.
    fn maxima(&self, x: &[f64]) -> Vec<(f64, Option<usize>)> {
        let mut maxima = vec![(f64::NEG_INFINITY, None); self.window.output_pixels() * self.channels];
        for cell in self.window.cells() {
            for channel in 0..self.channels {
                let input = cell.input.map(|pixel| pixel * self.channels + channel);
                let value = match input {
                    Some(input) => x[input],
                    None if self.window.zeros_count() => 0.0,
                    None => continue,
                };
                let maximum = &mut maxima[cell.output * self.channels + channel];
                if value > maximum.0 {
                    *maximum = (value, input);
                }
            }
        }
        maxima
    }

    pub fn forward(&self, x: &[f64]) -> Vec<f64> {
        self.maxima(x).into_iter().map(|(value, _)| value).collect()
    }

    pub fn input_gradient(&self, x: &[f64], dy: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; x.len()];
        for ((_, input), dy) in self.maxima(x).into_iter().zip(dy) {
            if let Some(input) = input {
                dx[input] += dy;
            }
        }
        dx
    }
}
