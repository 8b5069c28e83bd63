//! What every handle of a bus points to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::watch::UnstartedWatch;
use super::{Accepted, Parcel, Registry};
use crate::engine::{Aftermath, Hooks, Mailbox, Ticket};
use crate::event::{Key, Payload, TypeInfo};
use crate::outcome::TroubledRequest;
use crate::overflow::DropReason;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, WaitList, Waiting, isolate};
use crate::time::{Clock, Deadline, default_clock};

/// The default capacity of the buffer that holds events until the start.
pub(crate) const PRE_START_CAPACITY: usize = 1_000;

/// What a bus is built with.
#[derive(Debug)]
pub(crate) struct CoreSettings {
    pub(crate) pre_start_capacity: usize,
    pub(crate) timestamps: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) expected_subscribers: Vec<String>,
    pub(crate) expected_responders: Vec<String>,
}

impl Default for CoreSettings {
    fn default() -> Self {
        Self {
            pre_start_capacity: PRE_START_CAPACITY,
            timestamps: false,
            clock: default_clock(),
            expected_subscribers: Vec::new(),
            expected_responders: Vec::new(),
        }
    }
}

/// What every handle of a bus points to: the registry under its lock, and what needs none.
pub(crate) struct Core {
    registry: Mutex<Registry>,
    pub(crate) settings: CoreSettings,
    pub(crate) hooks: Hooks,
    /// Told when somebody signs in or out, or has drained, and when the bus closes.
    pub(crate) changed: WaitList,
    pub(crate) requests: Requests,
    pub(crate) built_at: Instant,
    /// Runs while events wait for the start.
    watch: Mutex<Option<Arc<UnstartedWatch>>>,
}

/// The requests that are open, and what came of those that ended.
#[derive(Default)]
pub(crate) struct Requests {
    open: Mutex<HashMap<u64, Weak<dyn Ticket>>>,
    next: AtomicU64,
    /// Answers that came after their request had ended.
    pub(crate) late: AtomicU64,
    /// Answers by a responder of a name that had answered already.
    pub(crate) duplicate: AtomicU64,
    /// Requests that ended, whatever their end.
    pub(crate) ended: AtomicU64,
    /// The last requests that did not get what they wanted, newest last.
    troubles: Mutex<VecDeque<TroubledRequest>>,
}

/// How many troubled requests are remembered.
const TROUBLES: usize = 16;

impl Core {
    pub(crate) fn new(settings: CoreSettings) -> Arc<Self> {
        Arc::new(Self {
            registry: Mutex::new(Registry::new(settings.pre_start_capacity)),
            hooks: Hooks::default(),
            changed: WaitList::default(),
            requests: Requests::default(),
            built_at: settings.clock.now(),
            watch: Mutex::new(None),
            settings,
        })
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock()
    }

    /// The present moment, if the bus keeps time.
    pub(crate) fn timestamp(&self) -> Option<Instant> {
        self.settings.timestamps.then(|| self.settings.clock.now())
    }

    /// Runs an operation on the registry, then, with the lock released, what it owes.
    pub(crate) fn with<R>(&self, operation: impl FnOnce(&mut Registry, &mut Aftermath) -> R) -> R {
        let mut aftermath = Aftermath::default();
        let result = operation(&mut self.registry.lock(), &mut aftermath);
        aftermath.settle(&self.hooks);
        result
    }

    /// Accepts an event, and settles what that owes.
    pub(crate) fn accept<P: FnOnce() -> Payload>(self: &Arc<Self>, parcel: Parcel<P>) -> Accepted {
        let (info, key) = (parcel.info, parcel.key.clone());
        let accepted = self.with(|registry, aftermath| registry.accept(parcel, aftermath));
        if let Accepted::Buffered { mergeable, first, .. } = accepted {
            if let (true, Some(key)) = (mergeable, key) {
                self.merge_buffered(info, &key);
            }
            if first {
                self.start_watch();
            }
        }
        accepted
    }

    fn start_watch(self: &Arc<Self>) {
        // A clock is the user's code: it may panic, and publishing does not.
        if let Some(watch) = isolate("the clock", || UnstartedWatch::set(self)) {
            let old = self.watch.lock().replace(watch);
            if let Some(old) = old {
                old.cancel();
            }
        }
    }

