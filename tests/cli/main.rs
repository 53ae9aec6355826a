//! The `wise-srnet` command as a person runs it: files written, messages, exit codes, and what an interruption costs.

mod bad_images;
mod changes;
mod checking;
mod composing;
#[path = "../data_files/mod.rs"]
mod data_files;
mod evaluating;
mod experiments;
mod failing;
mod files;
mod helping;
mod interruptions;
mod json;
mod lab;
mod logging;
mod naming;
mod new;
mod precision;
mod predicting;
mod printing;
mod processor;
mod reporting;
#[path = "../shared/state.rs"]
mod state;
mod storm;
mod turning;
mod weights;
