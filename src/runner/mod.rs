//! Running a plan. So far: the folder that its results are in.
//!
//! [`folder`] imports nothing of this crate, so that every room takes the names of files from it, those below included:
//! `training` for checkpoints, `report` for histories and pages.

pub mod folder;
