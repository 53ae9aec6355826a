//! Memory that a task works in: each thread has some, and keeps it for its next task.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::element::Element;

/// Buffers that a thread keeps.
pub type Kept<T> = LocalKey<RefCell<Vec<Vec<T>>>>;

/// Runs a task with a buffer, which holds whatever the last task left there. A task that runs within another one has its own.
pub fn scratch<T: Element, R>(task: impl FnOnce(&mut Vec<T>) -> R) -> R {
    let mut buffer = T::kept().with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = task(&mut buffer);
    T::kept().with_borrow_mut(|kept| kept.push(buffer));
    result
}
