//! The engine: how an accepted event gets from its publisher to its readers.
//!
//! ```text
//!   publisher                   engine                                     reader
//!
//!                        ┌─► Feed: the log of the type  ════════════════►  Tap      ─┐
//!   Registry (one lock:  │     … and its sleepers                                    ├─► Reader ─► recv
//!   the one order)     ──┤                                                           │
//!                        └─► Route ──► Mailbox: a queue ─────────────────►  Inbox   ─┘
//!                                      ▢▢ high, ▢▢▢▢ normal, ▢ low
//!                     └──►  Aftermath: wake, merge, report, drop — with no lock held
//! ```
//!
//! There are two ways to a reader:
//!
//! - **By the log** of the event's type (see [`log`](crate::log)): a subscription to one type that
//!   drops the newest. Its events are a stretch of what was published, so that it needs no queue,
//!   and publishing costs the same for one such reader or a thousand, as long as they keep up.
//! - **By a queue** of its own: whoever wants something else than such a stretch (a set of types,
//!   everything, a pattern; the oldest dropped, or merged by key; calls to answer), and all readers
//!   of a bus that keeps time. A reader of the log has a queue too, for what can't go by the log: a
//!   replay, an event of another priority than its type's, a retained one. It is empty nearly
//!   always; otherwise the more urgent, or else the earlier, of both comes first.
//!
//! The parts:
//!
//! - A [`Feed`] is a type's log with those who read it; a [`Route`] lists the mailboxes that take
//!   the type by their queues. A publication walks the one route of its type, so its cost depends
//!   on the subscribers of that type and on nothing else.
//! - An [`Envelope`] is one event on its way to a queue: a handle of it and what the bus says of it.
//! - A [`Queue`](queue::Queue) holds what one subscription has not read, exactly as much as its
//!   capacity and policy say. It is plain data: no lock, no waking, no user code. An [`Inbox`] is a
//!   queue with its ledgers; a [`Mailbox`] is an inbox under a lock, with its reader's waker.
//! - A [`Reader`] is the other end: it takes from both.
//! - An [`Aftermath`] collects everything that must happen after the locks are released: wakers to
//!   wake, values to drop, drops to report, events to merge. All of it is user code.
//!
//! # Sleeping
//!
//! A reader that finds nothing puts its waker into its mailbox, then itself on its feed's list of
//! sleepers, under the registry's lock, unless it is there already; and then looks once more. A
//! publication takes that list, under the same lock, after it has written to the log, and takes
//! the wakers out of the mailboxes afterwards. So an event that was written before the reader was
//! on the list is seen by its last look, and one written later wakes it. Whoever is on the list
//! without a waker (its future was dropped) costs a look.
//!
//! # Invariants
//!
//! 1. Locks are taken in the order registry, then mailbox or a reader's gaps; a reader takes only
//!    its mailbox and its gaps, but to go to sleep.
//! 2. No user code runs under a lock: no `Drop`, waker, callback, `Coalesce` or `Debug`.
//! 3. A lane of a queue is sorted by sequence, and so is a log. Both are written under the
//!    registry's lock, so any two readers see the events they share in one order.
//! 4. For every account of every subscription, offered = delivered + queued + dropped at every
//!    quiescent moment; a queue's, whenever its lock is free.
//!
//! The rest of the crate uses only what this module exports; the engine behind it can be replaced
//! whole.

mod aftermath;
mod attendance;
mod cursors;
mod dead_letter;
mod envelope;
mod feed;
mod inbox;
mod invocation;
mod losses;
mod mailbox;
mod merged;
mod queue;
mod reader;
mod route;
mod scope;
mod slow;
mod sources;
mod times;

pub(crate) use aftermath::{Aftermath, DropCallback, Hooks};
pub(crate) use attendance::{Attendance, Holds};
pub use dead_letter::DeadLetter;
pub use envelope::Taken;
pub(crate) use envelope::{Candidate, Envelope, Pending, Ticket, TicketStatus, kept};
pub(crate) use feed::Feed;
pub(crate) use inbox::{Account, Inbox, Take, merge};
pub(crate) use invocation::Invocation;
pub(crate) use mailbox::{Mailbox, MailboxSettings};
pub(crate) use queue::{Admission, Entry};
pub(crate) use reader::Next;
pub use reader::{LentEvents, Reader};
pub(crate) use route::{Route, Routed};
pub use scope::Scope;
pub(crate) use scope::{HandlerPanic, Origin, Serving};
pub use slow::Slow;
pub(crate) use slow::{SlowCallback, SlowWatch};
pub(crate) use sources::Source;
pub(crate) use times::Times;
