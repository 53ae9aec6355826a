//! Experiment files: the RON schema and its messages, the plan of runs, and the way from names to types.
//!
//! [`Experiment::load`] reads a file, checks every value before anything else is touched, and answers a mistake with
//! its place in the file, what was expected and the nearest valid name. [`ExperimentFile`] is a file with variants, and
//! [`Setting`] a field that the command line sets in its text; [`Overrides`] are the changes that have options of their own,
//! held to the same rules. [`Problem`] is the form in which later checks (an unknown network, an image size that is
//! not registered) point into the same file.

mod compose;
mod cost;
mod diagnostics;
mod differences;
mod fields;
mod file;
mod head_name;
mod outline;
mod overrides;
mod patchwork;
mod plan;
mod registry;
mod schema;
mod setting;
mod syntax;
mod tokens;
mod validate;
mod variants;

pub use crate::data::decode::Orientation;
pub use crate::data::{Augmentation, GeneratedSpec, Layout};
pub use crate::heads::HeadKind;
pub use crate::training::{Optimizer, Schedule};
pub use cost::{Cost, Size, Step};
pub use diagnostics::{Origin, Problem, Problems};
pub use differences::Difference;
pub use file::ExperimentError;
pub use head_name::{UnknownHead, head_named};
pub use overrides::Overrides;
pub use plan::{Plan, PlanError, Run};
pub use registry::Registry;
pub use schema::{Checkpoints, DataSection, Experiment, OnBadImage, Validation};
pub use setting::{Setting, SettingError};
pub use variants::ExperimentFile;
