//! The `wise-srnet` command.

use std::process::ExitCode;

use wise_srnet::experiment::Registry;

fn main() -> ExitCode {
    wise_srnet::cli::main(&Registry::builtin())
}
