//! This crate against Keras itself, from equal weights and inputs: `tools/keras_reference.py` computes what is compared.
//!
//! `golden/` holds samples for seed 0. `KERAS_REFERENCE=<folder>` compares with another set instead; with
//! `--nocapture` every test prints the largest difference that it found. `docs/parity.md` gives the results.

mod features;
mod files;
mod formula;
mod gated;
mod golden;
mod gradients;
mod heads;
mod images;
mod networks;
mod schedule;
mod training;

#[path = "../relatives/mod.rs"]
mod relatives;
