//! The work that an operation must do once its locks are released.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::feed::LogSubscriber;
use super::inbox::merge;
use super::queue::Entry;
use super::{DeadLetter, Envelope, Mailbox};
use crate::event::{TypeInfo, two_types};
use crate::log::Held;
use crate::overflow::{DropReason, Dropped};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, discard, isolate, thread_local};

/// The function set by `Bus::on_drop`.
pub(crate) type DropCallback = Arc<dyn Fn(&Dropped) + Send + Sync>;

/// The user's callbacks.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Whether dead letters have a subscriber. Ordering: Relaxed, since it is read and written
    /// under the registry's lock.
    collects: AtomicBool,
    on_drop: Mutex<Option<DropCallback>>,
    /// Whether there is a drop callback. Ordering: Relaxed, since it is a hint: the callback has a
    /// lock of its own.
    hooked: AtomicBool,
    /// Critical drops so far. Changed only under the registry's lock.
    dropped: AtomicU64,
    /// The count at which the next line is logged. Changed only under the registry's lock.
    said_until: AtomicU64,
}

impl Hooks {
    /// Replaces the drop callback.
    pub(crate) fn set_on_drop(&self, callback: DropCallback) {
        let old = self.on_drop.lock().replace(callback);
        self.hooked.store(true, Ordering::Relaxed);
        discard(old);
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        let callback = self.on_drop.lock().take();
        discard(callback);
    }
}

/// Work that an operation defers until its locks are released, since all of it runs user code.
///
/// It runs in this order: wake readers, merge coalescing events, drop values and cursors, notify
/// tickets, report name clashes, drops and slow readers. An ordinary publication defers nothing, so
/// the lists are only fetched when one of them is needed.
#[must_use = "the wakers in it are owed"]
pub(crate) struct Deferred<'a> {
    hooks: &'a Hooks,
    effects: Option<Box<Effects>>,
}

type FindOldest<'a> = &'a dyn Fn(&Mailbox) -> Option<Instant>;

#[derive(Default)]
struct Effects {
    wakers: Vec<Waker>,
    waiters: Vec<LogSubscriber>,
    /// The subscription, and the number of the event that absorbs others.
    merges: Vec<(Arc<Mailbox>, u64)>,
    discarded: Vec<(u64, Envelope, DropReason)>,
    /// Cursors of dropped readers, and of the start buffer, with the events that wait there.
    cursors: Vec<Box<dyn Any + Send>>,
    spent: Vec<Envelope>,
    dropped: Vec<Dropped>,
    dead: Vec<DeadLetter>,
    /// Readers that have just fallen behind: they lost an event but not the one before.
    slow: Vec<Arc<Mailbox>>,
    /// Whether the number of drops so far is to be logged.
    says: bool,
    clashes: Vec<(&'static TypeInfo, &'static TypeInfo)>,
}

thread_local! {
    /// Empty lists with capacity, for the next operation of this thread, so that waking a reader
    /// does not allocate.
    static SPARE: Cell<Option<Box<Effects>>> = const { Cell::new(None) };
}

impl<'a> Deferred<'a> {
    #[inline]
    pub(crate) fn new(hooks: &'a Hooks) -> Self {
        Self { hooks, effects: None }
    }

