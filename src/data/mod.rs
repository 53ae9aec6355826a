//! Data sets: where images come from, and how they become batches.
//!
//! The way of an image: [`open`] finds a [`Dataset`] of two [`Split`]s in a folder, in a zip file or in a generator
//! ([`Layout`]); a [`Loader`] decodes ([`decode`]), resizes ([`resize`]), augments ([`Augmentation`]) and preprocesses
//! ([`preprocess`]) a split's images on the rayon pool into NHWC [`Batch`]es. Nothing here knows of experiments or
//! training. Everything random is keyed by what it is for, never by order of execution.

mod augmentation;
pub mod balance;
mod class_folders;
mod composed;
mod contents;
mod csv_quotes;
mod dataset;
pub mod decode;
mod error;
mod file_kind;
mod folder;
mod folder_with_zips;
mod generated;
mod inspection;
mod labelled_files;
mod left_out;
mod level;
mod list_file;
mod listed;
mod loader;
mod one_folder;
pub mod preprocess;
mod recognised;
pub mod resize;
mod resized;
mod split;
mod split_name;
mod subset;
mod tree;
mod unlabelled;
mod zip;

pub use augmentation::{Augmentation, AugmentationParameters};
pub use contents::{Content, Contents};
pub use dataset::{Dataset, Layout, open};
pub use error::{DataError, with_causes};
pub use generated::GeneratedSpec;
pub use inspection::{Duplicate, DuplicateKind, Inspection, Part, Placed, Unreadable};
pub use left_out::{LeftOut, UnreadFiles};
pub use loader::{Batch, Loader, LoaderOptions, Order};
pub use recognised::{Recognised, recognise};
pub use split::Split;
pub use unlabelled::{Unlabelled, unlabelled};
