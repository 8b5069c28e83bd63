//! The log's raw memory: the unsafe code of the crate, but for one word (`event::packed`).
//!
//! Blocks hold events in slots, handles keep them and are counted in shards, and a pool keeps blocks
//! for later. Two cursors are all that the rest of the log has of them: the writer's [`Fill`] and a
//! reader's [`Walk`], which go from slot to slot and hand out what lies there. Everything that this
//! module shows is safe to call; why is said in [`log`](super), by the invariants 1 to 3:
//!
//! - 1 is kept by `Fill::write`, which moves the head on behind the slot, and by `Walk::look`: a
//!   walk takes nothing beyond what that saw.
//! - 2 and 3 are kept by `Fill::resume` and `Fill::stop`, which count the readers that flow, so
//!   that a block is begun with a pin for each, and a slot is written with a share for each; and
//!   by `Walk::look` again, which ends at the reader's next gap. `Fill::resume_held` adds what a reader
//!   that was stopped has missed of that: the hold pins its blocks, and the reader for which the events
//!   are held back still owns its share of each.
//!
//! What is taken on trust, from two pages without unsafe code: that [`ReaderProgress`](super::ReaderProgress) has a
//! walk stop at the first of its gaps and hands out their ends in order, each once; and the
//! arithmetic of [`Shape`](super::Shape). And that the cursors are used with those they belong to:
//! a `Flow` with its `Fill`.
//!
//! A cursor, a flow or a handle that is forgotten (`mem::forget`) keeps memory; it does no harm.

mod block;
mod fill;
mod handle;
mod hold;
mod pool;
mod shard;
mod slot;
mod walk;

pub(super) use block::{Header, Pin};
pub(super) use fill::{Fill, Flow};
pub(crate) use handle::{Held, Kept, Loan};
pub(super) use shard::{Count, SHARDS};
pub(super) use slot::{DropGlue, Slot, drop_glue};
pub(super) use walk::{Lending, Walk};
