//! Reports: from stored histories to CSV, PNG and HTML. Knows nothing of training.
//!
//! | file | holds |
//! |---|---|
//! | [`history`] | the tidy history, read, written and appended to |
//! | [`keras_csv`] | the format of the paper's notebooks |
//! | [`facts`] | `experiment.json`: what the report says beside the histories |
//! | [`runs`], [`summary`], [`verdict`] | rows grouped into runs; the table's figures; the result in words |
//! | `panels`, `palette` | what a plot shows, at which scale and in which colour, whatever draws it |
//! | `curves_png`, `curves_svg`, `page`, `tables` | the image; the page with its curves and tables |
//! | [`folder`] | all files of one results folder |

mod atomic_file;
mod curves_png;
mod curves_svg;
mod error;
#[cfg(test)]
mod examples;
pub mod facts;
pub mod folder;
mod head_names;
pub mod history;
pub mod keras_csv;
mod page;
mod palette;
mod panels;
pub mod runs;
pub mod summary;
mod tables;
pub mod verdict;

pub use error::ReportError;
pub use facts::{ExperimentFacts, HeadFacts};
pub use folder::{Redrawn, redraw, write_report};
pub use head_names::run_folder;
pub use history::{EpochRow, History, append_row, read_history, write_history};
