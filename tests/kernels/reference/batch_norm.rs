//! Batch normalisation by the batch's own statistics, gradients by the chain rule through mean and variance (Ioffe &
//! Szegedy 2015, section 3).

pub struct BatchNorm<'a> {
    pub channels: usize,
    pub epsilon: f64,
    pub gamma: &'a [f64],
    pub beta: &'a [f64],
}

impl BatchNorm<'_> {
    /// The values of one channel.
    fn channel(&self, map: &[f64], channel: usize) -> Vec<f64> {
        map.iter().skip(channel).step_by(self.channels).copied().collect()
    }

    /// Mean and population variance of each channel.
    pub fn statistics(&self, x: &[f64]) -> Vec<(f64, f64)> {
        (0..self.channels)
            .map(|channel| {
                let values = self.channel(x, channel);
                let count = values.len() as f64;
                let mean = values.iter().sum::<f64>() / count;
                let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                (mean, squares / count)
            })
            .collect()
    }

    /// `γ · (x − mean) / √(variance + ε) + β` with the statistics given.
    pub fn normalize(&self, x: &[f64], statistics: &[(f64, f64)]) -> Vec<f64> {
        x.iter()
            .enumerate()
            .map(|(index, x)| {
                let channel = index % self.channels;
                let (mean, variance) = statistics[channel];
                self.gamma[channel] * (x - mean) / (variance + self.epsilon).sqrt() + self.beta[channel]
            })
            .collect()
    }

    pub fn forward(&self, x: &[f64]) -> Vec<f64> {
        self.normalize(x, &self.statistics(x))
    }

    /// The gradients of input, γ and β.
    pub fn gradients(&self, x: &[f64], dy: &[f64]) -> [Vec<f64>; 3] {
        let [mut dx, mut dgamma, mut dbeta] = [vec![0.0; x.len()], Vec::new(), Vec::new()];
        for (channel, (mean, variance)) in self.statistics(x).into_iter().enumerate() {
            let (x, dy) = (self.channel(x, channel), self.channel(dy, channel));
            let count = x.len() as f64;
            let deviation = (variance + self.epsilon).sqrt();
            let dnormal: Vec<f64> = dy.iter().map(|dy| dy * self.gamma[channel]).collect();
            let dvariance: f64 = dnormal
                .iter()
                .zip(&x)
                .map(|(dnormal, x)| dnormal * (x - mean) * -0.5 * deviation.powi(-3))
                .sum();
            // The variance's own dependence on the mean vanishes: the deviations from a mean sum to zero.
            let dmean = -dnormal.iter().sum::<f64>() / deviation;
            for (row, (dnormal, x)) in dnormal.iter().zip(&x).enumerate() {
                dx[row * self.channels + channel] =
                    dnormal / deviation + dvariance * 2.0 * (x - mean) / count + dmean / count;
            }
            dgamma.push(dy.iter().zip(&x).map(|(dy, x)| dy * (x - mean) / deviation).sum());
            dbeta.push(dy.iter().sum());
        }
        [dx, dgamma, dbeta]
    }
}
