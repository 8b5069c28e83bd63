//! What every handle of a bus points to.

use std::collections::{BTreeMap, HashSet};
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::blocking::BlockingCalls;
use super::watch::{FORGOTTEN, UnstartedWatch};
use super::{
    Accepted, CloseList, Directory, Listener, Phase, Publication, Registry, Requests, Role,
};
use crate::engine::{
    BusClock, DeadLetter, Deferred, Hooks, Mailbox, Origin, Scope, SlowWatch, merge,
};
use crate::event::{Event, Priority, key_of};
use crate::link::LinkStatus;
use crate::log::{Held, Moment, Stamp};
use crate::sync::{Mutex, MutexGuard, Padded, WaitList, Waiting, discard, isolate};
use crate::time::Deadline;
use crate::trace::Context;

/// The default capacity of the buffer that holds events before the start.
pub(crate) const PRE_START_CAPACITY: usize = 1_000;

/// How many ticks of `publish_every` failed, by type and call site, and the message of the last
/// panic.
pub(crate) type FailedTicks = BTreeMap<(&'static str, &'static Location<'static>), (u64, String)>;

/// Decides whether to yield.
pub(crate) type Jitter = Box<dyn Fn() -> bool + Send + Sync>;

/// Returns the status of a link.
pub(crate) type LinkProbe = dyn Fn() -> LinkStatus + Send + Sync;

/// The settings of a bus.
pub(crate) struct CoreSettings {
    pub(crate) pre_start_capacity: usize,
    pub(crate) timestamps: bool,
    /// Whether events carry the spans of their publishers.
    pub(crate) trace: bool,
    pub(crate) clock: BusClock,
    /// Whether an async reader should yield; a simulation decides at random.
    pub(crate) jitter: Option<Jitter>,
    /// The names that must sign in before the bus is ready, and their roles.
    pub(crate) expected: Vec<(Role, String)>,
}

impl Default for CoreSettings {
    fn default() -> Self {
        Self {
            pre_start_capacity: PRE_START_CAPACITY,
            timestamps: false,
            trace: false,
            clock: BusClock::default(),
            jitter: None,
            expected: Vec::new(),
        }
    }
}

/// What every handle of a bus points to: the registry under its lock, and state that needs no lock.
pub(crate) struct Core {
    registry: Padded<Mutex<Registry>>,
    /// The index of event types, for lookups without the lock.
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: CoreSettings,
    pub(crate) hooks: Hooks,
    /// Notified of subscribers that fall behind.
    pub(crate) slow: Arc<SlowWatch>,
    /// Notified when a subscriber signs in or out or has drained, and when the bus closes.
    pub(crate) changed: Arc<WaitList>,
    pub(crate) requests: Requests,
    pub(crate) blocking_calls: Mutex<BlockingCalls>,
    /// The links to other processes, numbered in the order of registration.
    pub(crate) links: Mutex<Vec<(u64, Arc<LinkProbe>)>>,
    pub(crate) failed_ticks: Mutex<FailedTicks>,
    /// Work that ends when the bus closes.
    pub(crate) close_list: CloseList,
    pub(crate) built_at: Instant,
    /// Active while events wait for the start.
    watch: Mutex<Option<Arc<UnstartedWatch>>>,
}

impl Core {
    pub(crate) fn new(settings: CoreSettings) -> Arc<Self> {
        let directory = Arc::<Directory>::default();
        let registry = Registry::new(&settings, Arc::clone(&directory));
        Arc::new(Self {
            registry: Padded(Mutex::new(registry)),
            directory,
            hooks: Hooks::default(),
            slow: Arc::new(SlowWatch::new(settings.clock.clone())),
            changed: Arc::default(),
            requests: Requests::default(),
            blocking_calls: Mutex::default(),
            links: Mutex::default(),
            failed_ticks: Mutex::default(),
            close_list: CloseList::default(),
            built_at: settings.clock.now(),
            watch: Mutex::new(None),
            settings,
        })
    }

    #[inline]
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.0.lock()
    }

    /// Tells this bus from others while it exists.
    #[inline]
    pub(crate) fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The origin of publications on this bus in the current scope.
    #[inline]
    pub(crate) fn origin(&self) -> Origin {
        Scope::current_origin(self.identity())
    }

    /// The current time, if the bus keeps time.
    #[inline]
    pub(crate) fn moment(&self) -> Moment {
        if self.settings.timestamps { self.settings.clock.moment() } else { Moment::NONE }
    }

    /// The current time, unless the clock panics.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.settings.clock.read()
    }

    /// The age of the bus, unless the clock panics.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.now().map(|now| now.saturating_duration_since(self.built_at))
    }

    /// Runs an operation on the registry, then releases the lock and runs its deferred effects.
    #[inline(always)]
    pub(crate) fn with<R>(
        &self,
        operation: impl FnOnce(&mut Registry, &mut Deferred<'_>) -> R,
    ) -> R {
        let mut deferred = Deferred::new(&self.hooks);
        let result = operation(&mut self.registry.0.lock(), &mut deferred);
        if let Some(dead) = deferred.run(|mailbox| self.registry().oldest_of(mailbox)) {
            self.publish_dead(dead);
        }
        result
    }

    /// Publishes dead letters; their own losses are ignored.
    #[cold]
    fn publish_dead(&self, letters: Box<[DeadLetter]>) {
        for letter in letters {
            let origin = Origin::default().caused_by(letter.event().stamp().as_cause());
            let mut publication = Publication::new(letter, Priority::Normal, origin, self.moment());
            self.with(|registry, deferred| registry.accept_dead(&mut publication, deferred));
            discard(publication);
        }
    }

    /// Accepts an event and runs its deferred effects.
    // Always inlined, with the two below it: most of a publication is constant where it is made.
    #[inline(always)]
    pub(crate) fn accept<E: Event>(self: &Arc<Self>, publication: &mut Publication<E>) -> Accepted {
        let accepted = self.with(|registry, deferred| registry.accept(publication, deferred));
        if let Accepted::Buffered { mergeable, first, .. } = accepted {
            self.after_buffering(mergeable, first);
        }
        accepted
    }

    /// Publishes an answer to its observers and returns it for its asker.
    pub(crate) fn accept_answer<E: Event>(
        self: &Arc<Self>,
        answer: E,
        origin: Origin,
        published_at: Moment,
    ) -> Held {
        let priority = E::ABILITIES.rank(&answer);
        let mut publication = Publication {
            key: key_of(&answer),
            answer: true,
            keep: true,
            // Observers of the answer continue the responder's span.
            context: Context::current(self.settings.trace),
            ..Publication::new(answer, priority, origin, published_at)
        };
        self.accept(&mut publication);
        match (publication.kept, publication.event) {
            (Some(held), _) => held,
            // A bus that no longer accepts events still passes the answer to its asker.
            (None, Some(answer)) => Held::new(Stamp::new(0, origin.cause(), published_at), answer),
            (None, None) => unreachable!("an event that was taken is kept"),
        }
    }

    #[cold]
    fn after_buffering(self: &Arc<Self>, mergeable: Option<u64>, first: bool) {
        if let Some(newer) = mergeable {
            merge(|operation| operation(&mut self.registry().buffer.inbox), newer);
        }
        if first {
            self.start_watch();
        }
    }

    /// Registers a log reader that found nothing, so that the next event wakes it.
    pub(crate) fn register_waiter(&self, mailbox: &Arc<Mailbox>) {
        self.registry().register_waiter(mailbox);
    }

    fn start_watch(self: &Arc<Self>) {
        // A clock is user code and may panic; publishing must not.
        if let Some(watch) = isolate("the clock", FORGOTTEN, || UnstartedWatch::set(self)) {
            let old = self.watch.lock().replace(watch);
            if let Some(old) = old {
                old.cancel();
            }
            // A concurrent start found no watch to stop.
            if self.registry().phase != Phase::Buffering {
                self.stop_watch();
            }
        }
    }

    /// Stops the watch when the bus starts or is dropped.
    pub(crate) fn stop_watch(&self) {
        let watch = self.watch.lock().take();
        if let Some(watch) = watch {
            watch.cancel();
        }
    }

    /// The expected subscribers and responders that have not signed in.
    pub(crate) fn missing(&self) -> Vec<String> {
        let registry = self.registry();
        let mut present: HashSet<(Role, &str)> = HashSet::new();
        for Listener { mailbox, wanted, .. } in registry.listeners.values() {
            present.insert((Role::Observe, &mailbox.settings.name));
            if wanted.responds() {
                present.insert((Role::Respond, &mailbox.settings.name));
            }
        }
        let expected = self.settings.expected.iter();
        let absent = expected.filter(|(role, name)| !present.contains(&(*role, name.as_str())));
        absent.map(|(_, name)| name.clone()).collect()
    }

    /// Calls `check`, now and after each change on the bus, until it succeeds or `timeout` has
    /// passed; then its last error is the result.
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
        self.with(|registry, deferred| registry.sign_out(mailbox.id, deferred));
        self.changed.notify_all();
    }

    /// Closes the bus.
    pub(crate) fn close(&self) {
        self.with(Registry::close);
        self.requests.close_all();
        self.close_list.close();
        self.stop_watch();
        self.changed.notify_all();
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
