//! `cargo xtask proof --only realtime`: what publishes and receives plain data, once warm, calls
//! nothing that allocates, enters the kernel or waits.
//!
//! Built with RealtimeSanitizer and `--cfg callboard_rtsan`, a call of such a function inside
//! [`in_real_time`] ends the program with a report. Without, it marks for strace where real time begins
//! and ends in the scenarios of one thread.
//!
//! What is promised, exactly: for events that hold nothing on the heap, on a started bus without
//! timestamps, whose subscribers of the event's own type are awake (none sleeps in `recv`),
//!
//! - `publish` allocates nothing, as long as what waits for the readers fits into the few blocks that
//!   a log keeps to use again. It takes the bus's lock: if that is free, by one atomic operation and
//!   without the kernel; if another thread is publishing, it may wait for that in the kernel.
//! - `try_recv`, `recv` of an event that is there, `try_recv_batch`, and letting an event go allocate
//!   nothing and take no lock at all, whoever publishes meanwhile; but a reader that was full and lost
//!   events takes one for a moment when it comes to where they are missing.

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
