//! Tasks that wait for a condition of the whole bus: a subscriber signed in, all have drained.

use std::task::{Context, Waker};

use super::{AtomicUsize, Mutex, Ordering, discard, fence, wake};

/// The waiting tasks. Notifications wake all of them; each re-checks its own condition.
#[derive(Debug, Default)]
pub(crate) struct WaitList {
    /// The number of waiting tasks. Notifiers read it without the lock; it is stored with the lock
    /// held. Ordering: Relaxed, since the fence in `register` orders it, and a notifier that reads
    /// too many only takes the lock in vain.
    count: AtomicUsize,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    next: u64,
    entries: Vec<(u64, Waker)>,
}

impl WaitList {
    /// Wakes all tasks. Must be called without a lock held, since a waker is user code.
    #[inline]
    pub(crate) fn notify_all(&self) {
        // Ordering: a waiter registers, with a fence, before it checks its condition. The condition
        // was changed either under its own lock or by a SeqCst operation. So either this load sees
        // the registration, or the waiter saw the new state itself.
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        self.wake_all();
    }

    #[cold]
    fn wake_all(&self) {
        let woken = {
            let mut waiters = self.waiters.lock();
            self.count.store(0, Ordering::Relaxed);
            std::mem::take(&mut waiters.entries)
        };
        for (_, waker) in woken {
            wake(|| waker.wake());
        }
    }
}

/// One task's entry in a [`WaitList`], removed on drop.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    list: &'a WaitList,
    id: Option<u64>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn on(list: &'a WaitList) -> Self {
        Self { list, id: None }
    }

    /// Registers for the next notification. The caller checks its condition afterwards.
    pub(crate) fn register(&mut self, context: &mut Context<'_>) {
        let waker = context.waker().clone();
        let old = self.remove();
        let mut waiters = self.list.waiters.lock();
        let id = waiters.next;
        waiters.next += 1;
        waiters.entries.push((id, waker));
        self.list.count.store(waiters.entries.len(), Ordering::Relaxed);
        drop(waiters);
        // Ordering: pairs with `notify_all`. The count is stored before this, and the condition
        // looked at after it.
        fence(Ordering::SeqCst);
        self.id = Some(id);
        discard(old);
    }

    fn remove(&mut self) -> Option<Waker> {
        let id = self.id.take()?;
        let mut waiters = self.list.waiters.lock();
        let place = waiters.entries.iter().position(|(other, _)| *other == id)?;
        let (_, waker) = waiters.entries.swap_remove(place);
        self.list.count.store(waiters.entries.len(), Ordering::Relaxed);
        Some(waker)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        discard(self.remove());
    }
}
