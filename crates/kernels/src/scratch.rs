//! Memory that a task works in: each thread has some, and keeps it for its next task.

use std::cell::RefCell;

thread_local! {
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a task with a buffer, which holds whatever the last task left there. A task that runs within another one has its own.
pub fn scratch<R>(task: impl FnOnce(&mut Vec<f32>) -> R) -> R {
    let mut buffer = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = task(&mut buffer);
    KEPT.with_borrow_mut(|kept| kept.push(buffer));
    result
}
