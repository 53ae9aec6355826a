//! Where each buffer is: buffers that are never alive at the same time share memory.

use std::ops::Range;

use super::{Access, Buffer, Plan};

/// A buffer's place is a multiple of this many bytes: a line of the processor's cache.
const ALIGNMENT: usize = 64;

/// From the launch that first touches a buffer to the one that does so last. What is there before the first launch or after
/// the last one is alive from 0, or to the number of launches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The first launch.
    pub first: usize,
    /// The last launch.
    pub last: usize,
}

impl Lifetime {
    fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// One piece of memory for all buffers of a plan.
#[derive(Debug, Clone)]
pub struct Arena {
    /// Where each buffer begins, in bytes.
    offsets: Vec<usize>,
    /// Bytes in all.
    bytes: usize,
}

impl Plan {
    /// When each buffer is alive; none is one that nothing touches.
    pub fn lifetimes(&self) -> Vec<Option<Lifetime>> {
        let mut lifetimes: Vec<Option<Lifetime>> = vec![None; self.buffers.len()];
        let mut touch = |buffer: Buffer, at: usize| {
            let lifetime = lifetimes[buffer.index()].get_or_insert(Lifetime { first: at, last: at });
            lifetime.last = at;
        };
        touch(self.images, 0);
        for (at, launch) in self.launches.iter().enumerate() {
            launch.accesses().iter().for_each(|&(buffer, _)| touch(buffer, at));
        }
        self.results().for_each(|buffer| touch(buffer, self.launches.len()));
        lifetimes
    }

    /// A place for each buffer, for batches of up to so many images: the largest buffers are placed first, each at the lowest
    /// place that no buffer has which is alive at the same time.
    pub fn arena(&self, batch: usize) -> Arena {
        let lifetimes = self.lifetimes();
        let bytes = self.buffers.iter().map(|extent| extent.bytes(batch, self.precision));
        let lengths: Vec<usize> = bytes.collect();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&buffer| (std::cmp::Reverse(lengths[buffer]), buffer));
        let mut offsets = vec![0; lengths.len()];
        let mut placed: Vec<(Range<usize>, Lifetime)> = Vec::new();
        for buffer in order {
            let Some(lifetime) = lifetimes[buffer] else { continue };
            let length = lengths[buffer].next_multiple_of(ALIGNMENT);
            let mut offset = 0;
            // `placed` is sorted by where its ranges begin.
            for (range, other) in &placed {
                if range.start >= offset + length {
                    break;
                }
                if other.meets(lifetime) {
                    offset = offset.max(range.end);
                }
            }
            offsets[buffer] = offset;
            let range = offset..offset + length;
            let at = placed.partition_point(|(other, _)| other.start < range.start);
            placed.insert(at, (range, lifetime));
        }
        let bytes = placed.iter().map(|(range, _)| range.end).max().unwrap_or(0);
        Arena { offsets, bytes }
    }

    /// Whether a launch reads what no launch before it has written, beside the images; the first such launch.
    pub fn reads_unwritten(&self) -> Option<usize> {
        let mut written = vec![false; self.buffers.len()];
        written[self.images.index()] = true;
        self.launches.iter().position(|launch| {
            let accesses = launch.accesses();
            let is_known = |&(buffer, access): &(Buffer, Access)| {
                matches!(access, Access::Write | Access::WritePart) || written[buffer.index()]
            };
            let all = accesses.iter().all(is_known);
            accesses.iter().for_each(|(buffer, _)| written[buffer.index()] = true);
            !all
        })
    }
}

impl Arena {
    /// Bytes of all buffers together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where a buffer of so many bytes begins and ends.
    pub fn range(&self, buffer: Buffer, bytes: usize) -> Range<usize> {
        let offset = self.offsets[buffer.index()];
        offset..offset + bytes
    }
}
