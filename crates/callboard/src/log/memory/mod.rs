//! The log's raw memory: all unsafe code of the crate, except for one word (`event::packed`).
//!
//! Blocks hold events in slots, handles keep events and are counted in shards, and a pool keeps
//! blocks for reuse. The rest of the log sees only two cursors, the writer's [`Fill`] and a
//! reader's [`Walk`], which go from slot to slot and hand out the events there. The whole interface
//! is safe to call, by the invariants 1 to 3 of [`log`](super):
//!
//! - 1 is kept by `Fill::write`, which moves the head behind the slot, and by `Walk::look`: a walk
//!   takes nothing beyond the head that it saw.
//! - 2 and 3 are kept by `Fill::resume` and `Fill::stop`, which count the flowing readers, so that
//!   a block is begun with a pin for each and a slot is written with a share for each; and by
//!   `Walk::look` again, which ends at the reader's next gap. `Fill::resume_held` adds what a
//!   stopped reader has missed of these: the hold pins its blocks, and the start buffer's reader
//!   still owns its share of each event.
//!
//! The safety argument relies on two modules without unsafe code: on
//! [`ReaderProgress`](super::ReaderProgress), that a walk stops at the first of its gaps and gets
//! the ends of the gaps in order, each once; and on the arithmetic of [`Shape`](super::Shape). It
//! also relies on the cursors being used with the objects they belong to: a `Flow` with its `Fill`.
//!
//! Leaking a cursor, a flow or a handle (`mem::forget`) leaks memory and does no other harm.

mod block;
mod fill;
mod handle;
mod hold;
mod lending;
mod pool;
mod shard;
mod slot;
mod walk;

pub(super) use block::{Header, Pin};
pub(super) use fill::{Fill, Flow};
pub(crate) use handle::{Held, Kept, Loan};
pub(super) use lending::Lending;
pub(crate) use lending::Lendings;
pub(super) use shard::{Count, SHARDS};
pub(super) use slot::{DropGlue, Slot, drop_glue};
pub(super) use walk::Walk;
