//! Central differences: the check of the checks.

/// Asserts that `gradient` is the gradient of `Σ dy · f(x)` with respect to `x`, up to 1e-6 of its largest value.
#[track_caller]
pub fn assert_is_gradient(what: &str, f: impl Fn(&[f64]) -> Vec<f64>, x: &[f64], dy: &[f64], gradient: &[f64]) {
    const STEP: f64 = 1e-5;
    let weighted = |x: &[f64]| f(x).iter().zip(dy).map(|(y, dy)| y * dy).sum::<f64>();
    let largest = gradient.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    assert_eq!(gradient.len(), x.len(), "{what}: one derivative a value");
    for index in 0..x.len() {
        let moved = |step: f64| {
            let mut x = x.to_vec();
            x[index] += step;
            weighted(&x)
        };
        let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!(
            (difference - gradient[index]).abs() <= 1e-6 * largest,
            "{what}: derivative {index} is {}, central difference {difference}",
            gradient[index]
        );
    }
}
