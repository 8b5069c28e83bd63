//! What an operation owes once its locks are released.

use std::sync::Arc;
use std::task::Waker;

use super::inbox::merge;
use super::queue::Entry;
use super::{Content, Envelope, Mailbox, Ticket};
use crate::event::Key;
use crate::overflow::{DropReason, Dropped};
use crate::sync::{Mutex, isolate};

/// The function set by `Bus::on_drop`.
pub(crate) type DropCallback = Arc<dyn Fn(&Dropped) + Send + Sync>;

/// The user's callbacks.
#[derive(Default)]
pub(crate) struct Hooks {
    on_drop: Mutex<Option<DropCallback>>,
}

impl Hooks {
    /// Replaces the drop callback.
    pub(crate) fn set_on_drop(&self, callback: DropCallback) {
        let old = self.on_drop.lock().replace(callback);
        drop(old);
    }
}

/// What an operation owes once its locks are released: everything here runs a user's code.
///
/// It is settled in this order: wake the readers, merge what coalesces, drop values, tell the
/// tickets, report drops.
#[derive(Default)]
#[must_use = "the wakers in it are owed"]
pub(crate) struct Aftermath {
    pub(super) wakers: Vec<Waker>,
    pub(super) merges: Vec<(Arc<Mailbox>, usize, Key)>,
    discarded: Vec<(u64, Envelope, DropReason)>,
    dropped: Vec<Dropped>,
    /// What a publication has used up; the others follow in `contents`.
    spent: Option<Content>,
    contents: Vec<Content>,
}

impl Aftermath {
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    /// Takes over an entry that its reader will not get.
    pub(crate) fn discard(&mut self, mailbox: u64, entry: Entry, reason: DropReason) {
        self.discarded.push((mailbox, entry.envelope, reason));
    }

    /// Takes over an event that no queue holds any more.
    pub(crate) fn discard_content(&mut self, content: Content) {
        if let Some(another) = self.spent.replace(content) {
            self.contents.push(another);
        }
    }

    /// Takes over a request that nobody holds any more.
    pub(crate) fn discard_ticket(&mut self, ticket: Arc<dyn Ticket>) {
        self.contents.push(Content::Call(ticket));
    }

    /// Has a drop reported to the drop callback.
    pub(crate) fn report(&mut self, dropped: Dropped) {
        self.dropped.push(dropped);
    }

    /// Does it all. No lock may be held.
    pub(crate) fn settle(self, hooks: &Hooks) {
        for waker in self.wakers {
            isolate("a waker", || waker.wake());
        }
        for (mailbox, member, key) in self.merges {
            merge(|operation| operation(&mut mailbox.inbox()), member, &key);
        }
        for content in self.spent.into_iter().chain(self.contents) {
            isolate("an event's destructor", || drop(content));
        }
        for (mailbox, envelope, reason) in self.discarded {
            if let Content::Call(ticket) = &envelope.content {
                ticket.discarded(mailbox, reason);
            }
            isolate("an event's destructor", || drop(envelope));
        }
        if !self.dropped.is_empty() {
            report_drops(&self.dropped, hooks);
        }
    }
}

fn report_drops(dropped: &[Dropped], hooks: &Hooks) {
    thread_local! {
        /// Whether this thread is inside the drop callback: a drop that the callback itself
        /// brings about is counted but not reported, or a callback that publishes to a full
        /// subscriber would call itself for ever.
        static REPORTING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            let _ = REPORTING.try_with(|reporting| reporting.set(false));
        }
    }
    let callback = hooks.on_drop.lock().clone();
    let Some(callback) = callback else {
        return;
    };
    if REPORTING.try_with(|reporting| reporting.replace(true)) != Ok(false) {
        return;
    }
    let _done = Done;
    for dropped in dropped {
        isolate("the drop callback", || callback(dropped));
    }
    isolate("the drop callback's destructor", || drop(callback));
}
