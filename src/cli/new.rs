//! `wise-srnet new`: a first experiment file for a folder of photographs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::arguments::NewArguments;
use super::error::CommandError;
use super::text::{count, grouped};
use super::{left_out, next, output};
use crate::data::{Dataset, open};
use crate::experiment::{Experiment, Registry};

/// The layouts that are tried, as a file names them; the last one's advice is given where none fits.
const LAYOUTS: [&str; 6] = [
    "Intel",
    "MitIndoor",
    "SubImageNet",
    "Folders(train: \"train\", test: \"test\")",
    "Folders(train: \"train\", test: \"val\")",
    "OneFolder(test_fraction: 0.2)",
];

/// Writes the file.
pub fn new(arguments: NewArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let file = &arguments.file;
    if file.extension().is_none_or(|ending| ending != "ron") {
        let message = format!(
            "'{}': give the experiment file a name that ends in .ron",
            file.display()
        );
        return Err(CommandError::Usage(message));
    }
    let (text, dataset) = fitting(&arguments, registry)?;
    write_new(file, &text)?;
    output::line(&format!(
        "{}: {} classes, {} and {} for the test",
        file.display(),
        dataset.classes.len(),
        count(dataset.train.len(), "training image"),
        grouped(dataset.test.len() as u64)
    ))?;
    left_out::sentences(&dataset.left_out)
        .iter()
        .try_for_each(|sentence| output::line(&format!("note: {sentence}")))?;
    next::say("see what training would cost", &["check".as_ref(), file.as_os_str()]);
    Ok(ExitCode::SUCCESS)
}

/// The experiment in the first layout in which there is a data set.
fn fitting(arguments: &NewArguments, registry: &Registry) -> Result<(String, Dataset), CommandError> {
    let mut failed = None;
    for layout in LAYOUTS {
        let text = text(arguments, layout, registry)?;
        let experiment = Experiment::parse(&text, &arguments.file.to_string_lossy())?;
        let check = registry.check(&experiment);
        check.map_err(|problem| experiment.invalid(vec![problem]))?;
        match open(&experiment.data.layout, experiment.data.path.as_deref()) {
            Ok(dataset) => return Ok((text, dataset)),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or_else(
        || CommandError::Usage("there is no layout".to_owned()),
        CommandError::from,
    ))
}

fn text(arguments: &NewArguments, layout: &str, registry: &Registry) -> Result<String, CommandError> {
    let (file, network) = (&arguments.file, &arguments.network);
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let sizes = registry.image_sizes(network);
    let image_size = arguments.size.or(sizes.into_iter().min()).unwrap_or(224);
    let path = arguments.data.to_string_lossy();
    let quoted = |text: &str| ron::to_string(text).map_err(|error| CommandError::Usage(error.to_string()));
    let (name, network, path) = (quoted(&name)?, quoted(network)?, quoted(&path)?);
    Ok(format!(
        r#"// GAP or Wise-SrNet for one's own photographs? Made by `wise-srnet new`, to be changed at will: what is left out has
// its default, and experiments/README.md of the program describes all fields.
Experiment(
    name: {name},
    network: {network},
    image_size: {image_size},
    heads: [gap, wise_srnet],
    // Three runs of each head show how much of a difference is chance.
    seeds: [0, 1, 2],
    epochs: 20,
    batch_size: 32,
    data: (
        layout: {layout},
        path: {path},
    ),
    // Only what leaves a photograph a photograph; all that is not named is off.
    augmentation: (
        horizontal_flip: true,
    ),
    // A tenth of the training images chooses the best epoch, so that the test images stay a test.
    validation: Fraction(0.1),
)
"#
    ))
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::Io {
        path: path.to_owned(),
        source,
    })
}
