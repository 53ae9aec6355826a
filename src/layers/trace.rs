//! What a network consists of: while a trace is on, every operation leaves a record. A batch of zero images is enough
//! to trace a network, and costs nothing.

use std::cell::RefCell;

use super::operation::Operation;

/// One operation of a forward pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRecord {
    /// The kind of layer.
    pub name: &'static str,
    /// Shape of the output without the batch.
    pub output: Vec<usize>,
    /// Trainable parameters and running statistics that the operation reads.
    pub parameters: usize,
    /// Multiply-adds for one image.
    pub multiply_adds: u64,
}

thread_local! {
    static RECORDS: RefCell<Option<Vec<LayerRecord>>> = const { RefCell::new(None) };
}

/// Runs `forward` and returns the records of all operations that it performs on this thread, in their order.
pub fn trace<R>(forward: impl FnOnce() -> R) -> (R, Vec<LayerRecord>) {
    let outer = RECORDS.replace(Some(Vec::new()));
    let result = forward();
    let records = RECORDS.replace(outer).unwrap_or_default();
    (result, records)
}

/// Runs an operation forward, and leaves a record if a trace is on. The first `inputs` operands are maps, the others
/// parameters.
pub(super) fn measure(operation: &mut dyn Operation, operands: &[&[f32]], inputs: usize, shape: &[usize]) -> Vec<f32> {
    RECORDS.with_borrow_mut(|records| {
        if let Some(records) = records {
            records.push(LayerRecord {
                name: operation.name(),
                output: shape[1..].to_vec(),
                parameters: operands[inputs..].iter().map(|values| values.len()).sum(),
                multiply_adds: operation.multiply_adds(),
            });
        }
    });
    operation.forward(operands)
}