    /// The bus was started, or is gone.
    pub(crate) fn stop_watch(&self) {
        let watch = self.watch.lock().take();
        if let Some(watch) = watch {
            isolate("the clock", || watch.cancel());
        }
    }

    /// Merges what is buffered under this key until it is one event. Runs the user's code.
    fn merge_buffered(&self, info: &'static TypeInfo, key: &Key) {
        loop {
            let pair = {
                let mut registry = self.registry();
                let number = registry.entry(info).number;
                registry.buffer.mergeable(number, key)
            };
            let Some(pair) = pair else {
                return;
            };
            let merged = info.absorb(&pair.newer_event, &pair.older_event);
            let mut registry = self.registry();
            let done = registry.buffer.merge(&pair, merged);
            if done.is_some() {
                let ledger = &mut registry.entry(info).buffered;
                ledger.queued -= 1;
                ledger.count_drop(DropReason::Coalesced);
            }
            drop(registry);
            isolate("an event's destructor", || drop((done, pair)));
        }
    }

    /// The expected subscribers, then the expected responders, that have not signed in.
    pub(crate) fn missing(&self) -> Vec<String> {
        let registry = self.registry();
        let absent = |expected: &[String], responding: bool| -> Vec<String> {
            let present: HashSet<&str> = registry
                .listeners
                .values()
                .filter(|listener| !responding || listener.wanted.responds())
                .map(|listener| &*listener.mailbox.settings.name)
                .collect();
            let absent = expected.iter().filter(|name| !present.contains(name.as_str()));
            absent.cloned().collect()
        };
        let mut missing = absent(&self.settings.expected_subscribers, false);
        missing.extend(absent(&self.settings.expected_responders, true));
        missing
    }

    /// Checks, now and after each change on the bus, until `check` is content or `timeout` has
    /// passed; then its last complaint is the result.
    pub(crate) async fn wait_until<T, E>(
        &self,
        timeout: Duration,
        mut check: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let clock = &*self.settings.clock;
        let mut deadline = Deadline::after(clock, timeout);
        let mut waiting = Waiting::on(&self.changed);
        std::future::poll_fn(|context| {
            waiting.register(context);
            match check() {
                Ok(done) => Poll::Ready(Ok(done)),
                Err(complaint) => deadline.poll(clock, context).map(|()| Err(complaint)),
            }
        })
        .await
    }

    /// Ends the subscription.
    pub(crate) fn sign_out(&self, mailbox: &Mailbox) {
        self.with(|registry, aftermath| registry.sign_out(mailbox.id, aftermath));
        self.changed.notify_all();
    }

    /// Closes the bus.
    pub(crate) fn close(&self) {
        self.with(Registry::close);
        self.requests.close_all();
        self.stop_watch();
        self.changed.notify_all();
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Requests {
    /// Enters a request among the open ones.
    pub(crate) fn open(&self, ticket: Weak<dyn Ticket>) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(id, ticket);
        id
    }

    /// The request has ended.
    pub(crate) fn end(&self, id: u64) {
        let ticket = self.open.lock().remove(&id);
        if ticket.is_some() {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The open requests, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<dyn Ticket>> {
        let open = self.open.lock();
        let mut tickets: Vec<_> =
            open.iter().filter_map(|(id, ticket)| Some((*id, ticket.upgrade()?))).collect();
        drop(open);
        tickets.sort_by_key(|(id, _)| *id);
        tickets.into_iter().map(|(_, ticket)| ticket).collect()
    }

    pub(crate) fn remember(&self, trouble: TroubledRequest) {
        let mut troubles = self.troubles.lock();
        if troubles.len() == TROUBLES {
            troubles.pop_front();
        }
        troubles.push_back(trouble);
    }

    pub(crate) fn troubles(&self) -> Vec<TroubledRequest> {
        self.troubles.lock().iter().cloned().collect()
    }

    fn close_all(&self) {
        for ticket in self.list() {
            ticket.close();
        }
    }
}
