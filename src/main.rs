//! The `wise-srnet` command.
fn main() {}
