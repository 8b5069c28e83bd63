//! `cargo xtask ci`: what continuous integration runs after [`test`](mod@crate::test).
//!
//! The proofs here are those whose tools see what no other tool sees, in the time that they take: the
//! models explore the orders of threads, and AddressSanitizer watches the unsafe module. The
//! others are for a release and for changes of that module: `cargo xtask proof`.

use crate::steps::{self, Failure, Step};
use crate::{Result, dependencies, explore, instructions, proof, size, soak};

const STEPS: &[Step] = &[
    Step::new("dependencies", "licences and sources, and how many the core has", dependencies::run),
    Step::new("size", "the core stays small", size::run),
    Step::new("instructions", "no hot operation exceeds its bound", || instructions::main(&[])),
    Step::new("models", "each concurrent mechanism, in every order that matters", || {
        explore::models(&[])
    }),
    Step::new("scenarios", "whole programs, in many orders", || explore::scenarios(&[])),
    Step::new(
        "asan",
        "no use of freed memory, no leak, in the tests of the promises",
        proof::asan::short,
    ),
    Step::new("soak", "a minute of everything at once", || soak(&[])),
];

/// # Errors
/// The first step that fails.
pub(crate) fn main(args: &[String]) -> Result<String> {
    steps::main(STEPS, Failure::Stops, args)
}
