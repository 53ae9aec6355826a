//! What the fuzz targets, and the crate's own test of the same readers, share.

pub mod readers;
pub mod seeds;
