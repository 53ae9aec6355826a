//! What a run is computed with, and which of it its bits depend on.

use wise_srnet::kernels::simd::InstructionSet;

use super::lab::Lab;

/// A run of one epoch.
fn trained(options: &[&str]) -> Lab {
    let lab = Lab::new();
    lab.train(&[&["--epochs", "1"], options].concat());
    lab
}

#[test]
fn a_pinned_instruction_set_gives_the_same_bits_for_any_number_of_threads() {
    let one = trained(&["--simd", "portable", "--threads", "1"]);
    let three = trained(&["--simd", "portable", "--threads", "3"]);
    one.assert_same_results(&three);
}

#[test]
fn a_run_that_goes_on_with_other_instructions_is_warned_where_they_give_other_bits() {
    let Some(vector) = [InstructionSet::Avx512, InstructionSet::Avx2]
        .into_iter()
        .find(|set| set.is_supported())
    else {
        return;
    };
    let lab = trained(&["--simd", vector.name()]);
    let goes_on = |set: InstructionSet| {
        lab.train(&["--epochs", "1", "--simd", set.name()])
            .stderr
            .contains(&format!(
                "were computed with the instruction set {vector}, and go on with {set}"
            ))
    };
    assert!(!goes_on(vector));
    assert!(goes_on(InstructionSet::Portable));
}

#[test]
fn the_vector_instruction_sets_give_the_same_bits_and_one_that_is_absent_is_refused() {
    let fastest = trained(&[]);
    for set in [InstructionSet::Avx512, InstructionSet::Avx2] {
        if set.is_supported() {
            trained(&["--simd", set.name()]).assert_same_results(&fastest);
        } else {
            let said = format!("--simd: this processor has no {set}");
            Lab::new()
                .run(&["tiny.ron", "--simd", set.name()])
                .assert_refused(1, &[&said]);
        }
    }
}
