//! `wise-srnet report`: draws reports again from stored histories.

use std::process::ExitCode;

use super::arguments::ReportArguments;
use super::error::CommandError;
use super::next;
use crate::report::redraw;

/// Draws the report of each path.
pub fn report(arguments: ReportArguments) -> Result<ExitCode, CommandError> {
    for path in &arguments.paths {
        let drawn = redraw(path)?;
        for warning in &drawn.warnings {
            eprintln!("warning: {warning}");
        }
        println!("{}\n{}", drawn.image.display(), drawn.page.display());
        next::open(&drawn.page);
    }
    Ok(ExitCode::SUCCESS)
}
