//! Text for people: numbers, names, and what to write instead of a name that does not exist.

mod names;
mod nearest;
mod numbers;

pub use names::{NAME_COLUMNS, cut, harmless, is_device_on_windows, listed, one_line, printable, quoted, width};
pub use nearest::{nearest, one_of};
pub use numbers::{bytes, count, duration, grouped, utc};
