//! The layers' names in a `.keras` file's `config.json`. Keras 3.0 to 3.5 wrote them there alone: their weights stand under
//! the layers' classes, numbered in the order in which the configuration lists the layers.

use std::collections::HashMap;

use serde::Deserialize;

use super::meter::Meter;

/// What the paths of all layers may take, in bytes.
const PATHS: u64 = 4 << 20;

/// A layer's configuration, or a model's.
#[derive(Deserialize)]
struct Configured {
    #[serde(default)]
    class_name: String,
    #[serde(default)]
    config: Option<Config>,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    layers: Vec<Configured>,
}

/// The names of layers by the groups of their weights, such as `layers/functional/layers/conv2d_1`.
#[derive(Debug, Default)]
pub(super) struct LayerNames(HashMap<String, String>);

impl LayerNames {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// A sentence on what is not as it should be, behind the file's name.
    pub fn of_config(json: &[u8]) -> Result<Self, String> {
        let model: Configured = serde_json::from_slice(json).map_err(|error| format!("is not readable ({error})"))?;
        let mut names = Self::default();
        // A path repeats the names of the layers around it.
        let meter = Meter::new(PATHS, PATHS);
        names.add(model.config.unwrap_or_default(), "", &meter)?;
        Ok(names)
    }

    /// The name of the layer whose weights stand in this group.
    pub fn of_group(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    fn add(&mut self, model: Config, path: &str, meter: &Meter) -> Result<(), String> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for layer in model.layers {
            let class = snake_case(&layer.class_name);
            let count = counts.entry(class.clone()).or_default();
            let group = match *count {
                0 => format!("{path}layers/{class}"),
                number => format!("{path}layers/{class}_{number}"),
            };
            *count += 1;
            if !meter.take(group.len() as u64) {
                return Err(format!("has names of more than {} MiB", PATHS >> 20));
            }
            let mut config = layer.config.unwrap_or_default();
            let name = config.name.take();
            self.add(config, &format!("{group}/"), meter)?;
            self.0.extend(name.map(|name| (group, name)));
        }
        Ok(())
    }
}

/// A class as Keras names groups after it: `BatchNormalization` is `batch_normalization`, `Conv2D` is `conv2d`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (place, &letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| letters[before]);
        let begins_word = letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        let ends_word = before.is_some_and(|before| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && before.is_some() && (begins_word || ends_word) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_numbered_by_class_within_their_own_model() {
        let json = r#"{"class_name": "Functional", "config": {"name": "model", "layers": [
            {"class_name": "Conv2D", "config": {"name": "adapter"}},
            {"class_name": "Functional", "config": {"name": "resnet50", "layers": [
                {"class_name": "Conv2D", "config": {"name": "conv1_conv"}},
                {"class_name": "BatchNormalization", "config": {"name": "conv1_bn", "axis": [3]}},
                {"class_name": "Conv2D", "config": {"name": "conv2_block1_1_conv"}}]}},
            {"class_name": "Custom>ReLU", "config": null},
            {"class_name": "Conv2D", "config": {"name": "last"}}]}}"#;
        let names = LayerNames::of_config(json.as_bytes()).unwrap();
        for (group, name) in [
            ("layers/conv2d", "adapter"),
            ("layers/conv2d_1", "last"),
            ("layers/functional", "resnet50"),
            ("layers/functional/layers/conv2d", "conv1_conv"),
            ("layers/functional/layers/conv2d_1", "conv2_block1_1_conv"),
            ("layers/functional/layers/batch_normalization", "conv1_bn"),
        ] {
            assert_eq!(names.of_group(group), Some(name), "{group}");
        }
        assert_eq!(names.0.len(), 6);
    }

    /// What Keras' own function makes of these.
    #[test]
    fn classes_are_spelt_as_keras_spells_them() {
        for (class, spelt) in [
            ("Conv2D", "conv2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("TFOpLambda", "tf_op_lambda"),
            ("LSTMCell", "lstm_cell"),
            ("A_Bc", "a__bc"),
        ] {
            assert_eq!(snake_case(class), spelt);
        }
    }

    #[test]
    fn paths_that_repeat_a_long_name_again_and_again_are_refused() {
        let inner = r#"{"class_name": "A", "config": {"name": "a"}},"#.repeat(500);
        let class = "B".repeat(10_000);
        let nested = format!(
            r#"{{"config": {{"layers": [{{"class_name": "{class}", "config": {{"layers": [{}]}}}}]}}}}"#,
            inner.trim_end_matches(',')
        );
        let refused = LayerNames::of_config(nested.as_bytes()).unwrap_err();
        assert_eq!(refused, "has names of more than 4 MiB");
    }
}
