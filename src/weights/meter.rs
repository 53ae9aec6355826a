//! How much of a file of weights may be read to find out what is in it.
//!
//! A name, a shape or a group of a few bytes takes many times that in memory, and a file of a few kilobytes can name one
//! tensor a billion times. So everything that is read is counted, again each time that it is read: a file that goes on and
//! on comes to an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hdf5_pure::{FormatError, Source};

/// What is left of an allowance of bytes, in all and for one step. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    all: Arc<AtomicU64>,
    step: Arc<AtomicU64>,
    longest_step: u64,
}

impl Meter {
    /// For so many bytes, of which one step takes at most `longest_step`.
    pub fn new(bytes: u64, longest_step: u64) -> Self {
        Self {
            all: Arc::new(AtomicU64::new(bytes)),
            step: Arc::new(AtomicU64::new(longest_step)),
            longest_step,
        }
    }

    /// Begins the next step.
    pub fn step(&self) {
        self.step.store(self.longest_step, Relaxed);
    }

    /// Takes bytes off; whether there were as many. Once there were not, nothing is left.
    pub fn take(&self, bytes: u64) -> bool {
        let take = |left: &AtomicU64| {
            let less = |left: u64| Some(left.saturating_sub(bytes));
            left.fetch_update(Relaxed, Relaxed, less).is_ok_and(|left| left > bytes)
        };
        let enough = take(&self.step) && take(&self.all);
        if !enough {
            self.all.store(0, Relaxed);
        }
        enough
    }

    pub fn is_empty(&self) -> bool {
        self.all.load(Relaxed) == 0
    }
}

/// A file's bytes, of which no more are read than its meter has.
#[derive(Debug)]
pub(super) struct Metered {
    pub bytes: Arc<Vec<u8>>,
    pub meter: Meter,
}

impl Source for Metered {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), FormatError> {
        let found = usize::try_from(offset)
            .ok()
            .and_then(|from| self.bytes.get(from..from.checked_add(into.len())?));
        let Some(found) = found else {
            return Err(FormatError::UnexpectedEof {
                expected: into.len(),
                available: self.bytes.len(),
            });
        };
        if !self.meter.take(into.len() as u64) {
            return Err(FormatError::Source("too much to read".into()));
        }
        into.copy_from_slice(found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_again_each_time_that_they_are_read() {
        let file = Metered {
            bytes: Arc::new(b"weights".to_vec()),
            meter: Meter::new(15, 15),
        };
        for _ in 0..2 {
            assert_eq!(file.read_exact_at(0, 7).unwrap(), b"weights");
        }
        assert!(!file.meter.is_empty());
        assert!(file.read_exact_at(5, 2).is_err());
        assert!(file.meter.is_empty());
        assert!(file.read_exact_at(0, 1).is_err());
    }

    #[test]
    fn a_step_has_its_own_limit() {
        let meter = Meter::new(100, 10);
        for _ in 0..5 {
            meter.step();
            assert!(meter.take(9));
        }
        assert!(!meter.take(9));
        meter.step();
        assert!(meter.is_empty() && !meter.take(1));
    }

    #[test]
    fn reading_beyond_the_end_is_an_error() {
        let file = Metered {
            bytes: Arc::new(vec![0; 4]),
            meter: Meter::new(100, 100),
        };
        for (offset, length) in [(3, 2), (5, 0), (u64::MAX, 1)] {
            assert!(file.read_at(offset, &mut vec![0; length]).is_err(), "{offset}");
        }
    }
}
