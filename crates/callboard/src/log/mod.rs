//! The log: where the events of one type are written once, and read by many who never meet.
//!
//! ```text
//!  the writer (Log), under the registry's lock         readers (Tap), under no lock
//!
//!  position 134, head ────────────────────────┐
//!  room until 160                             ▼
//!        ┌ block ────────┐   ┌ block ────────┐   ┌ block ────────┐
//!        │ pins 2        │   │ pins 3        │   │ pins 4   tail │
//!        │ 0 … 63        ├──►│ 64 … 127      ├──►│ 128 … 133 ░░░ │
//!        └───────▲───────┘   └───────▲───────┘   └───────────▲───┘
//!                │                   │                       │
//!   "slow", taken 20, full:   "quick", taken 100      "late", taken 1
//!   gap open at 30, lost 104  (flows)                 (flows, since 130)
//! ```
//!
//! An event is moved into the next slot of the tail, and then the head is set behind it: a reader
//! that sees the head there sees the event. Nothing is written per reader. A reader is a position;
//! it walks the slots in its own time and tells the writer only how many it has taken.
//!
//! # Capacity and gaps
//!
//! A reader of capacity *n* may have *n* events waiting. The writer does not look at it for every
//! event: from what each has taken it knows a position, `room_until`, before which nobody can be
//! full, since taking only makes room. Up to there an event costs the same for one reader or a
//! thousand. There it looks at each anew. Whoever is full *stops*: a gap is opened at the present
//! position, the loss counted in it, and from then on only the readers that are stopped are looked
//! at, one by one. As soon as such a reader has room again the gap is closed: it says where and in
//! which block the reader goes on, and how many events it lost, which is what `missed()` tells.
//! A reader that has just come is one that is stopped and has lost nothing.
//!
//! A reader is in one of two states, which only the writer changes:
//!
//! - *flowing*: it gets every event from its last gap on, and has a pin on the tail;
//! - *stopped*: its last gap is open; it gets nothing behind that, and has no pin behind it.
//!
//! # Memory
//!
//! A block is given back when its last *pin* is removed. There is one for the tail; one for each
//! reader that flowed when the block was begun, or that went on in it later, until it has walked
//! out of it; and one for each handle of an event in it. So a reader that is stuck keeps the blocks
//! of its own window and no others: blocks are chained by addresses, not by pins.
//!
//! A value with a destructor has, besides, a count of *owners* in its slot: the readers that are
//! yet to come to it, and the handles. Whoever gives up the last share drops the value, at once. A
//! value without one needs no count, and reading it changes nothing that anybody else reads.
//!
//! A few blocks that were given back wait in a pool to be used again, so that a steady flow of
//! plain data allocates nothing.
//!
//! # Invariants
//!
//! 1. A reader comes only to slots that were written: it looks at no position beyond the head, and
//!    the head is released after the slot, and acquired before.
//! 2. A reader comes only to blocks that it has a pin on: it follows `next` only to a position that
//!    is its own, and the block of that was begun, or gone on in, while it flowed; at a gap it is
//!    given a pin.
//! 3. For each slot of a type with a destructor, owners = readers that it was written for and that
//!    have not taken it + handles. Only the writer adds readers, before the head moves.
//! 4. taken ≤ admitted ≤ taken + capacity, for each reader, but for what is admitted elsewhere.
//! 5. The writer is whoever holds the registry's lock, by `&mut Log`; a tap is its reader's, by
//!    `&mut Tap`.
//!
//! [`memory`] keeps the first three, which are what makes it safe to read raw memory; the writer
//! and the taps keep the others, which are about who gets what.
//!
//! # Who writes what
//!
//! | atomic | written by | ordering, and what it pairs with |
//! | --- | --- | --- |
//! | `head` | writer | Release, with the reader's Acquire in `Walk::look` |
//! | `taken` | reader | Release, with Acquire in `Gauge::taken`; SeqCst when it has drained (see below) |
//! | `next_gap` | writer and reader, under the gaps' lock | Release before the head moves on, Acquire after it was read |
//! | `lost` | writer | Relaxed: a count |
//! | `elsewhere` | whoever has locked the reader's queue | Release, with the reader's Acquire, after the head |
//! | `pins`, `owners` | everybody | as the counts of `Arc`: Relaxed up, AcqRel down |
//! | `next` of a block | writer, once | Relaxed: read only after a head beyond the block |
//! | the pool's places | whoever gives back, and the writer | Release in, Acquire out |
//!
//! A reader that has taken the last event it knows of says so by an exchange with SeqCst; whoever
//! waits for it to drain has a fence between its registration and its look, so one sees the other.
//!
//! # Parts
//!
//! [`memory`] has the blocks, slots and handles, and a cursor for either end: all the unsafe code
//! of the crate, behind an interface that is safe. A [`Log`] is the writer's cursor with the
//! account of each reader; a [`Tap`] is a reader's cursor with what it missed. A [`Gauge`] is what
//! the two tell each other, a [`Shape`] how the events of a type lie in a block.

mod gauge;
mod lent;
#[expect(unsafe_code, reason = "the one place where a measurement pays for it; see its page")]
mod memory;
mod reader;
mod shape;
mod stamp;
mod writer;

pub(crate) use gauge::Gauge;
pub(crate) use lent::Lent;
pub(crate) use memory::{Held, Kept};
pub(crate) use reader::{Stretch, Tap};
pub(crate) use shape::{Payload, Shape};
pub(crate) use stamp::Stamp;
pub(crate) use writer::{Log, Standing};
