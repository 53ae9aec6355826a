//! What runs plans.

pub mod host;
