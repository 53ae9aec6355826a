//! The learning rate's staircase.

use wise_srnet::training::Schedule;

use crate::golden::Golden;

#[test]
fn learning_rates_around_every_fall_are_keras() {
    let mut golden = Golden::open("schedule");
    let names = golden.names();
    let cases: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix("/steps")).collect();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let (images, batch) = case.split_once(' ').unwrap();
        let [images, batch] = [images, batch].map(|number| number.parse().unwrap());
        let steps: Vec<u32> = golden.array(&format!("{case}/steps"));
        let rates: Vec<f64> = golden.array(&format!("{case}/rates"));
        for (step, keras) in steps.into_iter().zip(rates) {
            let ours = Schedule::default().rate(0.045, step.into(), images, batch);
            // Keras raises to the power in 32 bits.
            assert!(
                (ours / keras - 1.0).abs() < 1e-5,
                "{case}, step {step}: {ours} for {keras}"
            );
        }
    }
}
