//! The builder of subscriptions with other settings than the defaults.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::{EventSet, Subscription};
use crate::engine::MailboxSettings;
use crate::event::{AnyEvent, Pattern};
use crate::overflow::{Importance, Overflow};
use crate::registry::{Core, Interest, SignIn, Wanted};
use crate::sync::Ordering;
use crate::sync::process::AtomicU64;

/// The default capacity of a subscription, in events.
pub(crate) const DEFAULT_CAPACITY: usize = 100;

/// Subscription numbers are unique in the process, since a chain of nested requests may cross
/// buses.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Opens subscriptions with other settings than the defaults. Created by
/// [`Bus::subscriber`](crate::Bus::subscriber).
///
/// Each setter documents its default. One builder can open several subscriptions; they share the
/// settings, but each has its own capacity.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event, Overflow};
///
/// #[derive(Debug, Event)]
/// struct Load(f64);
///
/// let bus = Bus::new();
/// let mut loads = bus
///     .subscriber("dashboard")
///     .capacity(1)
///     .overflow(Overflow::DropOldest)
///     .lossy()
///     .subscribe::<Load>();
/// bus.start();
/// bus.publish(Load(0.5));
/// bus.publish(Load(0.7));
/// assert_eq!(loads.try_recv().unwrap().0, 0.7);
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it ends in `subscribe` or `responder`"]
pub struct SubscriberBuilder {
    core: Arc<Core>,
    settings: MailboxSettings,
    /// How many calls the owner handles at once; `usize::MAX` if it passes them on.
    concurrency: usize,
    late: bool,
    retained: bool,
}

impl SubscriberBuilder {
    pub(crate) fn new(
        core: Arc<Core>,
        name: String,
        call_site: &'static Location<'static>,
    ) -> Self {
        let watch = Arc::clone(&core.slow);
        Self {
            core,
            settings: MailboxSettings {
                name: name.into(),
                capacity: DEFAULT_CAPACITY,
                overflow: Overflow::default(),
                importance: Importance::default(),
                call_site,
                excluded_from_settle: false,
                watch,
            },
            concurrency: 1,
            late: false,
            retained: false,
        }
    }

    /// The exact number of undelivered events the subscription may hold. Default:
    /// [`Bus::DEFAULT_CAPACITY`](crate::Bus::DEFAULT_CAPACITY).
    ///
    /// The capacity is a bound, not an allocation: a large one costs nothing until it is used. With
    /// 0, every event is dropped (and counted).
    ///
    /// Four kinds of events may exceed it: those that `start` replays,
    /// [retained](Self::with_retained) ones given to a new subscription, and coalescing events
    /// while [`absorb`](crate::Coalesce::absorb) merges them into one, or whose different
    /// [keys](crate::Coalesce::Key) have one hash.
    pub fn capacity(mut self, events: usize) -> Self {
        self.settings.capacity = events;
        self
    }

    /// What happens to an event that does not fit. Default: [`Overflow::DropNewest`].
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Declares that drops are expected: they are counted, but not reported to the drop callback.
    /// Default: drops are reported.
    pub fn lossy(mut self) -> Self {
        self.settings.importance = Importance::Lossy;
        self
    }

    /// Declares that the subscriber intentionally subscribes after the start. Default: a
    /// subscription after the start logs a warning, since it may have missed the replay.
    pub fn late(mut self) -> Self {
        self.late = true;
        self
    }

    /// Begins with the latest event of each type that [retains](crate::Abilities::retain), if there
    /// is one; implies [`late`](Self::late). Default: begins with events published from now on.
    ///
    /// This is atomic: no event is delivered twice, and none is skipped.
    pub fn with_retained(mut self) -> Self {
        (self.late, self.retained) = (true, true);
        self
    }

    /// Declares that other tasks or threads handle this responder's calls, so that it always
    /// returns for the next one. Default: it handles one at a time.
    ///
    /// This affects nested requests only: one that leads back to a responder that handles one call
    /// at a time is refused as a [`Cycle`](crate::RequestError::Cycle).
    /// [`serve_concurrent`](Subscription::serve_concurrent) sets this itself.
    pub fn concurrent(mut self) -> Self {
        self.concurrency = usize::MAX;
        self
    }

