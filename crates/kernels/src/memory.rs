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
/// static MEMORY: wise_srnet_kernels::memory::KeepLarge = wise_srnet_kernels::memory::KeepLarge::new();
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

/// Address and size of fresh memory for at least `size` bytes; address 0 if there is none. The last grain of the allocation is
/// never handed out: two regions that lie side by side don't touch then, and no block reaches from one into the other.
fn new_region(size: usize) -> (usize, usize) {
    let size = (size + GRAIN).next_multiple_of(HUGE_PAGE).max(REGION);
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
    (address as usize, size - GRAIN)
}

/// A vector whose values are whatever the memory held: for outputs of kernels that write all of them. Clearing memory that is
/// overwritten next would take an eighth more of the processor's time in a training step of DenseNet169.
///
/// In debug builds, and so in tests, the values are NaN: one that a kernel forgot to write shows.
pub fn unwritten(length: usize) -> Vec<f32> {
    if cfg!(debug_assertions) {
        vec![f32::NAN; length]
    } else {
        as_found(length)
    }
}

/// What Rust calls uninitialised must not be read, nor pass for an `f32`, so the compiler has to take it that all values were
/// written: by an assembly block that is given their address and says nothing about what it does to memory.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
fn as_found(length: usize) -> Vec<f32> {
    let mut values = Vec::<f32>::with_capacity(length);
    // SAFETY: the block is empty, which does what this would do: store in each place the bits that are there. It is the
    // same as far as the program can tell, and each value is initialised after it; any bits are an `f32`. The capacity is large
    // enough.
    #[allow(clippy::uninit_vec, reason = "the lint doesn't look into assembly")]
    unsafe {
        std::arch::asm!("/* {} */", in(reg) values.as_mut_ptr(), options(nostack, preserves_flags));
        values.set_len(length);
    }
    values
}

/// Without assembly the values are cleared.
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn as_found(length: usize) -> Vec<f32> {
    vec![0.0; length]
}

fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= GRAIN
}

/// The size of the block that serves a request; it can't overflow, because a layout's size fits an `isize`.
fn block(layout: Layout) -> usize {
    layout.size().next_multiple_of(GRAIN)
}

// SAFETY: blocks come from allocations of the system's allocator, which are never returned to it, and each lies in one of them
// (see `new_region`); a block is removed from the free ones, under a lock, before it is handed out, and put back only by
// `dealloc`, so no two live blocks overlap. They
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
    fn what_nobody_has_written_shows_in_tests() {
        assert!(unwritten(3).iter().all(|value| value.is_nan()));
        assert_eq!(as_found(3).len(), 3);
        let mut values = as_found(1 << 20);
        values.fill(1.0);
        assert_eq!(values.iter().sum::<f32>(), (1 << 20) as f32);
    }

    #[test]
    fn regions_that_lie_side_by_side_are_not_joined() {
        let (size, mut free) = (3 * LARGE, BTreeMap::new());
        let (first, length) = new_region(size);
        assert!(first != 0 && length >= size);
        // The neighbour would begin where this allocation ends, at the earliest.
        let end = (first + length).next_multiple_of(HUGE_PAGE);
        put(&mut free, first, length);
        put(&mut free, end, length);
        assert_eq!(free.len(), 2, "a block may not reach from one allocation into another");
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
