//! Memory for feature maps: an allocator that keeps large blocks for the next step instead of giving them back.
//!
//! A training step allocates and frees gigabytes in blocks of megabytes. The system's allocator returns such blocks to the
//! kernel, which clears every page again at the next step: on some machines that takes longer than the arithmetic. This
//! one hands out large blocks from regions that it never returns, aligned for vector loads and backed by huge pages
//! where the system has them; everything small goes to the system's allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Requests from this size on are served from the regions.
const LARGE: usize = 256 << 10;

/// Blocks begin and end at multiples of this: a cache line, twice, because cores fetch lines in pairs.
const GRAIN: usize = 128;

/// Regions are multiples of this, a huge page.
const HUGE_PAGE: usize = 2 << 20;

/// What a region has at least, so that blocks can be joined and divided.
const REGION: usize = 32 * HUGE_PAGE;

/// The allocator; a program chooses it with `#[global_allocator]`.
///
/// ```no_run
/// #[global_allocator]
/// static MEMORY: wise_srnet::memory::KeepLarge = wise_srnet::memory::KeepLarge::new();
/// # fn main() {}
/// ```
#[derive(Debug, Default)]
pub struct KeepLarge {
    /// Free blocks by address, with their sizes; no two of them touch.
    free: Mutex<BTreeMap<usize, usize>>,
}

impl KeepLarge {
    /// An allocator that has no region yet.
    pub const fn new() -> Self {
        Self {
            free: Mutex::new(BTreeMap::new()),
        }
    }

    fn free(&self) -> MutexGuard<'_, BTreeMap<usize, usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block of `size` bytes, from the smallest free one that holds it, else from a new region; 0 if there is no memory.
    fn take(&self, size: usize) -> usize {
        let mut free = self.free();
        let fitting = free.iter().filter(|(_, length)| **length >= size);
        let (address, length) = match fitting.min_by_key(|(_, length)| **length) {
            Some((&address, &length)) => {
                free.remove(&address);
                (address, length)
            }
            None => match new_region(size) {
                (0, _) => return 0,
                region => region,
            },
        };
        if length > size {
            put(&mut free, address + size, length - size);
        }
        address
    }
}

/// Makes a block free, joined with its free neighbours.
fn put(free: &mut BTreeMap<usize, usize>, mut address: usize, mut length: usize) {
    if let Some(following) = free.remove(&(address + length)) {
        length += following;
    }
    if let Some((&before, &size)) = free.range(..address).next_back()
        && before + size == address
    {
        address = before;
        length += size;
    }
    free.insert(address, length);
}

/// Address and size of fresh memory for at least `size` bytes; address 0 if there is none.
fn new_region(size: usize) -> (usize, usize) {
    let size = size.next_multiple_of(HUGE_PAGE).max(REGION);
    let Ok(layout) = Layout::from_size_align(size, HUGE_PAGE) else {
        return (0, 0);
    };
    // SAFETY: the layout's size is not zero.
    let address = unsafe { System.alloc(layout) };
    #[cfg(target_os = "linux")]
    if !address.is_null() {
        // SAFETY: the range is one allocation of our own, and the advice does not change what it holds. Where the kernel has no
        // huge pages, it refuses, and nothing is lost.
        unsafe { libc::madvise(address.cast(), size, libc::MADV_HUGEPAGE) };
    }
    (address as usize, size)
}

/// A vector whose values are whatever the memory held: for outputs of kernels that write all of them. It spares clearing
/// memory, on one thread, that is overwritten next.
pub(crate) fn unwritten(length: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(length);
    // SAFETY: the capacity is large enough. Every caller hands the values to a kernel that writes each of them before any is
    // read, and no pattern of bits is invalid for an `f32`.
    #[allow(clippy::uninit_vec)]
    unsafe {
        values.set_len(length);
    }
    values
}

fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= GRAIN
}

/// The size of the block that serves a request; it can't overflow, because a layout's size fits an `isize`.
fn block(layout: Layout) -> usize {
    layout.size().next_multiple_of(GRAIN)
}

// SAFETY: blocks come from allocations of the system's allocator, which are never returned to it; a block is removed from
// the free ones, under a lock, before it is handed out, and put back only by `dealloc`, so no two live blocks overlap. They
// begin at multiples of `GRAIN`, because regions do and all sizes are multiples of it. Which allocator a block came from
// depends on its layout alone, and `dealloc` is given the same layout.
unsafe impl GlobalAlloc for KeepLarge {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // The regions' addresses were exposed when they were made.
            return match self.take(block(layout)) {
                0 => null_mut(),
                address => std::ptr::with_exposed_provenance_mut(address),
            };
        }
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // SAFETY: the caller's promises, passed on; the block has as many bytes as the layout.
            unsafe {
                let address = self.alloc(layout);
                if !address.is_null() {
                    address.write_bytes(0, layout.size());
                }
                return address;
            }
        }
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        if is_large(layout) {
            return put(&mut self.free(), address.expose_provenance(), block(layout));
        }
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(address, layout) }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is not zero and no overflow when rounded up to the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if !is_large(layout) && !is_large(new) {
            // SAFETY: as in `alloc`.
            return unsafe { System.realloc(address, layout, size) };
        }
        // SAFETY: both blocks hold what is copied, and they don't overlap, because the old one is still taken.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(address, size.min(layout.size()));
                self.dealloc(address, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 4).unwrap()
    }

    #[test]
    fn a_freed_block_serves_the_next_request_and_neighbours_join() {
        let memory = KeepLarge::new();
        let sizes = [LARGE, LARGE + 1, 3 * LARGE];
        // SAFETY: sizes are not zero, every block is freed once with the layout it was made with, and written within it.
        unsafe {
            let blocks = sizes.map(|size| memory.alloc(layout(size)));
            for (address, size) in blocks.into_iter().zip(sizes) {
                assert_eq!(address as usize % GRAIN, 0);
                address.write_bytes(7, size);
            }
            memory.dealloc(blocks[0], layout(sizes[0]));
            memory.dealloc(blocks[2], layout(sizes[2]));
            memory.dealloc(blocks[1], layout(sizes[1]));
            assert_eq!(memory.free().len(), 1, "one region, whole again");
            let zeros = memory.alloc_zeroed(layout(LARGE));
            assert_eq!(zeros, blocks[0]);
            assert!(std::slice::from_raw_parts(zeros, LARGE).iter().all(|byte| *byte == 0));
            memory.dealloc(zeros, layout(LARGE));
        }
    }
}
