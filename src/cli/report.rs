//! `wise-srnet report`: draws reports again from stored histories.

use std::path::Path;
use std::process::ExitCode;

use super::arguments::ReportArguments;
use super::error::CommandError;
use super::{next, output};
use crate::report::Found;
use crate::runner::{Lock, inspect, sweep};

/// Draws the report of each path, or one of all. It is the only process that writes to the folder meanwhile: a run
/// draws its own report.
pub fn report(arguments: ReportArguments) -> Result<ExitCode, CommandError> {
    if let Some(folder) = &arguments.out {
        let all = arguments.paths.iter().map(|path| found(path));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let lock = Lock::take(folder)?;
        inspect(folder)?;
        let page = Found::draw_together(&lock, all, folder)?;
        drop(lock);
        output::line(&page.to_string_lossy())?;
        next::open(&page);
        return Ok(ExitCode::SUCCESS);
    }
    for path in &arguments.paths {
        let found = Found::at(path)?;
        let lock = Lock::take(found.folder())?;
        sweep(found.folder())?;
        let drawn = found.draw(&lock)?;
        drop(lock);
        for warning in &drawn.warnings {
            output::tell(format_args!("warning: {warning}"));
        }
        output::line(&drawn.image.to_string_lossy())?;
        output::line(&drawn.page.to_string_lossy())?;
        next::open(&drawn.page);
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads what is stored at a path, and tells what of it can't be used.
fn found(path: &Path) -> Result<Found, CommandError> {
    let found = Found::at(path)?;
    for warning in found.warnings() {
        output::tell(format_args!("warning: {warning}"));
    }
    Ok(found)
}
