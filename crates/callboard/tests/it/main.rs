//! The library from the outside: one file per promise of the contract, and one per part.
#![cfg(feature = "derive")]

mod batches;
mod cancel;
mod capacity;
mod close;
mod coalesce;
mod contract;
mod cycles;
mod filtering;
mod hostile;
mod ledger;
mod listening;
mod never_blocks;
mod one_order;
mod panics;
mod pitfalls;
mod priority;
mod receivers;
mod reentrant;
mod reentrant_drop;
mod reentrant_log;
mod release;
mod request_outcomes;
mod requests;
mod retained;
mod serving;
mod sets;
mod shapes;
mod start;
mod start_ready;
mod storm;
mod support;
mod testing;
mod time;
mod traits;
mod withdrawal;
