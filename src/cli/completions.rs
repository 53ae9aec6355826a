//! `wise-srnet completions`: what a shell has to know to complete commands.

use std::process::ExitCode;

use clap::CommandFactory;

use super::arguments::{Arguments, CompletionsArguments};
use super::error::CommandError;
use super::output;

/// Prints the shell's script.
pub fn completions(arguments: CompletionsArguments) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "wise-srnet", &mut script);
    output::own(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