    fn effects(&mut self) -> &mut Effects {
        self.effects.get_or_insert_with(Effects::fetch)
    }

    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.effects().wakers.push(waker);
        }
    }

    /// Takes over the waiters of a log, to wake them.
    #[cold]
    pub(super) fn wake_waiters(&mut self, waiters: &mut Vec<LogSubscriber>) {
        for LogSubscriber { mailbox, source } in waiters.iter() {
            mailbox.set_registered(*source, false);
        }
        let woken = &mut self.effects().waiters;
        if woken.is_empty() {
            std::mem::swap(woken, waiters);
        } else {
            woken.append(waiters);
        }
    }

    pub(super) fn merge(&mut self, mailbox: &Arc<Mailbox>, newer: u64) {
        self.effects().merges.push((Arc::clone(mailbox), newer));
    }

    /// Takes over an entry that its reader will not get.
    pub(crate) fn discard(&mut self, mailbox: u64, entry: Entry, reason: DropReason) {
        self.effects().discarded.push((mailbox, entry.envelope, reason));
    }

    /// Takes over the cursors of a reader that is gone, or of the start buffer, with the events that
    /// nobody took.
    pub(super) fn drop_cursors(&mut self, cursors: Box<dyn Any + Send>) {
        self.effects().cursors.push(cursors);
    }

    /// Takes over an event that a queue or the bus no longer keeps.
    pub(crate) fn discard_event(&mut self, envelope: Envelope) {
        self.effects().spent.push(envelope);
    }

    /// Notes an event that a subscriber did not get, to be published as a dead letter, if dead letters
    /// have a subscriber. The registry's lock is held.
    #[inline]
    pub(crate) fn bury(
        &mut self,
        info: &'static TypeInfo,
        held: &Held,
        dropped: Option<(&Arc<str>, DropReason)>,
    ) {
        if self.collects() && !held.is::<DeadLetter>() {
            let dropped = dropped.map(|(subscriber, reason)| (Arc::clone(subscriber), reason));
            self.effects().dead.push(DeadLetter::new(info, held.clone(), dropped));
        }
    }

    /// Reports two types that share a name.
    pub(crate) fn report_clash(&mut self, first: &'static TypeInfo, second: &'static TypeInfo) {
        self.effects().clashes.push((first, second));
    }

    /// Counts critical drops. Returns whether to [report](Self::report) them. The registry's lock
    /// is held.
    #[inline]
    pub(crate) fn count_drops(&mut self, drops: u64) -> bool {
        let before = self.hooks.dropped.load(Ordering::Relaxed);
        let last = before + drops;
        self.hooks.dropped.store(last, Ordering::Relaxed);
        // The first drop is logged, then exponentially fewer: a stuck subscriber must not flood the
        // log.
        let said = last > self.hooks.said_until.load(Ordering::Relaxed);
        if said {
            // Up to the next power of two.
            self.hooks.said_until.store(u64::MAX >> last.leading_zeros(), Ordering::Relaxed);
            self.effects().says = true;
        }
        said || self.hooks.hooked.load(Ordering::Relaxed)
    }

    /// Reports a drop to the drop callback and, now and then, to the log.
    pub(crate) fn report(&mut self, dropped: Dropped) {
        self.effects().dropped.push(dropped);
    }

    /// Reports that a subscriber has fallen behind.
    #[cold]
    pub(super) fn tell_slow(&mut self, mailbox: &Arc<Mailbox>) {
        self.effects().slow.push(Arc::clone(mailbox));
    }

    /// Runs everything. No lock may be held. `oldest` finds when the oldest event that waits for a
    /// subscription was published. Returns the dead letters, which the caller publishes.
    #[inline]
    pub(crate) fn run(
        self,
        oldest: impl Fn(&Mailbox) -> Option<Instant>,
    ) -> Option<Box<[DeadLetter]>> {
        self.effects.and_then(|effects| effects.run(self.hooks, &oldest))
    }

    /// Whether dead letters have a subscriber. The registry's lock is held.
    #[inline]
    pub(crate) fn collects(&self) -> bool {
        self.hooks.collects.load(Ordering::Relaxed)
    }

    /// Sets whether dead letters have a subscriber. The registry's lock is held.
    pub(crate) fn collect(&self, collects: bool) {
        self.hooks.collects.store(collects, Ordering::Relaxed);
    }
}

