//! Names of heads: as a folder's name, and as people write them.

use super::ReportError;
use crate::runner::folder;
use crate::text::is_device_on_windows;

/// The folder of one run, `<head>-seed<seed>`.
///
/// # Errors
/// [`ReportError::HeadName`] for a name that would leave the results folder or that no file system takes.
pub fn run_folder(head: &str, seed: u64) -> Result<String, ReportError> {
    check(head)?;
    let refuse = |reason| {
        Err(ReportError::HeadName {
            name: head.to_string(),
            reason,
        })
    };
    if head.contains(['/', '\\', ':', '<', '>', '"', '|', '?', '*']) {
        return refuse("it must not hold any of / \\ : < > \" | ? *");
    }
    if head.starts_with('.') {
        return refuse("it must not begin with a dot");
    }
    if is_device_on_windows(head) {
        return refuse("it must not be one that Windows keeps for a device");
    }
    if head.len() > 100 {
        return refuse("it must not be longer than 100 bytes");
    }
    Ok(folder::run(head, seed))
}

/// What even a line of a history asks of a name.
pub(super) fn check(head: &str) -> Result<(), ReportError> {
    let refuse = |reason| {
        Err(ReportError::HeadName {
            name: head.to_string(),
            reason,
        })
    };
    if head.is_empty() || head != head.trim() {
        return refuse("it must not be empty, nor begin or end with a space");
    }
    if head.contains(char::is_control) {
        return refuse("it must not hold line breaks or other control characters");
    }
    Ok(())
}

/// The head's name in a sentence; a head that is not of the paper keeps its own.
pub(super) fn title(head: &str) -> &str {
    match head {
        "gap" => "GAP",
        "gap_dropout" => "GAP + dropout",
        "depthwise" => "Depthwise (unconstrained)",
        "depthwise_nonneg" => "Depthwise NonNeg",
        "wise_srnet" => "Wise-SrNet",
        "wise_srnet_dropout" => "Wise-SrNet + dropout",
        "flatten_fc" => "Flatten + FC",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_folder_of_its_own() {
        assert_eq!(run_folder("wise_srnet", 3).unwrap(), "wise_srnet-seed3");
    }

    #[test]
    fn a_name_cannot_leave_the_results_folder() {
        for name in [
            "../gap",
            "..",
            "/etc",
            "a\\b",
            "c:gap",
            "aux.gap",
            "",
            " ",
            "a\nb",
            "a\0b",
            &"x".repeat(300),
        ] {
            let message = run_folder(name, 0).unwrap_err().to_string();
            assert!(message.contains("it must not"), "{message}");
        }
    }
}
