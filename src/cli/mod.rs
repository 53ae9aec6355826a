//! The command line: one file a subcommand. Nothing outside this folder prints.

mod arguments;
mod bench;
mod bench_plan;
mod check;
mod completions;
mod diagnostics;
mod environment;
mod error;
mod evaluate;
mod events;
mod examples;
mod explanations;
mod export;
mod features;
mod image_findings;
mod interrupt;
mod left_out;
mod machine;
mod memory;
mod new;
mod next;
mod output;
mod predict;
mod prepare;
mod progress;
mod report;
mod results;
mod results_folder;
mod run;
mod summary;
mod table;
mod thumbnails;
mod trained;
mod watcher;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::atomic_file::Disk;
use crate::experiment::Registry;
use crate::text;
use crate::training::Outcome;
use arguments::{Arguments, Command, RunArguments};
use error::CommandError;
use interrupt::Interrupt;

/// Runs the program with the process's arguments and the networks of `registry`, and says how it ended: 0 for success, 1
/// for an error (explained on standard error), 2 for wrong usage, 130 after an interruption.
pub fn main(registry: &Registry) -> ExitCode {
    let arguments = Arguments::of_process();
    diagnostics::start();
    match dispatch(arguments, registry) {
        Ok(code) => code,
        Err(error) => {
            output::tell_lines(format_args!("error: {}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

/// Trains as `wise-srnet run` does with these words behind it, and writes all results to `disk`: so it is tried what a
/// disk that fails, or a power cut, does to them. It doesn't watch for Ctrl-C.
///
/// # Errors
/// What the command would say.
pub fn train_on(
    disk: &dyn Disk,
    words: impl IntoIterator<Item = OsString>,
    registry: &Registry,
) -> Result<Outcome, String> {
    let arguments = RunArguments::of(words).map_err(|error| error.to_string())?;
    let trained = run::train_on(disk, &arguments, registry, || Ok(Interrupt::never()));
    trained.map(|trained| trained.outcome).map_err(|error| error.chain())
}

fn dispatch(arguments: Arguments, registry: &Registry) -> Result<ExitCode, CommandError> {
    match arguments.command {
        Command::Run(arguments) => run::run(arguments, registry),
        Command::Check(arguments) => check::check(arguments, registry),
        Command::Summary(arguments) => summary::summary(arguments, registry),
        Command::New(arguments) => new::new(arguments, registry),
        Command::Report(arguments) => report::report(arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(arguments, registry),
        Command::Predict(arguments) => predict::predict(arguments, registry),
        Command::Export(arguments) => export::export(arguments, registry),
        Command::Features(arguments) => features::features(arguments, registry),
        Command::Bench(arguments) => bench::bench(arguments, registry),
        Command::Completions(arguments) => completions::completions(arguments),
    }
}
