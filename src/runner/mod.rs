//! Running a plan. So far: the folder that its results are in.
//!
//! [`folder`] imports nothing of this crate, so that every room takes the names of files from it, those below included:
//! `training` for checkpoints, `report` for histories and pages.

mod contents;
mod error;
pub mod folder;
mod histories;
mod lock;

pub use contents::{delete, inspect, sweep};
pub use error::FolderError;
pub use histories::{Histories, Kept, Reached};
pub use lock::Lock;
