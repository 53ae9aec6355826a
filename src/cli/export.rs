//! `wise-srnet export`: a trained network as a file that Keras loads.

use std::process::ExitCode;

use super::arguments::ExportArguments;
use super::error::CommandError;
use super::output;
use super::text::printable;
use super::trained::Trained;
use crate::atomic_file;
use crate::experiment::Registry;
use crate::training::Identity;
use crate::weights::export_keras_h5;

/// Reads the checkpoint and writes the file.
pub fn export(arguments: ExportArguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    let ending = arguments.output.extension().and_then(|ending| ending.to_str());
    let name = arguments.output.file_name().unwrap_or_default().to_string_lossy();
    if ending != Some("h5") || name.ends_with(".weights.h5") {
        return Err(CommandError::Usage(format!(
            "'{}': Keras reads the form of the file from its name, which must end in .h5 and not in .weights.h5",
            printable(&arguments.output)
        )));
    }
    if arguments.output.exists() {
        return Err(CommandError::Usage(format!(
            "'{}' is already there: give another `--output`, or delete it first",
            printable(&arguments.output)
        )));
    }
    let trained = Trained::open(&arguments.checkpoint)?;
    let mut model = trained.model(registry, None)?;
    let Identity { network, head, .. } = &trained.checkpoint.identity;
    atomic_file::sweep_beside(&arguments.output);
    export_keras_h5(&arguments.output, network, arguments.backbone, |visit| {
        model.for_each(visit)
    })?;
    let part = if arguments.backbone {
        "without its head".to_owned()
    } else {
        format!("with the head {head}")
    };
    output::line(&format!("{network} {part} written to {}", printable(&arguments.output)))?;
    Ok(ExitCode::SUCCESS)
}
