//! `cargo xtask ci`: what continuous integration runs, which is [`test`](mod@test) and the
//! checks that are worth their time only once per change.

use crate::steps::{self, Step};
use crate::{Result, dependencies, instructions, size, test};

const STEPS: &[Step] = &[
    Step {
        name: "dependencies",
        about: "licences and sources of every dependency, and how many the core has",
        run: dependencies::run,
    },
    Step { name: "size", about: "the core stays small", run: size::run },
    Step {
        name: "instructions",
        about: "no hot operation takes more instructions than its bound",
        run: instructions::run,
    },
];

/// # Errors
/// The first step that fails.
pub(crate) fn main(args: &[String]) -> Result {
    steps::main(&[test::STEPS, STEPS].concat(), args)
}