impl Effects {
    /// Returns empty lists.
    fn fetch() -> Box<Self> {
        SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// Runs everything. This may run the next operation of this thread, so the lists are put back
    /// only at the end.
    #[inline(never)]
    fn run(
        mut self: Box<Self>,
        hooks: &Hooks,
        oldest: FindOldest<'_>,
    ) -> Option<Box<[DeadLetter]>> {
        for LogSubscriber { mailbox, .. } in self.waiters.drain(..) {
            if let Some(waker) = mailbox.wake() {
                wake(waker);
            }
        }
        self.wakers.drain(..).for_each(wake);
        let dead = if self.only_wakes() { None } else { self.run_others(hooks, oldest) };
        self.put_back();
        dead
    }

    /// Whether there are only readers to wake, the most common case.
    fn only_wakes(&self) -> bool {
        let Self { merges, discarded, cursors, spent, dropped, dead, slow, clashes, .. } = self;
        let events = merges.len() + discarded.len() + cursors.len() + spent.len();
        events + dropped.len() + dead.len() + slow.len() + clashes.len() == 0
    }

    /// Runs everything except the wakers.
    #[cold]
    fn run_others(&mut self, hooks: &Hooks, oldest: FindOldest<'_>) -> Option<Box<[DeadLetter]>> {
        for (mailbox, newer) in self.merges.drain(..) {
            merge(|operation| operation(&mut mailbox.inbox()), newer);
        }
        self.spent.drain(..).for_each(discard);
        self.cursors.clear();
        for (mailbox, envelope, reason) in self.discarded.drain(..) {
            if let Some(ticket) = &envelope.ticket {
                ticket.discarded(mailbox, reason);
            }
            discard(envelope);
        }
        for (first, second) in self.clashes.drain(..) {
            crate::report::say!(
                error,
                "two event types are called `{}`: {}; give one of them another name",
                first.name,
                two_types(first.rust_name(), second.rust_name()),
            );
        }
        if !self.dropped.is_empty() {
            report_drops(&self.dropped, std::mem::take(&mut self.says), hooks);
            self.dropped.clear();
        }
        if !self.slow.is_empty() {
            self.tell_slow(oldest);
        }
        (!self.dead.is_empty()).then(|| self.dead.drain(..).collect())
    }

    #[cold]
    fn tell_slow(&mut self, oldest: FindOldest<'_>) {
        self.slow.drain(..).for_each(|mailbox| mailbox.fall_behind(|| oldest(&mailbox)));
    }

    /// Keeps the lists, which are empty, for the next operation, unless they have grown large.
    fn put_back(self: Box<Self>) {
        let Self { wakers, waiters, merges, discarded, spent, dropped, slow, .. } = &*self;
        let woken = wakers.capacity() + waiters.capacity() + merges.capacity() + slow.capacity();
        let room = woken + discarded.capacity() + spent.capacity() + dropped.capacity();
        if room <= KEPT_ROOM {
            // A thread that is ending has no use for them.
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }
}

/// Lists with capacity for more entries than this are not kept.
const KEPT_ROOM: usize = 4_096;

fn wake(waker: Waker) {
    crate::sync::wake(|| waker.wake());
}

fn report_drops(dropped: &[Dropped], says: bool, hooks: &Hooks) {
    if let (Some(dropped), true) = (dropped.first(), says) {
        let all = hooks.dropped.load(Ordering::Relaxed);
        let all = crate::report::count(all, "critical drop");
        crate::report::say!(warn, "{dropped}; {all} so far on this bus");
    }
    thread_local! {
        /// The buses, by their hooks, whose drop callback this thread is running. A drop that the
        /// callback itself causes is counted but not reported: otherwise a callback that publishes
        /// to a full subscriber would call itself forever.
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
    if !matches!(entered, Ok(true)) {
        // It may have been replaced in between, leaving this its last owner.
        return discard(callback);
    }
    for dropped in dropped {
        isolate("the drop callback", "it is called again for the next drop", || callback(dropped));
    }
    discard(callback);
    let _ = REPORTING.try_with(|reporting| reporting.borrow_mut().pop());
}
