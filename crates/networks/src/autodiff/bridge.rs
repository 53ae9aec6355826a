//! The bridge between dfdx's tensors and the kernels' slices, and the home of every `unsafe` that it needs.
//!
//! dfdx gives no public access to a CPU tensor's buffer, but indexing returns references into it: a tensor that is
//! known to be contiguous is read as a slice from its first element to its last.
//!
//! May a pointer that was made from a reference to one element reach the others? Rust has not settled it. Of the two models
//! of its aliasing rules, Tree Borrows says yes, as long as all lies in one allocation; the older one, Stacked Borrows, says
//! no. Under that one dfdx leaves nothing but to copy every map.
//!
//! Layers also forget their tensors' compile-time sizes here, once they have been checked, so that everything behind the
//! typed shells is compiled once for all shapes of a rank.
#![allow(unsafe_code)]

use dfdx::optim::UnusedTensors;
use dfdx::prelude::{
    Cpu, CpuError, Gradients, HasShape, NoneTape, RealizeTo, ReshapeTo, Shape, Tape, Tensor, UniqueId,
};

/// A map whose sizes are known at run time only.
pub type Map<T = NoneTape> = Tensor<(usize, usize, usize, usize), f32, Cpu, T>;

/// The shape with as many axes as this array has entries, all of them of run-time sizes.
pub trait Rank: Clone {
    type Shape: Shape<Concrete = Self>;
}

impl Rank for [usize; 1] {
    type Shape = (usize,);
}

impl Rank for [usize; 2] {
    type Shape = (usize, usize);
}

impl Rank for [usize; 3] {
    type Shape = (usize, usize, usize);
}

impl Rank for [usize; 4] {
    type Shape = (usize, usize, usize, usize);
}

/// Forgets a tensor's compile-time sizes; it stays the same tensor for its gradient.
pub fn erased<S: Shape<Concrete = R>, R: Rank, T: Tape<f32, Cpu>>(
    tensor: Tensor<S, f32, Cpu, T>,
) -> Result<Tensor<R::Shape, f32, Cpu, T>, CpuError> {
    tensor.try_realize().map_err(|_| CpuError::WrongNumElements)
}

/// Gives a tensor its compile-time sizes back.
pub fn typed<S: Shape<Concrete = R>, R: Rank, T: Tape<f32, Cpu>>(
    tensor: Tensor<R::Shape, f32, Cpu, T>,
) -> Result<Tensor<S, f32, Cpu, T>, CpuError> {
    tensor.try_realize().map_err(|_| CpuError::WrongNumElements)
}

/// Whether the elements of a tensor lie one after another in the order of its shape (a permuted or broadcast tensor's
/// don't): a step along any axis moves by the product of the axes behind it.
fn is_contiguous<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> bool {
    let sizes = tensor.shape().concrete();
    let sizes = sizes.as_ref();
    if sizes.contains(&0) {
        return true;
    }
    let address = |index| std::ptr::from_ref(&tensor[index]).addr();
    let first = address(S::Concrete::default());
    let mut expected = size_of::<f32>();
    for axis in (0..S::NUM_DIMS).rev() {
        if sizes[axis] > 1 {
            let mut step = S::Concrete::default();
            step[axis] = 1;
            if address(step).wrapping_sub(first) != expected {
                return false;
            }
        }
        expected *= sizes[axis];
    }
    true
}

/// The last element's place; no axis may be empty.
fn last<S: Shape>(shape: &S) -> S::Concrete {
    let mut place = shape.concrete();
    for axis in 0..S::NUM_DIMS {
        place[axis] -= 1;
    }
    place
}

/// The tensor itself, or a contiguous copy that passes gradients on.
pub fn contiguous<S: Shape, T: Tape<f32, Cpu>>(
    tensor: Tensor<S, f32, Cpu, T>,
) -> Result<Tensor<S, f32, Cpu, T>, CpuError> {
    if is_contiguous(&tensor) {
        return Ok(tensor);
    }
    let shape = *tensor.shape();
    tensor.try_reshape_like(&shape)
}

/// The elements of a contiguous tensor, in the order of its shape.
///
/// # Panics
/// If the tensor is permuted or broadcast; the layers never hand such a one out.
pub fn values<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let length = tensor.shape().num_elements();
    if length == 0 {
        return &[];
    }
    assert!(is_contiguous(tensor), "a contiguous tensor");
    let first = std::ptr::from_ref(&tensor[S::Concrete::default()]);
    let last = std::ptr::from_ref(&tensor[last(tensor.shape())]);
    assert_eq!(last, first.wrapping_add(length - 1), "a contiguous tensor");
    // SAFETY: dfdx has found the first and the last element inside of the tensor's buffer, a `Vec` of initialised values, and
    // they are `length` values apart, so all of these lie in it. The borrow of the tensor keeps the buffer alive and
    // unchanged. The pointer's reach is discussed at the top.
    unsafe { std::slice::from_raw_parts(first, length) }
}

