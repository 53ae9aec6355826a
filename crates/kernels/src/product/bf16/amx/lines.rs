//! The memory that tiles are loaded from and stored to.
#![allow(unsafe_code)]

use std::cell::RefCell;

use bytemuck::{Pod, Zeroable};

/// Rows of a tile.
pub const ROWS: usize = 16;

/// bf16 values in a row of a tile: terms of a sum that one instruction adds.
pub const TERMS: usize = 32;

/// Rows and columns of the sums of a [block](Sums).
pub const SIDE: usize = 2 * ROWS;

/// A row of a tile: 16 pairs of bf16 values, the first of each in the lower half. A row that crossed the border between
/// lines of a cache would take twice as long to load.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [u32; ROWS]);

#[allow(unsafe_code)]
// SAFETY: it is an array of integers, of which any bits will do; 64 bytes at a multiple of 64 leave no gap.
unsafe impl Zeroable for Line {}

#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Pod for Line {}

impl Line {
    /// Nothing but zeros.
    pub const ZERO: Self = Self([0; ROWS]);
}

/// The rows of a tile.
pub type Tile = [Line; ROWS];

/// No values.
pub const ZERO_TILE: Tile = [Line::ZERO; ROWS];

/// The sums of four tiles: 32 rows of 32 values.
#[repr(C, align(64))]
pub struct Sums(pub [[f32; SIDE]; SIDE]);

impl Sums {
    /// Sums of nothing.
    pub const ZERO: Self = Self([[0.0; SIDE]; SIDE]);
}

/// Runs a task with tiles that this thread keeps; they hold whatever the last task left there.
pub fn with_tiles<R>(task: impl FnOnce(&mut Vec<Tile>) -> R) -> R {
    thread_local! {
        static KEPT: RefCell<Vec<Vec<Tile>>> = const { RefCell::new(Vec::new()) };
    }
    let mut tiles = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = task(&mut tiles);
    KEPT.with_borrow_mut(|kept| kept.push(tiles));
    result
}
