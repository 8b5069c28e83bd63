//! The log: stores the events of one type once, for many independent readers.
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
//!   took 10, full: its gap    took 100, flows         joined at 130, took 1,
//!   is open at 40, lost 94                            flows
//! ```
//!
//! The writer moves an event into the next slot of the tail and then sets the head behind it: a
//! reader that sees the head there sees the event. Nothing is written per reader. A reader is a
//! position: it walks the slots at its own pace and tells the writer only how many events it has
//! taken.
//!
//! # Capacity and gaps
//!
//! An event is *admitted* for each reader that has capacity for it, and then *waits* until the
//! reader has *taken* it. Events in a reader's own queue beside the log count as waiting, too. A
//! reader of capacity *n* may have *n* events waiting.
//!
//! The writer does not check each reader for each event. From what a reader has taken, the writer
//! computes its limit: a position before which it can't be full, since taking only frees capacity.
//! The lowest limit is `room_until`. Up to there an event costs the same for one reader or a
//! thousand. There the writer re-checks the readers that have reached their limit; a heap has the
//! lowest on top. A full reader *stops*: the writer opens a gap at the present position, counts the
//! loss in it, and checks the reader for every event from then on. Once the reader has capacity
//! again, the writer closes the gap: it records in which block and where the reader continues, and
//! how many events the reader lost, which `missed()` reports. The gaps ahead of a reader form a
//! list. Only the last may be open; each closed gap owns the pin with which the reader continues. A
//! new reader starts out stopped, with nothing lost.
//!
//! A reader with a *window* shares its capacity with other logs, or drops its oldest event when it
//! is full. The writer asks [`Windows`] about it, but not for each event either: see "One capacity"
//! in [`engine`](crate::engine).
//!
//! A reader is in one of two states, which only the writer changes:
//!
//! - *flowing*: it gets every event after its last gap, and has a pin on the tail;
//! - *stopped*: its last gap is open; it gets no event after that, and has no pin behind it.
//!
//! # Memory
//!
//! A block is about 4 KiB: a header and up to 64 slots. A slot starts with 32 bytes of metadata
//! (count of owners, offset in the block, number, cause and time of the event); the event follows.
//!
//! A block is returned when its last *pin* is removed. The tail has a pin. Each reader that flowed
//! when the block was begun, or that resumed in it later, has one until it has walked out of the
//! block. Each handle of an event in the block has one, or else each *shard* that counts handles. A
//! block has four shards on separate cache lines, assigned to its readers in turn: readers on
//! different cores would contend for one count. A reader counts 64 handles at a time before it
//! makes them, since one atomic operation costs as much as the rest of a take. Only the holder of a
//! pin adds pins. Blocks are linked by addresses, not by pins, so a stuck reader keeps the blocks
//! of its own window and no others.
//!
//! One event keeps its block. If readers or handles keep few events of many (a reader that is
//! always late has each of its events in another block), a log could hold far more than waits.
//! So the log compares the slots of its blocks with the events that wait, and while there are far
//! more slots, it uses blocks of a single slot.
//!
//! The slot of a value with a destructor also counts *owners*: the readers that have not reached it
//! yet, and the handles. The last owner drops the value at once. A value without a destructor needs
//! no count, and reading it changes nothing that another thread reads.
//!
//! A pool keeps a few returned blocks for reuse, so that a steady flow of plain data allocates
//! nothing.
//!
//! # Held back
//!
//! Events that wait for the start of the bus are written to the log at once, but the head stays
//! before them. A reader of the start buffer's own flows from the first of these events on and so
//! keeps their blocks; all other readers are stopped there. At the start, each of these continues
//! with the first event, with the pins and the shares of ownership that it would have had if it had
//! flowed. Then the head moves over one event after the other, in the order in which all waiting
//! events are replayed. So a replay copies nothing, and the last reader to join gets it like the
//! first.
//!
//! # Invariants
//!
//! 1. A reader accesses only slots that were written: it looks at no position beyond the head; the
//!    head is released after the slot is written, and acquired before the slot is read.
//! 2. A reader accesses only blocks that it has a pin on: it follows `next` only to a position of
//!    its own, whose block was begun, or resumed in, while it flowed; at a gap it is given a pin.
//! 3. For each slot of a type with a destructor, owners = readers that the event was written or
//!    held back for and that have not taken it + handles. Only the writer adds readers, before the
//!    head moves.
//! 4. taken ≤ admitted ≤ taken + capacity for each reader, except for replays and events in its
//!    queue.
//! 5. The holder of the registry's lock is the writer, by `&mut Log`; a cursor is its reader's, by
//!    `&mut LogCursor`.
//!
//! [`memory`] keeps the first three, which make it safe to read raw memory; the writer and the
//! cursors keep the others, which determine who gets what.
//!
//! # Who writes what
//!
//! | atomic | written by | ordering, and what it pairs with |
//! | --- | --- | --- |
//! | `head` | writer | Release, with the reader's Acquire in `Walk::look` |
//! | `taken` | reader | Release, with Acquire in `ReaderProgress::taken`; SeqCst when it has drained (see below) |
//! | `next_gap` | writer and reader, under the gaps' lock | Relaxed: stored before the head moves on, read after it |
//! | `lost`, `open_at`, `skipped`, `overlooks_until` | writer | Relaxed: read under its lock |
//! | `high_water` | reader and writer | Relaxed, by `fetch_max`: only reported |
//! | `queued` | the holder of the lock of the reader's queue | Release, with the writer's Acquire in `ReaderProgress::queued` |
//! | `taken_from_queue` | likewise | Relaxed: only reported; stored before `queued` |
//! | `pins`, `owners` | any thread | as the counts of `Arc`: Relaxed up, AcqRel down |
//! | `next` of a block | writer, once | Relaxed: read only after a head beyond the block |
//! | the pool's places | the thread that removes the last pin, and the writer | Release in, Acquire out |
//! | the pool's `blocks` | likewise | Relaxed: counts, by which the writer chooses a block size |
//!
//! A reader that has taken the last event it knows of stores its count by a SeqCst exchange; a
//! thread that waits for it to drain has a fence between its registration and its check
//! ([`Waiting::register`](crate::sync::Waiting)), so one sees the other. The engine handles how
//! readers sleep and are woken: see "Sleeping" in [`engine`](crate::engine).
//!
//! # Parts
//!
//! | module | contents |
//! | --- | --- |
//! | `writer` | [`Log`]: the writer's cursor with all readers; who gets an event (`admission`), events held back (`hold`) |
//! | `record` | the writer's record of one reader; [`ReaderStats`] is its account |
//! | `reader` | [`LogCursor`]: a reader's cursor with its missed count; a [`Stretch`] lends several events in one go; a [`Meter`] shows others the reader's backlog |
//! | `progress` | [`ReaderProgress`]: the state that writer and reader share; the gaps |
//! | `memory` | blocks, slots, the pool and a cursor for either end: nearly all the unsafe code of the crate, behind a safe interface |
//! | `memory::lending` | lending events of one log or several while their cursors are borrowed |
//! | `memory::handle` | [`Held`] and [`Kept`]: a share of an event with a pin on its block, of any type and of a known one; [`Loan`]: one that its reader borrows, usually without a pin |
//! | `moments` | when the waiting events were published |
//! | `window` | [`Windows`]: the readers whose capacity spans several logs, or that drop their oldest |
//! | `shape`, `stamp` | [`Shape`]: the layout of a type's events in a block; [`Stamp`]: an event's metadata |

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

pub(crate) use memory::{Held, Kept, Lendings, Loan};
pub(crate) use progress::ReaderProgress;
pub(crate) use reader::{LogCursor, Meter, Stretch};
pub(crate) use record::ReaderStats;
pub(crate) use shape::{Payload, Shape};
pub(crate) use stamp::{Cause, Moment, Stamp};
pub(crate) use window::Windows;
pub(crate) use writer::Log;
