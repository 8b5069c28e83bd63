//! Models: what is concurrent here, run by loom in every order that matters.
//!
//! ```sh
//! RUSTFLAGS="--cfg callboard_loom" CARGO_TARGET_DIR=target/models \
//!     cargo test --release -p callboard --lib models::
//! ```
//!
//! A [`Model`](harness::Model) names the outcomes that its executions may have. It fails if one of
//! them is never seen, if another one is, or if there were fewer executions than its floor: so a
//! model that explores nothing is red. Each says in one line what it did:
//!
//! ```text
//! model name=log.block executions=214 preemptions=all seconds=0.03 outcomes=0:12,1:80,2:122
//! ```
//!
//! loom leaves out what makes no difference to what it sees: an outcome must follow from what was
//! read of an atomic or under a lock, not from the moment at which a thread came by. And to loom a
//! SeqCst fence orders all that comes before it on one thread with all that comes after it on
//! another: a model of what is released and acquired must not have one in between, as there is
//! where a reader drains. A model that fails in its middle aborts the process; the first panic names
//! it.
//!
//! Compiled for models, blocks have two slots, a pool keeps one, pins are handed out in twos, and a
//! log of some five blocks goes on in small ones for two events, so that a few events reach every
//! edge. Payloads are [watched](watched): an event that is dropped
//! twice, read after that, or never dropped, ends the model; and loom itself finds blocks that leak
//! and accesses to a slot that have no order.

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
