//! What Keras calls a network's parameters: the keys under which its weight files hold them.

/// The parameters of a list of layers, each as `layer/variable`, in the order in which our layers of the same kind visit
/// theirs.
#[derive(Debug, Default)]
pub(super) struct KerasNames(Vec<String>);

impl KerasNames {
    /// A [`Conv2D`](crate::layers::Conv2D) without a bias.
    pub fn conv2d(&mut self, layer: &str) {
        self.variables(layer, &["kernel"]);
    }

    /// A [`Conv2D`](crate::layers::Conv2D) with a bias.
    pub fn conv2d_with_bias(&mut self, layer: &str) {
        self.variables(layer, &["kernel", "bias"]);
    }

    /// A [`SeparableConv2D`](crate::layers::SeparableConv2D).
    pub fn separable_conv2d(&mut self, layer: &str) {
        self.variables(layer, &["depthwise_kernel", "pointwise_kernel"]);
    }

    /// A [`BatchNorm2D`](crate::layers::BatchNorm2D).
    pub fn batch_norm(&mut self, layer: &str) {
        self.variables(layer, &["gamma", "beta", "moving_mean", "moving_variance"]);
    }

    fn variables(&mut self, layer: &str, variables: &[&str]) {
        self.0
            .extend(variables.iter().map(|variable| format!("{layer}/{variable}")));
    }
}

/// The layers of parameters called `layer/variable`, each once, in their order.
pub(super) fn layers_of(names: &[String]) -> Vec<String> {
    let mut layers: Vec<String> = Vec::new();
    for name in names {
        let layer = name.rsplit_once('/').map_or(name.as_str(), |(layer, _)| layer);
        if layers.last().is_none_or(|last| last != layer) {
            layers.push(layer.to_owned());
        }
    }
    layers
}

impl From<KerasNames> for Vec<String> {
    fn from(names: KerasNames) -> Self {
        names.0
    }
}
