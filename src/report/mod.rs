//! Reports: from stored histories to CSV, PNG and HTML. Knows nothing of training.
//!
//! | file | holds |
//! |---|---|
//! | `epoch_row`, [`history`] | one epoch; the tidy history, read, written and appended to |
//! | [`keras_csv`] | the format of the paper's notebooks |
//! | `tensorboard` | event files for TensorBoard |
//! | [`facts`] | `experiment.json`: what the report says beside the histories |
//! | [`runs`], [`summary`], [`verdict`] | rows grouped into runs; the table's figures; the result in words |
//! | `panels`, `scale`, `palette` | what a plot shows, at which scale and in which colour, whatever draws it |
//! | `curves_files` (on `canvas`), `curves_svg`, `page`, `about`, `tables` | the images; the page with its curves, facts and tables |
//! | [`heat_map`] | what the places of one photograph speak for |
//! | [`folder`] | all files of one results folder |

mod about;
mod canvas;
mod curves_files;
mod curves_svg;
mod epoch_row;
mod error;
#[cfg(test)]
mod examples;
pub mod facts;
pub mod folder;
mod head_names;
pub mod heat_map;
pub mod history;
pub mod keras_csv;
mod output;
mod page;
mod palette;
mod panels;
pub mod runs;
mod scale;
pub mod summary;
mod tables;
mod tensorboard;
pub mod verdict;

pub use epoch_row::{COLUMNS, EpochRow};
pub use error::ReportError;
pub use facts::{ExperimentFacts, HeadFacts};
pub use folder::{Redrawn, is_run_history, redraw, write_report};
pub use head_names::run_folder;
pub use heat_map::{HeatMap, write_heat_map};
pub use history::{History, read_history, write_history};
