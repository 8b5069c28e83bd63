//! `cargo xtask proof --only realtime`: what publishes and receives plain data, once warm, calls
//! nothing that allocates, enters the kernel or waits.
//!
//! Built with RealtimeSanitizer and `--cfg callboard_rtsan`, a call of such a function inside
//! [`in_real_time`] ends the program with a report. Without, it marks for strace where real time begins
//! and ends in the scenarios of one thread.
//!
//! What is promised, exactly, is in callboard's documentation, under "In real time".

// The attribute that says where is not stable yet; `RUSTC_BOOTSTRAP` opens the door to it.
#![cfg_attr(callboard_rtsan, feature(sanitize))]

mod scenarios;

use scenarios::SCENARIOS;

/// How often a scenario runs until everything has its size.
const WARM_UP: usize = 1_000;
/// How often it then runs in real time.
const ROUNDS: usize = 100_000;

/// Runs code that may call nothing that takes unknown time.
#[cfg_attr(callboard_rtsan, sanitize(realtime = "nonblocking"))]
#[inline(never)]
fn in_real_time<R>(code: impl FnOnce() -> R) -> R {
    code()
}

fn main() {
    let mut operations = 0;
    for (name, scenario) in SCENARIOS {
        let counted = scenario();
        println!("{name}: {counted}");
        operations += counted;
    }
    println!("{operations} operations");
}
