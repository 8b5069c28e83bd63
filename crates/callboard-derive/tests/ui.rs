//! One file per mistake in `tests/ui`, with the errors a user sees beside it.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p callboard-derive --test ui`,
//! then read the diff. The text around our messages is rustc's and changes with
//! its version.

#[test]
fn each_mistake_is_one_error() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
