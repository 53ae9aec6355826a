//! What a person can do next, at the end of a command: lines on standard error, and commands that can be typed as they are.

use std::ffi::OsStr;
use std::path::Path;

use super::output;
use super::text::{printable, quoted};

/// Says what comes next, and the command for it.
pub fn say<W: AsRef<OsStr>>(what: &str, command: &[W]) {
    let program = std::env::args_os().next().unwrap_or_else(|| "wise-srnet".into());
    let words = std::iter::once(program.as_os_str()).chain(command.iter().map(W::as_ref));
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    output::tell(format_args!("next: {what}: {}", words.join(" ")));
}

/// Says to classify images with a checkpoint and look at what speaks for their classes.
pub fn predict(what: &str, checkpoint: &Path) {
    let [command, option, image, explain, folder] =
        ["predict", "--checkpoint", "IMAGE", "--explain", "heat"].map(OsStr::new);
    say(what, &[command, option, checkpoint.as_os_str(), image, explain, folder]);
}

/// Says to open a page.
pub fn open(page: &Path) {
    output::tell(format_args!("next: open {} in a browser", printable(page)));
}
