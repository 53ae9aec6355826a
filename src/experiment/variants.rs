//! What an experiment file describes: one experiment, or one for each of its variants.

use std::path::Path;

use super::compose::compose;
use super::file::{parse, read};
use super::patchwork::Source;
use super::{Experiment, ExperimentError, Setting};

/// The experiments of a file.
///
/// ```
/// use wise_srnet::experiment::ExperimentFile;
///
/// let text = r#"Experiment(
///     name: "pets",
///     network: "mini_resnet",
///     image_size: 64,
///     heads: [gap, wise_srnet],
///     epochs: 20,
///     data: (layout: Folders(train: "train", test: "test"), path: "data/pets"),
///     variants: {"64": (), "96": (image_size: 96, batch_size: 32)},
/// )"#;
/// let settings = ["optimizer.learning_rate=0.01".parse()?];
/// let experiments = ExperimentFile::parse(text, "pets.ron", &settings)?.into_experiments();
/// let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
/// assert_eq!(names, ["pets-64", "pets-96"]);
/// assert_eq!(experiments[1].batch_size, 32);
/// assert_eq!(experiments[1].optimizer.learning_rate, 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ExperimentFile {
    file: String,
    experiments: Vec<(Option<String>, Experiment)>,
}

impl ExperimentFile {
    /// Reads and checks an experiment file with all its variants, and the files that it is based on; `settings` take the
    /// place of what all of them say.
    ///
    /// # Errors
    /// Any [`ExperimentError`] of reading; the first mistake in the RON, or else all values that are out of range.
    pub fn load(path: &Path, settings: &[Setting]) -> Result<Self, ExperimentError> {
        Self::parse(&read(path)?, &path.to_string_lossy(), settings)
    }

    /// Reads and checks the experiments of a text; `file_name` is what messages call it, and a base is looked for beside
    /// it.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str, file_name: &str, settings: &[Setting]) -> Result<Self, ExperimentError> {
        let source = Source::new(file_name, text);
        let composed = compose(&source, Path::new(file_name), settings)?;
        let experiments = composed.into_iter().map(|one| Ok((one.variant, parse(one.text)?)));
        Ok(Self {
            file: file_name.to_owned(),
            experiments: experiments.collect::<Result<_, ExperimentError>>()?,
        })
    }

    /// All experiments, in the file's order.
    pub fn into_experiments(self) -> Vec<Experiment> {
        self.experiments.into_iter().map(|(_, experiment)| experiment).collect()
    }

    /// The variant of this name.
    ///
    /// # Errors
    /// [`ExperimentError::NoVariant`] with those that there are.
    pub fn into_variant(self, name: &str) -> Result<Experiment, ExperimentError> {
        let known = self.variants();
        let mut all = self.experiments.into_iter();
        let found = all.find(|(variant, _)| variant.as_deref() == Some(name));
        found
            .map(|(_, experiment)| experiment)
            .ok_or(ExperimentError::NoVariant {
                file: self.file,
                name: name.to_owned(),
                known,
            })
    }

    /// The only experiment.
    ///
    /// # Errors
    /// [`ExperimentError::SeveralVariants`] if there are more.
    pub fn into_only(self) -> Result<Experiment, ExperimentError> {
        let known = self.variants();
        let mut experiments = self.into_experiments();
        match experiments.pop() {
            Some(only) if experiments.is_empty() => Ok(only),
            _ => Err(ExperimentError::SeveralVariants { known }),
        }
    }

    fn variants(&self) -> Vec<String> {
        self.experiments
            .iter()
            .filter_map(|(variant, _)| variant.clone())
            .collect()
    }
}
