//! What an operation owes once its locks are released.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;

use super::inbox::merge;
use super::queue::Entry;
use super::{Content, Envelope, Mailbox, Ticket};
use crate::event::{Key, TypeInfo};
use crate::overflow::{DropReason, Dropped};
use crate::sync::{AtomicU64, Mutex, Ordering, discard, isolate};

/// The function set by `Bus::on_drop`.
pub(crate) type DropCallback = Arc<dyn Fn(&Dropped) + Send + Sync>;

/// The user's callbacks.
#[derive(Default)]
pub(crate) struct Hooks {
    on_drop: Mutex<Option<DropCallback>>,
    /// Critical drops so far.
    dropped: AtomicU64,
}

impl Hooks {
    /// Replaces the drop callback.
    pub(crate) fn set_on_drop(&self, callback: DropCallback) {
        let old = self.on_drop.lock().replace(callback);
        discard(old);
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
    clash: Option<(&'static TypeInfo, &'static TypeInfo)>,
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

    /// Has two types that share a name reported.
    pub(crate) fn report_clash(&mut self, first: &'static TypeInfo, second: &'static TypeInfo) {
        self.clash = Some((first, second));
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
            discard(content);
        }
        for (mailbox, envelope, reason) in self.discarded {
            if let Content::Call(ticket) = &envelope.content {
                ticket.discarded(mailbox, reason);
            }
            discard(envelope);
        }
        if let Some((first, second)) = self.clash {
            crate::report::say!(
                error,
                "two event types are called `{}`: `{}` and `{}`; give one of them another name",
                first.name,
                first.rust_name(),
                second.rust_name(),
            );
        }
        if !self.dropped.is_empty() {
            report_drops(&self.dropped, hooks);
        }
    }
}

fn report_drops(dropped: &[Dropped], hooks: &Hooks) {
    for dropped in dropped {
        // The first, then ever more rarely: a subscriber that is stuck must not flood the log.
        let count = hooks.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            crate::report::say!(warn, "{dropped}; {count} critical drops so far on this bus");
        }
    }
    thread_local! {
        /// The buses, by their hooks, in whose drop callback this thread is: a drop that the
        /// callback itself brings about is counted but not reported, or a callback that publishes
        /// to a full subscriber would call itself for ever.
        static REPORTING: RefCell<Vec<*const Hooks>> = const { RefCell::new(Vec::new()) };
    }
    let this: *const Hooks = hooks;
    let callback = hooks.on_drop.lock().clone();
    let Some(callback) = callback else {
        return;
    };
    let entered = REPORTING.try_with(|reporting| {
        let nested = reporting.borrow().contains(&this);
        if !nested {
            reporting.borrow_mut().push(this);
        }
        !nested
    });
    if entered != Ok(true) {
        return;
    }
    for dropped in dropped {
        isolate("the drop callback", || callback(dropped));
    }
    discard(callback);
    let _ = REPORTING.try_with(|reporting| reporting.borrow_mut().pop());
}
