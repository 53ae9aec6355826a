//! `wise-srnet report`: draws reports again from stored histories.

use std::process::ExitCode;

use super::arguments::ReportArguments;
use super::error::CommandError;
use super::{next, output};
use crate::report::{redraw, redraw_together};

/// Draws the report of each path, or one of all.
pub fn report(arguments: ReportArguments) -> Result<ExitCode, CommandError> {
    if let Some(folder) = &arguments.out {
        let page = redraw_together(&arguments.paths, folder)?;
        output::line(&format!("{}", page.display()))?;
        next::open(&page);
        return Ok(ExitCode::SUCCESS);
    }
    for path in &arguments.paths {
        let drawn = redraw(path)?;
        for warning in &drawn.warnings {
            output::tell(format_args!("warning: {warning}"));
        }
        output::line(&format!("{}\n{}", drawn.image.display(), drawn.page.display()))?;
        next::open(&drawn.page);
    }
    Ok(ExitCode::SUCCESS)
}
