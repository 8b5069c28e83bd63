//! `cargo xtask proof`: everything that tries to prove the core wrong, and a page of what it tried.
//!
//! Each proof is one function that returns its [`Figures`], listed in [`PROOFS`]. A proof that
//! fails stops no other: the page shows them all. What came of each is kept, so that those that take
//! an hour can be run one at a time and still be on one page. One that relies on a tool's eye also shows that
//! the tool still sees, by a [planted fault](planted).

mod asan;
mod figures;
mod heap;
mod options;
mod page;
mod planted;
mod realtime;
mod sanitizer;
mod searches;
mod soak;
mod suite;
mod tsan;
mod valgrind;

use std::time::Instant;

use crate::Result;
use figures::Figures;
use options::Options;
use page::{Page, Row};

/// One way to prove the core wrong.
#[derive(Debug)]
struct Proof {
    /// What `--only` calls it.
    name: &'static str,
    /// What holds if it passes, in a few words.
    shows: &'static str,
    /// Who has the time for it.
    fits: Fits,
    /// Tries it.
    run: fn() -> Result<Figures>,
}

/// Where there is time for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fits {
    /// Everywhere: all of these take some 15 minutes on two cores.
    Ci,
    /// Only where somebody asks for everything.
    Leisure,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "asan",
        shows: "no use of freed memory, no overrun, no leak, in any test",
        fits: Fits::Ci,
        run: asan::run,
    },
    Proof { name: "tsan", shows: "no data race, in any test", fits: Fits::Ci, run: tsan::run },
    Proof {
        name: "heap",
        shows: "no memory is left behind by a million of anything",
        fits: Fits::Ci,
        run: heap::run,
    },
    Proof {
        name: "crowd",
        shows: "a million subscriptions come, get their events and go",
        fits: Fits::Leisure,
        run: heap::crowd,
    },
    Proof {
        name: "valgrind",
        shows: "no use of memory that is not there or was not written",
        fits: Fits::Ci,
        run: valgrind::run,
    },
    Proof {
        name: "realtime",
        shows: "no allocation, no system call, no waiting where there must be none",
        fits: Fits::Ci,
        run: realtime::run,
    },
    Proof {
        name: "models",
        shows: "each concurrent mechanism is right in every order that matters",
        fits: Fits::Ci,
        run: searches::models,
    },
    Proof {
        name: "scenarios",
        shows: "whole programs keep the promises, in many orders",
        fits: Fits::Ci,
        run: searches::scenarios,
    },
    Proof {
        name: "programs",
        shows: "the bus does what a plain model of it does",
        fits: Fits::Leisure,
        run: searches::programs,
    },
    Proof {
        name: "zoo",
        shows: "a real bug that is planted is caught",
        fits: Fits::Leisure,
        run: searches::zoo,
    },
    Proof {
        name: "orderings",
        shows: "a memory ordering that is weakened is caught",
        fits: Fits::Leisure,
        run: searches::orderings,
    },
    Proof {
        name: "mutants",
        shows: "code that is changed is caught",
        fits: Fits::Leisure,
        run: searches::mutants,
    },
    Proof {
        name: "soak",
        shows: "no account, order or wakeup is lost when everything happens at once",
        fits: Fits::Ci,
        run: || soak::run(1),
    },
    Proof {
        name: "soak-hour",
        shows: "and memory does not grow",
        fits: Fits::Leisure,
        run: || soak::run(60),
    },
];

/// # Errors
/// When a proof fails, or an argument names nothing.
pub(crate) fn main(args: &[String]) -> Result {
    let options = Options::parse(args)?;
    let chosen = options.choose(PROOFS)?;
    if options.choice.list {
        for Proof { name, shows, fits, .. } in chosen {
            println!("{name:<14}{:<10}{shows}", format!("{fits:?}").to_lowercase());
        }
        return Ok(());
    }
    if !options.page {
        for (index, proof) in chosen.iter().enumerate() {
            println!("\n=== {} ({}/{}): {}", proof.name, index + 1, chosen.len(), proof.shows);
            let begun = Instant::now();
            let outcome = (proof.run)();
            let row = Row::new(proof, outcome, begun.elapsed());
            println!("=== {}: {}", proof.name, row.verdict());
            row.keep()?;
        }
    }
    let rows = chosen.iter().map(|proof| Row::kept(proof));
    let page = Page::of(rows.collect::<Result<_>>()?)?;
    print!("\n{}", page.as_text());
    if let Some(path) = options.markdown {
        std::fs::write(&path, page.as_markdown())
            .map_err(|error| format!("failed to write {}: {error}", path.display()))?;
    }
    page.into_result()
}
