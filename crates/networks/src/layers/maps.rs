//! Several maps at a time: what flows through networks whose cells read more than one.

use dfdx::prelude::{PutTape, WithEmptyTape};

/// A tuple of two, four or six tensors of any shapes, with one tape for all of them: it remembers what led to each.
///
/// [`Fork`](super::Fork) makes them, [`At`](super::At) reads one of them, [`ConcatMaps`](super::ConcatMaps) makes one map
/// of them all.
#[derive(Debug, Clone)]
pub struct Maps<M, T> {
    /// The tensors, without tapes.
    pub tensors: M,
    /// Their tape.
    pub tape: T,
}

impl<M: Clone, T: Default> WithEmptyTape for Maps<M, T> {
    fn with_empty_tape(&self) -> Self {
        Self {
            tensors: self.tensors.clone(),
            tape: T::default(),
        }
    }
}

/// `Self` are several maps, and there is one behind `INDEX`; 0 is the first.
#[diagnostic::on_unimplemented(
    message = "there is no map {INDEX} in `{Self}`",
    label = "expected several maps, and one behind index {INDEX}"
)]
pub trait Select<const INDEX: usize> {
    /// The map, with its tape.
    type Map;

    /// The map behind `INDEX`, with the tape of all.
    fn select(self) -> Self::Map;
}

macro_rules! select {
    ($index:tt of $($map:ident),+: $selected:ident) => {
        impl<$($map,)+ T> Select<$index> for Maps<($($map,)+), T>
        where
            $selected: PutTape<T>,
        {
            type Map = $selected::Output;

            fn select(self) -> Self::Map {
                self.tensors.$index.put_tape(self.tape)
            }
        }
    };
}
select!(0 of A, B: A);
select!(1 of A, B: B);
select!(0 of A, B, C, D: A);
select!(1 of A, B, C, D: B);
select!(2 of A, B, C, D: C);
select!(3 of A, B, C, D: D);

/// `Self` are `N` maps of one shape.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not {N} maps of one shape",
    label = "expected {N} maps of one shape"
)]
pub trait Alike<const N: usize> {
    /// Each of the maps.
    type Map;

    /// The maps; the first one has the tape.
    fn into_array(self) -> [Self::Map; N];
}

macro_rules! alike {
    ($count:literal: ($($map:ident),+): $first:ident $($rest:ident)+) => {
        impl<M: PutTape<T>, T: Default> Alike<$count> for Maps<($($map,)+), T> {
            type Map = M::Output;

            fn into_array(self) -> [Self::Map; $count] {
                let ($first, $($rest),+) = self.tensors;
                [$first.put_tape(self.tape), $($rest.put_tape(T::default())),+]
            }
        }
    };
}
alike!(2: (M, M): first second);
alike!(4: (M, M, M, M): first second third fourth);
alike!(6: (M, M, M, M, M, M): first second third fourth fifth sixth);
