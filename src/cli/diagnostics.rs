//! Diagnostics for whoever looks for the cause of something: `RUST_LOG=info`, or `RUST_LOG=wise_srnet::data=debug`, as
//! in other Rust programs. They go to standard error, above a progress bar and never through it.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::output;

/// Has diagnostics printed from now on: warnings, or what the environment variable `RUST_LOG` asks for.
pub fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_ansi(false)
        .with_writer(|| AboveProgress);
    // A program of one's own may have chosen a subscriber before: then it stays.
    let _ = subscriber.try_init();
}

/// Standard error, with the progress bar out of the way; the subscriber writes each event at once. Always succeeds: of a failure the subscriber would complain on
/// standard error, and panic.
struct AboveProgress;

impl Write for AboveProgress {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        output::tell(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
