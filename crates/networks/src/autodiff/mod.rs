//! From layers to gradients: operations whose types have been checked and then forgotten, the tapes that remember them, and the
//! bridge between dfdx's tensors and slices.

mod bridge;
mod gradient;
mod operation;
mod tape;

pub use bridge::{GradientSlot, id, values, values_mut};
pub(crate) use bridge::{Map, Rank, contiguous, erased, typed};
pub use gradient::Gradient;
pub use operation::{Backward, Kept, Operand, Operation, apply};
pub use tape::{GradientStore, Recorder, Training, TrainingTape, gradient_of};
