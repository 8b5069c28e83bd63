//! Running a handler for each event.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::{EventSet, Subscription};
use crate::engine::Handling;
use crate::sync::{Mutex, Ordering, discard, isolate};

impl<S: EventSet> Subscription<S> {
    /// Runs `handler` for each event, one after the other, until the bus is closed and everything
    /// was handled.
    ///
    /// While a handler runs, the bus knows what it is handling: what it publishes carries the
    /// event as its [`cause`](crate::Delivery::cause), and a plain
    /// [`Bus::request`](crate::Bus::request) is a nested one. The handler's time appears in
    /// [`Bus::snapshot`](crate::Bus::snapshot). A handler that panics ends its own event's
    /// handling (a call it held is abandoned) and no other. One that waits until its own bus has
    /// drained waits for itself, until the time is over.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes; the event being handled is dropped with its handler.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request};
    /// #[derive(Debug, Event)]
    /// struct Sum(u32);
    ///
    /// #[derive(Debug, Request)]
    /// #[request(response = Sum)]
    /// struct Add(u32, u32);
    ///
    /// let bus = Bus::new();
    /// bus.start();
    /// let adder = bus.subscriber("adder").late().responder::<Add>();
    /// std::thread::spawn(move || {
    ///     callboard::testing::block_on(adder.serve(|call| async move {
    ///         let sum = call.0 + call.1;
    ///         call.respond(Sum(sum));
    ///     }))
    /// });
    /// let gathered = bus.request(Add(1, 2)).expect(["adder"]).gather_blocking()?;
    /// let (responder, sum) = gathered.responses().next().unwrap();
    /// assert_eq!((responder, sum.0), ("adder", 3));
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub async fn serve<F, H>(self, handler: F)
    where
        F: FnMut(S::Item) -> H,
        H: Future<Output = ()>,
    {
        self.run(1, handler).await;
    }

    /// Runs `handler` for each event, up to `limit` at a time, until the bus is closed and
    /// everything was handled. Handlers begin in the order of the events; they all run on the
    /// task that polls this future. A `limit` of 0 counts as 1.
    ///
    /// Otherwise as [`serve`](Self::serve).
    pub async fn serve_concurrent<F, H>(self, limit: usize, handler: F)
    where
        F: FnMut(S::Item) -> H,
        H: Future<Output = ()>,
    {
        self.run(limit.max(1), handler).await;
    }

