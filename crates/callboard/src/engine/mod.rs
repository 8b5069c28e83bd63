//! The engine: how an accepted event gets from its publisher to its readers.
//!
//! ```text
//!   publisher                   engine                                        reader
//!
//!                        ┌─► Feed: the log of the type  ═══════════► LogCursor      ─┐
//!   Registry (one lock:  │     … and its waiters        ═══════════► MergedReader    ├─► Reader ─► recv
//!   the one order)     ──┤                              ═══════════► Inbox: cursors ─┤
//!                        └─► Responders ──► Mailbox ────────────────► Inbox: queue  ─┘
//!                     └──►  Deferred: wake, merge, report, drop — with no lock held
//! ```
//!
//! An event is written once, to the log of its type (see [`log`](crate::log)). A subscription reads
//! logs by cursors, one per type. There are three kinds of readers; the settings of the
//! subscription determine which one it gets:
//!
//! | reader | for | where its cursors are |
//! | --- | --- | --- |
//! | [`log_reader`] | one type, drop-newest | in the reader: no lock |
//! | [`merged`] | a set, a pattern or everything, drop-newest | in the reader: no lock |
//! | [`Inbox`] | drop-oldest, coalesce; all on a bus that traces | in the inbox, under its lock |
//!
//! A queue per subscription, in the inbox, holds what a log can't: calls (their asker may withdraw
//! them), events that are being merged by key and those behind them, events whose priority differs
//! from that of their type, retained events, and events that carry the span of a trace. The reader
//! takes the more urgent event first, then the one with the lower sequence number, from log or queue.
//!
//! The parts:
//!
//! - A [`Feed`] is a type's log and its readers, [`Responders`] are those that get calls of the type.
//!   A publication visits only those of its type, so its cost does not depend on the subscribers of
//!   other types.
//! - [`Coalescers`] are the readers of a type that merge its events by key, and the number of the
//!   last event with each key.
//! - [`Cursors`](cursors::Cursors) merge several logs by sequence number, up to the [`Horizon`].
//!   [`Sources`](sources::Sources) are the same logs as the publishers and the registry see them.
//! - A batch ([`lending`]) borrows the events of one log or of several from their reader.
//! - A [`BusClock`] is the clock as the bus reads it: a user's may panic.
//! - An [`Envelope`] is one event in a queue: a handle and its metadata.
//! - A [`Queue`](queue::Queue) is plain data: no lock, no waking, no user code. An [`Inbox`] is a
//!   queue, the cursors if they are not in the reader, and the accounts. A [`Mailbox`] is an inbox
//!   under a lock, and the waker of its reader.
//! - A [`Deferred`] collects everything that must happen after the locks are released: wakers to
//!   wake, values to drop, drops to report, events to merge. All of it may run user code.
//!
//! # One capacity
//!
//! The capacity of a subscription bounds the total of the events waiting in its logs and its queue.
//! The writer of a log can't compute that total for each event. With capacity for *n* more events,
//! the subscription can't be full before *n* more events were published on the whole bus, so the
//! writer asks it again only then ([`Windows`](crate::log::Windows)). A subscription that loses an
//! event is full; so by then each of its other logs asks again, too, and the next event that it
//! gets from any log reports the loss ([`Losses`](losses::Losses)).
//!
//! A subscription that drops its oldest event gets the new event first; then the publisher removes
//! the oldest one, unless the reader has taken one in between.
//!
//! # Coalescing
//!
//! An event with a key is written to the log like any other. Before that, the last event with its key
//! is looked up. If it may still wait for a subscription that coalesces, and does, then all that waits
//! for that subscription in this log moves to its queue, where the older event is marked: it uses no
//! capacity any more. The new event follows it there once it is written. With no lock held, the two
//! are then merged. A subscription that keeps up with its events costs a publication one
//! look into a map, whatever the number of such subscriptions.
//!
//! # Sleeping
//!
//! A reader that finds nothing stores its waker in its mailbox and then adds itself to the waiters
//! of each of its feeds, under the registry's lock, unless it is there already; then it checks once
//! more. A publication takes the waiters of its feed, under the same lock, after it has written to
//! the log, and takes the wakers out of the mailboxes afterwards. So the last check sees an event
//! that was written before the reader was on the list, and a later event wakes it. A waiter without
//! a waker (its future was dropped) costs one check.
//!
//! # Invariants
//!
//! 1. Locks are taken in the order registry, then mailbox or a reader's gaps; a reader takes only
//!    its mailbox and its gaps, except to go to sleep.
//! 2. No user code runs under a lock: no `Drop`, waker, callback, `Coalesce` or `Debug`.
//! 3. A lane of a queue is sorted by sequence, and so is a log. Both are written under the
//!    registry's lock, so any two readers see the events they share in one order.
//! 4. For every account of every subscription, offered = delivered + queued + dropped at every
//!    quiescent moment; for a queue's account, whenever its lock is free.
//!
//! The rest of the crate uses only what this module exports; the engine behind it can be replaced
//! as a whole.

mod clock;
mod coalescers;
mod cursors;
mod dead_letter;
mod deferred;
mod envelope;
mod feed;
mod handler_stats;
mod horizon;
mod inbox;
mod invocation;
mod lending;
mod log_reader;
mod losses;
mod mailbox;
mod merged;
mod queue;
mod reader;
mod responders;
mod scope;
mod slow;
mod sources;
mod times;

pub(crate) use clock::BusClock;
pub(crate) use coalescers::Coalescers;
pub use dead_letter::DeadLetter;
pub(crate) use deferred::{Deferred, DropCallback, Hooks};
pub(crate) use envelope::{Candidate, Envelope, Pending, Ticket, kept};
pub use envelope::{LentTaken, Taken};
pub(crate) use feed::{Feed, Routed};
pub(crate) use handler_stats::{HandlerStats, Holds};
pub(crate) use horizon::Horizon;
pub(crate) use inbox::{Account, Inbox, merge};
pub(crate) use invocation::Invocation;
pub use lending::LentEvents;
pub(crate) use lending::LentMerged;
pub(crate) use mailbox::{Mailbox, MailboxSettings};
pub(crate) use queue::{Admission, Entry};
pub(crate) use reader::Next;
pub use reader::Reader;
pub(crate) use responders::Responders;
pub use scope::Scope;
pub(crate) use scope::{Origin, Serving};
pub use slow::Slow;
pub(crate) use slow::{SlowCallback, SlowWatch};
pub(crate) use sources::Source;
pub(crate) use times::Times;
