//! The products by AMX tiles, on Linux: 32 × 32 sums at a time, in four of the eight tile registers.

mod blocks;
mod lines;
mod multiply;
mod panels;
mod sum;
mod tiles;
mod vectors;
mod window_sum;

pub use multiply::{multiply_rows, multiply_windows};
pub use panels::{TilePanels, can_stack, packed_bytes};
pub use sum::sum_over_rows;
pub use tiles::is_available;
pub use window_sum::sum_over_windows;
