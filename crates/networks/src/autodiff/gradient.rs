//! The gradient of a map or parameter on its way back through the layers.

use std::ops::Deref;
use std::rc::Rc;

/// The values of a gradient, which several maps can share as long as none of them changes it.
#[derive(Debug, Clone)]
pub struct Gradient {
    values: Rc<Vec<f32>>,
    sums_to_zero: bool,
}

impl From<Vec<f32>> for Gradient {
    fn from(values: Vec<f32>) -> Self {
        Self {
            values: Rc::new(values),
            sums_to_zero: false,
        }
    }
}

impl Deref for Gradient {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl Gradient {
    /// A gradient whose sum over all pixels is zero in every channel. Behind a batch normalisation it is: adding a constant
    /// to a channel changes nothing there. What the sum of the values would give is their rounding.
    pub fn summing_to_zero(values: Vec<f32>) -> Self {
        Self {
            sums_to_zero: true,
            ..values.into()
        }
    }

    /// Whether each channel is known to sum to zero.
    pub fn sums_to_zero(&self) -> bool {
        self.sums_to_zero
    }

    /// The values, to be changed; they are copied if they are shared.
    pub fn values_mut(&mut self) -> &mut Vec<f32> {
        self.sums_to_zero = false;
        Rc::make_mut(&mut self.values)
    }

    /// The values, copied if they are shared.
    pub fn into_values(self) -> Vec<f32> {
        Rc::unwrap_or_clone(self.values)
    }

    /// The values, or the gradient itself if they are shared.
    pub fn into_own(self) -> Result<Vec<f32>, Self> {
        let sums_to_zero = self.sums_to_zero;
        Rc::try_unwrap(self.values).map_err(|values| Self { values, sums_to_zero })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_a_shared_gradient_leaves_the_other_as_it_was() {
        let mut one = Gradient::summing_to_zero(vec![1.0, -1.0]);
        let other = one.clone();
        one.values_mut()[0] = 3.0;
        assert_eq!((&one[..], &other[..]), (&[3.0, -1.0][..], &[1.0, -1.0][..]));
        assert!(!one.sums_to_zero() && other.sums_to_zero());
    }

    #[test]
    fn only_an_unshared_gradient_gives_its_values_away() {
        let one = Gradient::from(vec![1.0]);
        let other = one.clone();
        let one = one.into_own().expect_err("shared");
        drop(other);
        assert_eq!(one.into_own().expect("no longer shared"), [1.0]);
    }
}
