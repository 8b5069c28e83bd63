//! The log: where the events of one type are written once, and read by many readers that never meet.
//!
//! ```text
//!  the writer (Log), under the registry's lock         readers (LogCursor), under no lock
//!
//!  position 134, head ────────────────────────┐
//!  room until 160                             ▼
//!        ┌ block ────────┐   ┌ block ────────┐   ┌ block ────────┐
//!        │ pins 1        │   │ pins 1        │   │ pins 3   tail │
//!        │ 0 … 63        ├──►│ 64 … 127      ├──►│ 128 … 133 ░░░ │
//!        └───────▲───────┘   └───────▲───────┘   └───────────▲───┘
//!                │                   │                       │
//!   "slow" (capacity 30),     "quick" (100),          "late" (30),
//!   took 10, full: its gap    took 100, flows         came at 130, took 1,
//!   is open at 40, lost 94                            flows
//! ```
//!
//! An event is moved into the next slot of the tail, and then the head is set behind it: a reader
//! that sees the head there sees the event. Nothing is written per reader. A reader is a position;
//! it walks the slots in its own time and tells the writer only how many it has taken.
//!
//! # Capacity and gaps
//!
//! What was meant for a reader and found room is *admitted*; what is admitted and not *taken* yet
//! *waits*. Some of it may wait in a queue of the reader's own beside the log, and counts too. A reader of capacity *n* may have *n* events waiting.
//!
//! The writer does not look at it for every event: from what a reader has taken it knows a
//! position, its limit, before which it can't be full, since taking only makes room. The least of
//! these is `room_until`. Up to there an event costs the same for one reader or a thousand. There the
//! writer re-checks the readers whose limit has come: the first on a heap. A reader that is full *stops*: a
//! gap is opened at the present position, the loss counted in it, and from then on it is looked at
//! for every event. As soon as it has room again the gap is closed: it says where and in which block
//! the reader goes on, and how many events it lost, which is what `missed()` tells. The gaps that a
//! reader has not come to are a list, of which only the last may be open; those that are closed own
//! the pin with which the reader goes on. A reader that has just come is one that is stopped and has
//! lost nothing.
//!
//! A reader with a *window* shares its capacity with other logs, or drops its oldest event when it is
//! full. The writer asks [`Windows`] about it, not for each event either: see "One capacity" in
//! [`engine`](crate::engine).
//!
//! A reader is in one of two states, which only the writer changes:
//!
//! - *flowing*: it gets every event from its last gap on, and has a pin on the tail;
//! - *stopped*: its last gap is open; it gets nothing behind that, and has no pin behind it.
//!
//! # Memory
//!
//! A block is about 4 KiB: a header, and up to 64 slots. A slot is 32 bytes that say of an event who
//! owns it, where its block begins and what its number, cause and time are, and then the event.
//!
//! A block is given back when its last *pin* is removed. There is one for the tail; one for each
//! reader that flowed when the block was begun, or that went on in it later, until it has walked
//! out of it; and one for each handle of an event in it, or for each *shard* that counts any. A block
//! has four shards, on cache lines of their own, to which its readers are assigned in turn: readers
//! on different cores would contend for one count. A reader counts 64 handles at a time before it
//! makes them, since one atomic operation costs as much as the rest of a take. Only the holder of a pin adds pins. So a reader that is stuck keeps the blocks of its own window
//! and no others: blocks are chained by addresses, not by pins.
//!
//! One event keeps its block. Where readers or handles keep few events of many (a reader that is
//! always late has each of its events in another block) a log would come to hold far more than what
//! waits. It counts the bytes of its blocks, and when they are several times what waits for the
//! reader with most, it goes on in blocks of a single slot for a while.
//!
//! A value with a destructor has, besides, a count of *owners* in its slot: the readers that are
//! yet to come to it, and the handles. The last owner drops the value, at once. A
//! value without one needs no count, and reading it changes nothing that anybody else reads.
//!
//! A few blocks that were given back wait in a pool to be used again, so that a steady flow of
//! plain data allocates nothing.
//!
//! # Held back
//!
//! What waits for the start of the bus is written to the log at once, and the head stays behind it. A
//! reader of the start buffer's own flows from the first of these events on, and so keeps their
//! blocks; all others are stopped there. At the start each of them goes on with the first, with the
//! pins and the shares of ownership that it would have had if it had flowed; then the head moves over
//! one event after the other, in the order in which all that waited is replayed. So a replay copies
//! nothing, and a reader that came last gets it as the first does.
//!
//! # Invariants
//!
//! 1. A reader comes only to slots that were written: it looks at no position beyond the head, and
//!    the head is released after the slot, and acquired before.
//! 2. A reader comes only to blocks that it has a pin on: it follows `next` only to a position that
//!    is its own, and the block of that was begun, or gone on in, while it flowed; at a gap it is
//!    given a pin.
//! 3. For each slot of a type with a destructor, owners = readers that it was written for, or held
//!    back for, and that have not taken it + handles. Only the writer adds readers, before the head moves.
//! 4. taken ≤ admitted ≤ taken + capacity, for each reader, but for replays and what its queue holds.
//! 5. The holder of the registry's lock is the writer, by `&mut Log`; a cursor is its reader's, by
//!    `&mut LogCursor`.
//!
//! [`memory`] keeps the first three, which are what makes it safe to read raw memory; the writer
//! and the cursors keep the others, which are about who gets what.
//!
//! # Who writes what
//!
//! | atomic | written by | ordering, and what it pairs with |
//! | --- | --- | --- |
//! | `head` | writer | Release, with the reader's Acquire in `Walk::look` |
//! | `taken` | reader | Release, with Acquire in `ReaderProgress::taken`; SeqCst when it has drained (see below) |
//! | `next_gap` | writer and reader, under the gaps' lock | Relaxed: stored before the head moves on, read after it |
//! | `lost`, `open_at`, `skipped`, `overlooks_until` | writer | Relaxed: read under its lock |
//! | `high_water` | reader and writer | Relaxed, by `fetch_max`: a figure for people |
//! | `queued` | the holder of the lock of the reader's queue | Release, with the writer's Acquire in `ReaderProgress::queued` |
//! | `taken_from_queue` | likewise | Relaxed: a figure for people, stored before `queued` |
//! | `pins`, `owners` | everybody | as the counts of `Arc`: Relaxed up, AcqRel down |
//! | `next` of a block | writer, once | Relaxed: read only after a head beyond the block |
//! | the pool's places | who removes the last pin, and the writer | Release in, Acquire out |
//! | the pool's `bytes` | likewise | Relaxed: a count, by which the writer chooses a size |
//!
//! A reader that has taken the last event it knows of stores its count by an exchange with SeqCst; a
//! thread that waits for it to drain has a fence between its registration and its look
//! ([`Waiting::register`](crate::sync::Waiting)), so one sees the other. How readers fall asleep and
//! are woken is the engine's part: see "Sleeping" in [`engine`](crate::engine).
//!
//! # Parts
//!
//! | module | what is in it |
//! | --- | --- |
//! | `writer` | [`Log`]: the writer's cursor with all readers; who gets an event (`admission`), what is held back (`hold`) |
//! | `record` | what the writer knows of one reader; [`ReaderStats`] is its account |
//! | `reader` | [`LogCursor`]: a reader's cursor with what it missed; a [`Stretch`] is some of what it reads, lent in one go; a [`Meter`] shows others how it stands |
//! | `progress` | [`ReaderProgress`]: what the two tell each other; the gaps |
//! | `memory` | blocks, slots, the pool and a cursor for either end: nearly all the unsafe code of the crate, behind an interface that is safe |
//! | `memory::handle` | [`Held`] and [`Kept`]: a share of an event with a pin on its block, of any type and of a known one |
//! | `lent` | [`Lent`]: an event that its reader looks at, with or without a share of its own |
//! | `moments` | when the events that wait were published |
//! | `window` | [`Windows`]: the readers whose capacity spans several logs, or that drop their oldest |
//! | `shape`, `stamp` | [`Shape`]: how the events of a type lie in a block; [`Stamp`]: what is said of each |

mod lent;
#[expect(unsafe_code, reason = "the one place where a measurement pays for it; see its page")]
mod memory;
mod moments;
mod progress;
mod reader;
mod record;
mod shape;
mod stamp;
mod window;
mod writer;

pub(crate) use lent::Lent;
pub(crate) use memory::{Held, Kept};
pub(crate) use progress::ReaderProgress;
pub(crate) use reader::{LogCursor, Meter, Stretch};
pub(crate) use record::ReaderStats;
pub(crate) use shape::{Payload, Shape};
pub(crate) use stamp::{Cause, Moment, Stamp};
pub(crate) use window::Windows;
pub(crate) use writer::Log;
