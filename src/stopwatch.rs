//! Where the time of a step goes: while a stopwatch is on, every operation adds its time to that of its kind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The time of all layers of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerTime {
    /// Forward passes.
    pub calls: u64,
    /// Time of the forward passes.
    pub forward: Duration,
    /// Time of the backward passes.
    pub backward: Duration,
}

thread_local! {
    static TIMES: RefCell<Option<BTreeMap<&'static str, LayerTime>>> = const { RefCell::new(None) };
}

/// Runs `step`, and returns the time of all operations on this thread by the kind of layer. Their kernels may use other
/// threads; an operation ends when all of them have ended.
pub fn stopwatch<R>(step: impl FnOnce() -> R) -> (R, BTreeMap<&'static str, LayerTime>) {
    let outer = TIMES.replace(Some(BTreeMap::new()));
    let result = step();
    let times = TIMES.replace(outer).unwrap_or_default();
    (result, times)
}

/// Times a forward pass of a layer of this kind, if a stopwatch is on.
pub(crate) fn forward<R>(kind: &'static str, run: impl FnOnce() -> R) -> R {
    timed(run, |times, time| {
        let entry = times.entry(kind).or_default();
        entry.calls += 1;
        entry.forward += time;
    })
}

/// Times a backward pass.
pub(crate) fn backward<R>(kind: &'static str, run: impl FnOnce() -> R) -> R {
    timed(run, |times, time| times.entry(kind).or_default().backward += time)
}

fn timed<R>(run: impl FnOnce() -> R, note: impl FnOnce(&mut BTreeMap<&'static str, LayerTime>, Duration)) -> R {
    if TIMES.with_borrow(Option::is_none) {
        return run();
    }
    let started = Instant::now();
    let result = run();
    TIMES.with_borrow_mut(|times| {
        if let Some(times) = times {
            note(times, started.elapsed());
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_counted_by_kind_while_the_stopwatch_is_on() {
        forward("Conv2D", || ());
        let (result, times) = stopwatch(|| {
            forward("Conv2D", || std::thread::sleep(Duration::from_millis(2)));
            forward("Conv2D", || ());
            backward("Conv2D", || std::thread::sleep(Duration::from_millis(1)));
            backward("ReLU", || 7)
        });
        assert_eq!((result, times.len(), times["Conv2D"].calls), (7, 2, 2));
        assert!(times["Conv2D"].forward >= Duration::from_millis(2));
        assert!(times["Conv2D"].backward >= Duration::from_millis(1));
        assert_eq!(times["ReLU"].calls, 0);
    }
}