    async fn run<F, H>(mut self, limit: usize, mut handler: F)
    where
        F: FnMut(S::Item) -> H,
        H: Future<Output = ()>,
    {
        let declared = self.reader.mailbox.concurrency.load(Ordering::Relaxed);
        self.reader.mailbox.concurrency.store(declared.max(limit), Ordering::Relaxed);
        self.reader.mailbox.inbox().attendance_mut().served = true;
        let mut running = Handlers::new();
        std::future::poll_fn(|context| {
            running.signal.set_parent(context.waker());
            loop {
                running.poll(&self, context);
                if running.len() >= limit {
                    return Poll::Pending;
                }
                match self.poll_recv(context) {
                    Poll::Ready(Some(item)) => {
                        let began = self.core.now();
                        let since = began.unwrap_or(self.core.built_at);
                        self.reader.mailbox.begin_handling(since);
                        let scope = S::scope(&item).handle();
                        let begun = self.guard(&scope, || scope.enter(|| handler(item)));
                        match begun {
                            Some(future) => running.add(future, scope, began),
                            None => running.finished(&self, began),
                        }
                    }
                    Poll::Ready(None) if running.len() == 0 => return Poll::Ready(()),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }
}

/// The handlers that run, each polled only when it was woken.
struct Handlers<H> {
    slots: Vec<Option<Handler<H>>>,
    free: Vec<usize>,
    /// When those that run began, if the bus keeps time.
    begun: BTreeSet<(Instant, usize)>,
    signal: Arc<Signal>,
}

/// With more slots than this, they are given up once no handler runs.
const KEPT_SLOTS: usize = 64;

struct Handler<H> {
    future: Pin<Box<H>>,
    scope: Handling,
    began: Option<Instant>,
    waker: Waker,
}

impl<H> Drop for Handlers<H> {
    fn drop(&mut self) {
        self.slots.drain(..).for_each(discard);
    }
}

/// Which handlers were woken, and whom to wake for them.
#[derive(Default)]
struct Signal {
    woken: Mutex<Woken>,
    parent: Mutex<Option<Waker>>,
}

/// The slots whose handlers were woken, each once.
#[derive(Default)]
struct Woken {
    slots: VecDeque<usize>,
    /// Which of all slots are among them.
    among: Vec<bool>,
}

impl Woken {
    /// Whether it was not among them.
    fn add(&mut self, slot: usize) -> bool {
        if self.among.len() <= slot {
            self.among.resize(slot + 1, false);
        }
        let new = !std::mem::replace(&mut self.among[slot], true);
        if new {
            self.slots.push_back(slot);
        }
        new
    }

    fn next(&mut self) -> Option<usize> {
        let slot = self.slots.pop_front()?;
        self.among[slot] = false;
        Some(slot)
    }
}

/// The waker of one slot.
struct SlotWaker {
    slot: usize,
    signal: Arc<Signal>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.signal.woken.lock().add(self.slot) {
            return;
        }
        // The driver sets its waker before it looks at who was woken: either it sees the slot, or
        // its waker is here.
        let parent = self.signal.parent.lock().take();
        if let Some(parent) = parent {
            // It is not the handler's that woke.
            isolate("a waker", || parent.wake());
        }
    }
}

impl Signal {
    fn set_parent(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = self.parent.lock().replace(waker);
        discard(old);
    }
}

impl<H: Future<Output = ()>> Handlers<H> {
    fn new() -> Self {
        let (slots, free, begun) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { slots, free, begun, signal: Arc::default() }
    }

    fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn add(&mut self, future: H, scope: Handling, began: Option<Instant>) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let waker = Waker::from(Arc::new(SlotWaker { slot, signal: Arc::clone(&self.signal) }));
        self.begun.extend(began.map(|began| (began, slot)));
        self.slots[slot] = Some(Handler { future: Box::pin(future), scope, began, waker });
        self.signal.woken.lock().add(slot);
    }

    fn next_woken(&self) -> Option<usize> {
        self.signal.woken.lock().next()
    }

    /// Polls every handler that was woken, once, and accounts for those that have ended.
    fn poll<S: EventSet>(&mut self, subscription: &Subscription<S>, context: &Context<'_>) {
        // One round at the most: a handler that wakes itself for ever must not keep the others
        // from the executor.
        for _ in 0..self.slots.len() {
            let Some(slot) = self.next_woken() else {
                return;
            };
            let Some(Some(handler)) = self.slots.get_mut(slot) else {
                continue;
            };
            let Handler { future, scope, began, waker } = handler;
            let began = *began;
            let polled = subscription.guard(scope, || {
                let mut context = Context::from_waker(waker);
                scope.enter(|| future.as_mut().poll(&mut context))
            });
            if !matches!(polled, Some(Poll::Pending)) {
                let handler = self.slots[slot].take();
                self.free.push(slot);
                began.map(|began| self.begun.remove(&(began, slot)));
                discard(handler);
                self.finished(subscription, began);
            }
        }
        if self.len() == 0 && self.slots.len() > KEPT_SLOTS {
            (self.slots, self.free) = (Vec::new(), Vec::new());
            *self.signal.woken.lock() = Woken::default();
        }
        if !self.signal.woken.lock().slots.is_empty() {
            isolate("a waker", || context.waker().wake_by_ref());
        }
    }

    fn finished<S: EventSet>(&self, subscription: &Subscription<S>, began: Option<Instant>) {
        let oldest = self.begun.first().map(|(began, _)| *began);
        let times = subscription.core.now().zip(began);
        let time =
            times.map_or(Duration::ZERO, |(now, began)| now.saturating_duration_since(began));
        subscription.reader.mailbox.inbox().attendance_mut().end(time, oldest);
        subscription.core.changed.notify_all();
    }
}
