//! Models: the concurrent code, run by loom in every order that matters.
//!
//! ```sh
//! RUSTFLAGS="--cfg callboard_loom" CARGO_TARGET_DIR=target/models \
//!     cargo test --release -p callboard --lib models::
//! ```
//!
//! A [`Model`](harness::Model) names the outcomes that its executions may have. It fails if one of
//! them is never seen, if there is any other outcome, or if there were fewer executions than its
//! floor: so a model that explores nothing fails. Each model prints one line:
//!
//! ```text
//! model name=log.block executions=214 preemptions=all seconds=0.03 outcomes=0:12,1:80,2:122
//! ```
//!
//! loom skips orders that make no difference to what it observes: an outcome must depend on values
//! read from an atomic or under a lock, not on the moment at which a thread arrived. Also, in loom
//! a SeqCst fence orders everything before it on one thread with everything after it on another: a
//! model of a Release and Acquire pair must not have such a fence in between, for example where a
//! reader drains. A model that fails halfway aborts the process; the first panic names it.
//!
//! Compiled for models, blocks have two slots, a pool keeps one block, handles are counted two at a
//! time, and a log of about five blocks uses small ones for two events, so that a few events reach
//! every edge case. Payloads are [watched](watched): a model fails if an event is dropped twice,
//! read after that, or never dropped; loom itself finds leaked blocks and unordered accesses to a
//! slot.

mod asking;
mod bus;
mod calling;
mod circles;
mod ending;
mod harness;
mod held;
mod keyed;
mod log;
mod memory;
mod merged;
mod panicking;
mod parking;
mod phases;
mod replies;
mod retained;
mod serving;
mod sleeping;
mod small;
mod wait_list;
mod waiting;
mod watched;
