//! `cargo xtask test`: everything that must hold before a commit.

use crate::Result;
use crate::command::Program;
use crate::steps::{self, Step};
use crate::{documents, features, install, package, tidy};

/// The steps, cheapest mistakes first.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "install",
        about: "Debian packages and a NATS server that the tests need and that are missing",
        run: install::run,
    },
    Step {
        name: "fmt",
        about: "the code is formatted",
        run: || Program::cargo("fmt --all --check").run(),
    },
    Step {
        name: "clippy",
        about: "no lint warns, in any target with every feature",
        run: || {
            Program::cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()
        },
    },
    Step {
        name: "build",
        about: "every target builds",
        run: || Program::cargo("build --workspace --all-targets --all-features").run(),
    },
    Step {
        name: "test",
        about: "unit, integration, compile-fail and documentation tests",
        run: || Program::cargo("test --workspace --all-features --no-fail-fast").run(),
    },
    Step {
        name: "documents",
        about: "the official parsers accept the AsyncAPI and Mermaid that a bus writes",
        run: documents::run,
    },
    Step {
        name: "doc",
        about: "the documentation builds and its links resolve",
        run: || {
            Program::cargo("doc --no-deps --workspace --all-features")
                .env("RUSTDOCFLAGS", "-Dwarnings")
                .run()
        },
    },
    Step {
        name: "features",
        about: "each library compiles without a warning with every set of its features",
        run: features::run,
    },
    Step {
        name: "package",
        about: "the published crates package, and the packages compile",
        run: package::run,
    },
    Step { name: "tidy", about: "the house checks", run: || tidy::main(&[]) },
];

/// # Errors
/// The first step that fails.
pub(crate) fn main(args: &[String]) -> Result {
    steps::main(STEPS, args)
}
