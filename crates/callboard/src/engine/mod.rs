//! The engine: how an accepted event gets from its publisher to its readers.
//!
//! ```text
//!   publisher                    engine                                   reader
//!
//!   Registry (one lock:     Route of the event's type              Mailbox "reconciler"
//!   the one order)     ──►  ┌ Mailbox, member 0 ─────────────────►  Queue: High   ▢▢
//!                           ├ Mailbox, member 2                            Normal ▢▢▢▢  ──► recv
//!                           └ Mailbox, member 0                            Low    ▢
//!                     └──►  Aftermath: wake, merge, report, drop — with no lock held
//! ```
//!
//! - An [`Envelope`] is one event on its way: the shared value and what the bus says of it.
//! - A [`Route`] lists the mailboxes that want one event type. Publishing walks one route, so its
//!   cost depends on the subscribers of that type and on nothing else.
//! - A [`Queue`](queue::Queue) holds what one subscription has not read, exactly as much as its capacity and
//!   policy say. It is plain data: no lock, no waking, no user code.
//! - An [`Inbox`] is a queue with its ledgers; a [`Mailbox`] is an inbox under a lock, with its
//!   reader's waker.
//! - An [`Aftermath`] collects everything that must happen after the locks are released: wakers to
//!   wake, values to drop, drops to report, events to merge. All of it is user code.
//!
//! # Invariants
//!
//! 1. Locks are taken in the order registry, then mailbox; a reader takes only its mailbox.
//! 2. No user code runs under a lock: no `Drop`, waker, callback, `Coalesce` or `Debug`.
//! 3. A lane of a queue is sorted by sequence. Routes are walked under the registry's lock, so
//!    any two mailboxes see the events they share in one order.
//! 4. For every account of every mailbox, offered = delivered + queued + dropped whenever the
//!    mailbox's lock is free.
//!
//! The rest of the crate uses only what this module exports; the engine behind it can be replaced
//! whole.

mod aftermath;
mod envelope;
mod feed;
mod inbox;
mod mailbox;
mod queue;
mod reader;
mod route;
mod scope;

pub(crate) use aftermath::{Aftermath, DropCallback, Hooks};
pub use envelope::Taken;
pub(crate) use envelope::{Envelope, Ticket, TicketStatus, kept};
pub(crate) use feed::Feed;
pub(crate) use inbox::{Account, Inbox, Take, merge};
pub(crate) use mailbox::{Mailbox, MailboxSettings};
pub(crate) use queue::{Admission, Entry};
pub(crate) use reader::Next;
pub use reader::{LentEvents, Reader};
pub(crate) use route::{Route, Routed};
pub(crate) use scope::Link;
pub use scope::Scope;
