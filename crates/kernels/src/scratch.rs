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

/// Runs a task with stored values as f32: in a buffer, unless they are f32 as they are.
pub fn in_f32<T: Element, R>(stored: &[T], task: impl FnOnce(&[f32]) -> R) -> R {
    if let Some(values) = T::as_f32(stored) {
        return task(values);
    }
    scratch(|values: &mut Vec<f32>| {
        values.resize(stored.len(), 0.0);
        T::widen_serial(stored, values);
        task(values)
    })
}

/// As [`in_f32`], of values that the task changes; if it reads none before it writes it, the buffer holds anything before.
pub fn in_f32_mut<T: Element, R>(stored: &mut [T], is_read: bool, task: impl FnOnce(&mut [f32]) -> R) -> R {
    if let Some(values) = T::as_f32_mut(stored) {
        return task(values);
    }
    scratch(|values: &mut Vec<f32>| {
        values.resize(stored.len(), 0.0);
        if is_read {
            T::widen_serial(stored, values);
        }
        let result = task(values);
        T::narrow_serial(values, stored);
        result
    })
}
