//! A wrong shape is an error of `cargo check`, and its message says what is wrong: each file in `tests/shape_errors/`
//! makes one mistake, and the `.stderr` beside it is what its author reads.

#[test]
fn wrong_shapes_do_not_compile_and_the_message_names_the_reason() {
    trybuild::TestCases::new().compile_fail("tests/shape_errors/*.rs");
}
