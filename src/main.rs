//! The `wise-srnet` command.

use std::process::ExitCode;

use wise_srnet::experiment::Registry;
use wise_srnet::memory::KeepLarge;

#[global_allocator]
static MEMORY: KeepLarge = KeepLarge::new();

fn main() -> ExitCode {
    wise_srnet::cli::main(&Registry::builtin())
}