    /// Excludes the subscription from `settle`.
    pub(crate) fn excluded_from_settle(mut self) -> Self {
        self.settings.excluded_from_settle = true;
        self
    }

    /// Subscribes to an event type, to everything ([`AnyEvent`]), or to a set
    /// (`#[derive(EventSet)]`).
    #[track_caller]
    pub fn subscribe<S: EventSet>(&self) -> Subscription<S> {
        self.open(S::interest())
    }

    /// Subscribes to the events whose type names match a [`Pattern`]: `*` matches one token, `>`
    /// the rest.
    ///
    /// Subscribing never fails: an invalid pattern is reported instead (an error in the log and a
    /// [`Finding`](crate::Finding) in the diagnosis, both with the expected syntax), and the
    /// subscription matches nothing. Parse patterns from untrusted sources with [`Pattern::new`]
    /// first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # #[derive(Debug, Event)]
    /// # struct ConfigParsed;
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// let bus = Bus::new();
    /// let mut config = bus.subscriber("audit").subscribe_matching("config.*");
    /// bus.start();
    /// bus.publish(Tick);
    /// bus.publish(ConfigParsed);
    /// assert_eq!(config.try_recv().unwrap().event_type(), "config.parsed");
    /// assert!(config.is_empty());
    /// ```
    #[track_caller]
    pub fn subscribe_matching(&self, pattern: impl AsRef<str>) -> Subscription<AnyEvent> {
        let call_site = Location::caller();
        let wanted = match Pattern::new(pattern.as_ref()) {
            Ok(pattern) => Wanted::Matching(pattern),
            Err(error) => {
                crate::report::say!(
                    error,
                    "subscriber `{}` at {call_site} will receive nothing: {error}",
                    self.settings.name,
                );
                Wanted::Nothing(error)
            }
        };
        self.open(Interest(wanted))
    }

    #[track_caller]
    pub(crate) fn open<S: EventSet>(&self, interest: Interest) -> Subscription<S> {
        let call_site = Location::caller();
        let settings = MailboxSettings { call_site, ..self.settings.clone() };
        let wanted = interest.0;
        if let Some(info) = wanted.repeated() {
            crate::report::say!(
                error,
                "subscriber `{}` at {call_site} has two variants that are `{}`: the first gets them all; \
                 keep one",
                self.settings.name,
                info.rust_name(),
            );
        }
        if settings.overflow == Overflow::Coalesce && wanted.never_coalesces() {
            crate::report::say!(
                warn,
                "subscriber `{}` at {call_site} is to coalesce, but no event of its types has a key: \
                 what does not fit is dropped; implement `Coalesce` for one, or choose another overflow",
                self.settings.name,
            );
        }
        let (one_type, retained) = (S::TAKES_LOGGED, self.retained);
        let changed = Arc::clone(&self.core.changed);
        // Before locking, since a clock is user code.
        let signed_in = self.core.age().unwrap_or_default().as_nanos();
        let signed_in = u64::try_from(signed_in).unwrap_or(u64::MAX);
        let (reader, late) = self.core.with(|registry, deferred| {
            // While the lock is held, so that the numbers of one bus ascend.
            let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
            let late = registry.first_start.is_some() && !self.late;
            let concurrency = self.concurrency;
            let signing = SignIn {
                settings,
                concurrency,
                wanted,
                one_type,
                late,
                signed_in,
                retained,
                changed,
            };
            (registry.sign_in(id, signing, deferred), late)
        });
        let subscription = Subscription::new(Arc::clone(&self.core), reader);
        self.core.changed.notify_all();
        if late {
            crate::report::say!(
                warn,
                "subscriber `{}` at {call_site} came after the start and may have missed events; \
                 subscribe before `start`, or say `.late()`",
                self.settings.name,
            );
        }
        subscription
    }
}

impl fmt::Debug for SubscriberBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MailboxSettings { name, capacity, overflow, importance, .. } = &self.settings;
        f.debug_struct("SubscriberBuilder")
            .field("name", name)
            .field("capacity", capacity)
            .field("overflow", overflow)
            .field("importance", importance)
            .finish_non_exhaustive()
    }
}