/// The elements of a contiguous tensor, to be changed. Buffers shared with another tensor are copied first, as
/// everywhere in dfdx.
///
/// # Panics
/// As [`values`].
pub fn values_mut<S: Shape, T>(tensor: &mut Tensor<S, f32, Cpu, T>) -> &mut [f32] {
    let length = tensor.shape().num_elements();
    if length == 0 {
        return &mut [];
    }
    assert!(is_contiguous(tensor), "a contiguous tensor");
    let last = last(tensor.shape());
    let last = std::ptr::from_mut(&mut tensor[last]);
    let first = std::ptr::from_mut(&mut tensor[S::Concrete::default()]);
    assert_eq!(last, first.wrapping_add(length - 1), "a contiguous tensor");
    // SAFETY: as in `values`; the mutable index made the buffer this tensor's own, and the exclusive borrow of the tensor
    // covers all of it.
    unsafe { std::slice::from_raw_parts_mut(first, length) }
}

/// A tensor of any shape.
trait Values {
    fn values(&self) -> &[f32];
}

impl<S: Shape> Values for Tensor<S, f32, Cpu> {
    fn values(&self) -> &[f32] {
        values(self)
    }
}

/// Keeps a tensor's elements readable after its type is forgotten. It shares the buffer with the tensor: dfdx copies a shared
/// buffer before changing it, so this one stays as it is.
pub struct Saved(Box<dyn Values>);

impl Saved {
    pub fn new<S: Shape>(tensor: &Tensor<S, f32, Cpu>) -> Self {
        Self(Box::new(tensor.clone()))
    }

    pub fn values(&self) -> &[f32] {
        self.0.values()
    }
}

type Find = dyn for<'a> Fn(&'a mut Gradients<f32, Cpu>) -> Result<&'a mut Vec<f32>, CpuError>;

/// Finds a tensor's gradient after the tensor's type is forgotten.
pub struct GradientSlot {
    id: UniqueId,
    length: usize,
    find: Box<Find>,
}

impl GradientSlot {
    /// That of a tensor.
    pub fn new<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> Self {
        let ghost = tensor.ghost();
        Self {
            id: id(tensor),
            length: tensor.shape().num_elements(),
            find: Box::new(move |gradients| Ok(&mut **gradients.get_or_alloc_mut(&ghost)?)),
        }
    }

    /// The tensor's identity.
    pub fn id(&self) -> UniqueId {
        self.id
    }

    /// Its number of elements.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The gradient so far among dfdx's; zeros at first.
    pub fn find<'a>(&self, gradients: &'a mut Gradients<f32, Cpu>) -> Result<&'a mut Vec<f32>, CpuError> {
        (self.find)(gradients)
    }
}

/// What tells a tensor from all others. dfdx shows it in its list of tensors without a gradient only.
pub fn id<S: Shape, T>(tensor: &Tensor<S, f32, Cpu, T>) -> UniqueId {
    let mut list = UnusedTensors::default();
    list.add(tensor);
    list.ids[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::*;

    #[test]
    fn permuted_and_broadcast_tensors_are_recognised_and_copied() {
        let device = Cpu::default();
        let tensor = device.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(values(&tensor), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let permuted = tensor.clone().permute::<Rank2<3, 2>, _>();
        assert!(!is_contiguous(&permuted));
        assert_eq!(values(&contiguous(permuted).unwrap()), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let broadcast = device.tensor([7.0, 8.0]).broadcast::<Rank2<2, 2>, Axis<0>>();
        assert!(!is_contiguous(&broadcast));
        assert_eq!(values(&contiguous(broadcast).unwrap()), [7.0, 8.0, 7.0, 8.0]);
    }

    #[test]
    fn saved_elements_do_not_change_with_the_tensor() {
        let mut tensor = Cpu::default().tensor([1.0, 2.0]);
        let saved = Saved::new(&tensor);
        values_mut(&mut tensor)[0] = 9.0;
        assert_eq!(saved.values(), [1.0, 2.0]);
        assert_eq!(values(&tensor), [9.0, 2.0]);
    }

    #[test]
    fn an_empty_batch_is_an_empty_slice() {
        let mut tensor: Tensor<(usize, Const<3>), f32, _> = Cpu::default().zeros_like(&(0, Const));
        assert!(values(&tensor).is_empty());
        assert!(values_mut(&mut tensor).is_empty());
    }
}
