//! `cargo xtask ci`: what continuous integration runs, which is [`test`](mod@test) and the
//! checks that are worth their time only once per change.

use crate::steps::{self, Step};
use crate::{Result, dependencies, instructions, size, test};

const STEPS: &[Step] = &[
    Step::new("dependencies", "licences and sources, and how many the core has", dependencies::run),
    Step::new("size", "the core stays small", size::run),
    Step::new("instructions", "no hot operation exceeds its bound", instructions::run),
];

/// # Errors
/// The first step that fails.
pub(crate) fn main(args: &[String]) -> Result {
    steps::main(&[test::STEPS, STEPS].concat(), args)
}
