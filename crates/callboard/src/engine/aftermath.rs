//! What an operation owes once its locks are released.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;

use super::inbox::merge;
use super::queue::Entry;
use super::{Envelope, Mailbox};
use crate::event::{Key, TypeInfo};
use crate::overflow::{DropReason, Dropped};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, discard, isolate};

/// The function set by `Bus::on_drop`.
pub(crate) type DropCallback = Arc<dyn Fn(&Dropped) + Send + Sync>;

/// The user's callbacks.
#[derive(Default)]
pub(crate) struct Hooks {
    on_drop: Mutex<Option<DropCallback>>,
    /// Whether there is a drop callback.
    hooked: AtomicBool,
    /// Critical drops so far. Changed only under the registry's lock.
    dropped: AtomicU64,
}

impl Hooks {
    /// Replaces the drop callback.
    pub(crate) fn set_on_drop(&self, callback: DropCallback) {
        let old = self.on_drop.lock().replace(callback);
        self.hooked.store(true, Ordering::Release);
        discard(old);
    }
}

/// What an operation owes once its locks are released: everything here runs a user's code.
///
/// It is settled in this order: wake the readers, merge what coalesces, drop values, tell the
/// tickets, report drops.
#[must_use = "the wakers in it are owed"]
pub(crate) struct Aftermath<'a> {
    hooks: &'a Hooks,
    wakers: Vec<Waker>,
    sleepers: Vec<Arc<Mailbox>>,
    merges: Vec<(Arc<Mailbox>, usize, Key)>,
    discarded: Vec<(u64, Envelope, DropReason)>,
    spent: Vec<Envelope>,
    dropped: Vec<(Dropped, u64)>,
    clash: Option<(&'static TypeInfo, &'static TypeInfo)>,
}

impl<'a> Aftermath<'a> {
    #[inline]
    pub(crate) fn new(hooks: &'a Hooks) -> Self {
        Self {
            hooks,
            wakers: Vec::new(),
            sleepers: Vec::new(),
            merges: Vec::new(),
            discarded: Vec::new(),
            spent: Vec::new(),
            dropped: Vec::new(),
            clash: None,
        }
    }

    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    /// Takes over the sleepers of a log, to be woken.
    pub(super) fn wake_sleepers(&mut self, sleepers: &mut Vec<Arc<Mailbox>>) {
        debug_assert!(self.sleepers.is_empty(), "an operation writes to one log");
        for sleeper in sleepers.iter() {
            sleeper.enlisted.store(false, Ordering::Relaxed);
        }
        let spare = SPARE.try_with(Cell::take).unwrap_or_default();
        self.sleepers = std::mem::replace(sleepers, spare);
    }

    pub(super) fn merge(&mut self, mailbox: &Arc<Mailbox>, member: usize, key: Key) {
        self.merges.push((Arc::clone(mailbox), member, key));
    }

    /// Takes over an entry that its reader will not get.
    pub(crate) fn discard(&mut self, mailbox: u64, entry: Entry, reason: DropReason) {
        self.discarded.push((mailbox, entry.envelope, reason));
    }

    /// Takes over an event that a queue or the bus no longer keeps.
    pub(crate) fn discard_event(&mut self, envelope: Envelope) {
        self.spent.push(envelope);
    }

    /// Has two types that share a name reported.
    pub(crate) fn report_clash(&mut self, first: &'static TypeInfo, second: &'static TypeInfo) {
        self.clash = Some((first, second));
    }

    /// Counts a critical drop, and has it reported to the drop callback and, now and then, to the
    /// log. The registry's lock is held.
    #[inline]
    pub(crate) fn report(&mut self, dropped: impl FnOnce() -> Dropped) {
        let count = self.hooks.dropped.load(Ordering::Relaxed) + 1;
        self.hooks.dropped.store(count, Ordering::Relaxed);
        if self.hooks.hooked.load(Ordering::Relaxed) || is_said(count) {
            self.dropped.push((dropped(), count));
        }
    }

    /// Does it all. No lock may be held.
    #[inline]
    pub(crate) fn settle(self) {
        if !self.sleepers.is_empty() {
            wake_all(self.sleepers);
        }
        for waker in self.wakers {
            isolate("a waker", || waker.wake());
        }
        for (mailbox, member, key) in self.merges {
            merge(|operation| operation(&mut mailbox.inbox()), member, &key);
        }
        self.spent.into_iter().for_each(discard);
        for (mailbox, envelope, reason) in self.discarded {
            if let Some(ticket) = &envelope.ticket {
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
            report_drops(&self.dropped, self.hooks);
        }
    }
}

thread_local! {
    /// An empty list with room for the next sleepers, so that waking allocates nothing.
    static SPARE: Cell<Vec<Arc<Mailbox>>> = const { Cell::new(Vec::new()) };
}

fn wake_all(mut sleepers: Vec<Arc<Mailbox>>) {
    for sleeper in sleepers.drain(..) {
        if let Some(waker) = sleeper.set_waker(None) {
            isolate("a waker", || waker.wake());
        }
    }
    // A thread that ends has no use for it.
    let _ = SPARE.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > sleepers.capacity() { other } else { sleepers });
    });
}

/// Whether the log hears of the drop with this number: the first, then ever more rarely, since a
/// subscriber that is stuck must not flood it.
#[inline]
fn is_said(count: u64) -> bool {
    count.is_power_of_two()
}

fn report_drops(dropped: &[(Dropped, u64)], hooks: &Hooks) {
    for (dropped, count) in dropped {
        if is_said(*count) {
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
    for (dropped, _) in dropped {
        isolate("the drop callback", || callback(dropped));
    }
    discard(callback);
    let _ = REPORTING.try_with(|reporting| reporting.borrow_mut().pop());
}
