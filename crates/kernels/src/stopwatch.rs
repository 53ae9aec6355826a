//! Where the time of a step goes: while a stopwatch is on, every operation notes how long it took.

use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Which way a pass goes through the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the images to the loss.
    Forward,
    /// From the loss to the gradients.
    Backward,
}

/// A pass of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The kind of layer.
    pub kind: &'static str,
    /// Which way the pass goes.
    pub direction: Direction,
    /// How long it took.
    pub time: Duration,
}

thread_local! {
    static SPANS: RefCell<Option<Vec<Span>>> = const { RefCell::new(None) };
}

/// Runs `step`, and returns the passes of all operations on this thread, in their order. Their kernels may use other threads;
/// an operation ends when all of them have ended.
pub fn stopwatch<R>(step: impl FnOnce() -> R) -> (R, Vec<Span>) {
    let outer = SPANS.replace(Some(Vec::new()));
    let result = step();
    let spans = SPANS.replace(outer).unwrap_or_default();
    (result, spans)
}

/// Times a pass of an operation, if a stopwatch is on.
pub fn timed<R>(kind: &'static str, direction: Direction, run: impl FnOnce() -> R) -> R {
    if SPANS.with_borrow(Option::is_none) {
        return run();
    }
    let started = Instant::now();
    let result = run();
    SPANS.with_borrow_mut(|spans| {
        if let Some(spans) = spans {
            let time = started.elapsed();
            spans.push(Span { kind, direction, time });
        }
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_noted_in_order_while_the_stopwatch_is_on() {
        let pause = || std::thread::sleep(Duration::from_millis(2));
        timed("Conv2D", Direction::Forward, || ());
        let (result, spans) = stopwatch(|| {
            timed("Conv2D", Direction::Forward, pause);
            timed("ReLU", Direction::Backward, || 7)
        });
        let kinds: Vec<_> = spans.iter().map(|span| (span.kind, span.direction)).collect();
        let expected = [("Conv2D", Direction::Forward), ("ReLU", Direction::Backward)];
        assert_eq!((result, kinds), (7, expected.to_vec()));
        assert!(spans[0].time >= Duration::from_millis(2));
    }
}
