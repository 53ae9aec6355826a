//! Reports: from stored histories to CSV, PNG and HTML. Knows nothing of training.
//!
//! | file | holds |
//! |---|---|
//! | `epoch_row`, [`history`] | one epoch; the tidy history, read, written and appended to |
//! | [`keras_csv`] | the format of the paper's notebooks |
//! | `tensorboard` | event files for TensorBoard |
//! | [`predictions`] | what the test images were taken for |
//! | [`facts`] | `experiment.json`: what the report says beside the histories |
//! | [`runs`], [`summary`], [`verdict`] | rows grouped into runs; the table's figures; the result in words |
//! | `statistics` | tests of paired differences |
//! | `panels`, `scale`, `palette` | what a plot shows, at which scale and in which colour, whatever draws it |
//! | `curves_files` (on `canvas`), `curves_svg`, `plots` | the curves as images; on the page |
//! | `page`, `about` | the page of an experiment, and its facts |
//! | [`heat_map`] | what the places of one photograph speak for |
//! | `tables`, `against_gap`, `claims`, `numbers` | the page's tables: heads, differences to GAP, the paper's claims; how figures are written |
//! | `answers`, [`kernels`], `disagreements` | confusion and gains by class; what kernels learned; images on which heads disagree |
//! | `grid`, `grid_files` | shaded cells on the page; as PNG and SVG |
//! | `glyphs` | names that the pictures' font can't write |
//! | `figures` | `report.json` |
//! | `overview` | several experiments on one page |
//! | `stored`, [`folder`] | what is found at a path; all files of one results folder |

mod about;
mod against_gap;
mod answers;
mod canvas;
mod claims;
mod curves_files;
mod curves_svg;
mod disagreements;
mod epoch_row;
mod error;
#[cfg(test)]
mod examples;
pub mod facts;
mod figures;
mod files;
pub mod folder;
mod glyphs;
mod grid;
mod grid_files;
mod head_names;
pub mod heat_map;
pub mod history;
pub mod keras_csv;
pub mod kernels;
mod numbers;
mod overview;
mod page;
mod palette;
mod panels;
mod plots;
pub mod predictions;
pub mod runs;
mod scale;
mod statistics;
mod stored;
pub mod summary;
mod tables;
mod tensorboard;
pub mod verdict;

pub use disagreements::write_thumbnail;
pub use epoch_row::{COLUMNS, EpochRow};
pub use error::ReportError;
pub use facts::{ExperimentFacts, HeadFacts};
pub use folder::{Found, Redrawn, RunState, disagreeing_images, write_histories, write_report, write_run_state};
pub use glyphs::without_glyphs;
pub use head_names::run_folder;
pub use heat_map::{HeatMap, write_heat_map};
pub use history::{History, read_history, write_history};
pub use kernels::SpatialKernel;
pub use predictions::PredictedImage;
