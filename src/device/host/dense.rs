//! Dense layers: small beside convolutions, and so f32 products of rounded factors in every precision.

use std::borrow::Cow;

use crate::kernels::element::Element;

/// Stored values as f32.
pub(super) fn widened<T: Element>(stored: &[T]) -> Cow<'_, [f32]> {
    match T::as_f32(stored) {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(stored.iter().map(|value| value.widen()).collect()),
    }
}

/// Values as a product takes them: rounded to what is stored of them.
pub(super) fn rounded<T: Element>(values: &[f32]) -> Cow<'_, [f32]> {
    match T::as_f32(&[]) {
        Some(_) => Cow::Borrowed(values),
        None => Cow::Owned(values.iter().map(|&value| T::narrow(value).widen()).collect()),
    }
}
