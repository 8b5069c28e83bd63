//! The bus: publishing and subscribing.

mod publish;
mod weak;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::engine::{DeadLetter, Slow, kept};
use crate::event::{Cause, Delivery, Event, Priority, Receipt, TypeInfo};
use crate::overflow::Dropped;
use crate::published::Published;
use crate::registry::{Core, CoreSettings, PRE_START_CAPACITY, Phase};
use crate::subscription::{DEFAULT_CAPACITY, EventSet, SubscriberBuilder, Subscription};

pub(crate) use publish::{publish, publish_batch};
pub use weak::WeakBus;

/// An event bus. It is cheap to clone; all clones are the same bus.
///
/// A bus begins by buffering: published events are kept until [`start`](Self::start), and then
/// delivered, in order, to all current subscribers. When the last clone is dropped, the bus closes.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// #[event(type = "config.parsed")]
/// struct ConfigParsed { version: u64 }
///
/// # callboard::testing::block_on(async {
/// let bus = Bus::new();
/// let mut configs = bus.subscribe::<ConfigParsed>("reconciler");
/// bus.publish(ConfigParsed { version: 1 });      // buffered: the bus has not started
/// bus.start();                                   // replayed, in order, to everyone
/// assert_eq!(configs.recv().await.unwrap().version, 1);
/// # });
/// ```
#[derive(Clone)]
pub struct Bus {
    handle: Arc<Handle>,
}

/// Shared by the clones of a bus, but not by its subscriptions. Dropping the last clone closes the
/// bus.
struct Handle {
    core: Arc<Core>,
}

impl Bus {
    /// The default capacity of a subscription, in events.
    pub const DEFAULT_CAPACITY: usize = DEFAULT_CAPACITY;

    /// The default capacity of the buffer that holds events before the start, in events.
    pub const DEFAULT_PRE_START_CAPACITY: usize = PRE_START_CAPACITY;

    /// Creates a bus with the default settings. For other settings, see [`Bus::builder`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_settings(CoreSettings::default())
    }

    pub(crate) fn with_settings(settings: CoreSettings) -> Self {
        Self { handle: Arc::new(Handle { core: Core::new(settings) }) }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    /// Publishes an event. This never blocks on a subscriber, never fails and never panics.
    ///
    /// The returned report may be ignored: drops are counted, and critical ones are reported to the
    /// drop callback.
    pub fn publish<E: Event>(&self, event: E) -> Published {
        let priority = E::ABILITIES.rank(&event);
        publish(self.core(), event, priority, self.core().origin())
    }

    /// Publishes an event with another priority than its type's.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Priority};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick(u32);
    ///
    /// let bus = Bus::new();
    /// let mut ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.publish(Tick(1));
    /// bus.publish_with(Tick(2), Priority::High);
    /// assert_eq!(ticks.try_recv().unwrap().0, 2);
    /// ```
    pub fn publish_with<E: Event>(&self, event: E, priority: Priority) -> Published {
        publish(self.core(), event, priority, self.core().origin())
    }

    /// Publishes an event with its cause: a reference to the received event, or its
    /// [`sequence`](crate::Delivery::sequence). For hand-written loops: inside a handler run by
    /// [`serve`](Subscription::serve), a plain [`publish`](Self::publish) sets the cause itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Asked;
    /// #[derive(Debug, Event)]
    /// struct Done;
    ///
    /// let bus = Bus::new();
    /// let (mut asked, mut done) = (bus.subscribe::<Asked>("worker"), bus.subscribe::<Done>("log"));
    /// bus.start();
    /// bus.publish(Asked);
    /// let cause = asked.try_recv().unwrap();
    /// bus.publish_caused_by(Done, &cause);
    /// assert_eq!(done.try_recv().unwrap().cause(), Some(cause.sequence()));
    /// ```
    pub fn publish_caused_by<E: Event>(&self, event: E, cause: impl Into<Cause>) -> Published {
        let priority = E::ABILITIES.rank(&event);
        let origin = self.core().origin().caused_by(cause.into().0);
        publish(self.core(), event, priority, origin)
    }

    /// Subscribes with the defaults: capacity [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY),
    /// drop-newest, critical. For other settings, see [`subscriber`](Self::subscriber).
    ///
    /// `S` is an event type, [`AnyEvent`](crate::AnyEvent), or a set (see [`EventSet`]).
    #[track_caller]
    pub fn subscribe<S: EventSet>(&self, name: impl Into<String>) -> Subscription<S> {
        self.subscriber(name).subscribe()
    }

    /// Returns a builder for subscriptions with other settings.
    ///
    /// A name is any text, and several subscriptions may share one. It is shown unchanged, except
    /// in the log, where control characters are escaped.
    #[track_caller]
    pub fn subscriber(&self, name: impl Into<String>) -> SubscriberBuilder {
        SubscriberBuilder::new(Arc::clone(self.core()), name.into(), Location::caller())
    }

    /// The phase the bus is in.
    pub fn phase(&self) -> Phase {
        self.core().registry().phase
    }

    /// The latest event of a type that [retains](crate::Abilities::retain), if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// #[event(retain)]
    /// struct Leader(&'static str);
    ///
    /// let bus = Bus::new();
    /// bus.start();
    /// bus.publish(Leader("a"));
    /// assert_eq!(bus.retained::<Leader>().unwrap().0, "a");
    /// ```
    pub fn retained<E: Event>(&self) -> Option<Delivery<E>> {
        let registry = self.core().registry();
        let held = registry.find(TypeInfo::of::<E>())?.retained.as_ref()?.held.clone();
        drop(registry);
        Some(Delivery::new(kept(held), Receipt::default()))
    }

    /// Sets the drop callback, which is called once for each event that a critical subscription
    /// loses. It replaces the previous one.
    ///
    /// It runs on the thread whose operation dropped the event, with no lock held, and may use the
    /// bus. If it panics, it is still called for the next drop. Drops that it causes itself are
    /// counted, but not reported to it. The bus owns the callback: if it captures a clone of the
    /// bus, dropping the last other clone does not close the bus, so call [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    /// use std::sync::{Arc, Mutex};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let drops = Arc::new(Mutex::new(Vec::new()));
    /// bus.on_drop({
    ///     let drops = Arc::clone(&drops);
    ///     move |dropped| drops.lock().unwrap().push(dropped.to_string())
    /// });
    /// let _ticks = bus.subscriber("clock").capacity(1).subscribe::<Tick>();
    /// bus.start();
    /// bus.publish(Tick);
    /// bus.publish(Tick);
    /// assert_eq!(*drops.lock().unwrap(), ["`tick` #2 for `clock` dropped: full (capacity 1)"]);
    /// ```
    pub fn on_drop(&self, callback: impl Fn(&Dropped) + Send + Sync + 'static) {
        self.core().hooks.set_on_drop(Arc::new(callback));
    }

    /// Sets the slow callback, which is called once when a subscriber falls behind (it is full and
    /// loses an event), and once when it has caught up (it finds its queue empty). It replaces the
    /// previous one. Lossy subscribers are not reported.
    ///
    /// It runs with no lock held, on the thread that published the event or found the queue empty;
    /// otherwise it is like the callback of [`on_drop`](Self::on_drop). The same reports go to
    /// `tracing` under the target `callboard`, less and less often for a subscriber that repeatedly
    /// falls behind.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    /// use std::sync::{Arc, Mutex};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let told = Arc::new(Mutex::new(Vec::new()));
    /// bus.on_slow({
    ///     let told = Arc::clone(&told);
    ///     move |slow| told.lock().unwrap().push((slow.has_caught_up(), slow.queued()))
    /// });
    /// let mut ticks = bus.subscriber("clock").capacity(2).subscribe::<Tick>();
    /// bus.start();
    /// for _ in 0..9 {
    ///     bus.publish(Tick);
    /// }
    /// while ticks.try_recv().is_ok() {}
    /// assert_eq!(*told.lock().unwrap(), [(false, 2), (true, 0)]);
    /// ```
    pub fn on_slow(&self, callback: impl Fn(&Slow) + Send + Sync + 'static) {
        self.core().slow.set(Arc::new(callback));
    }

    /// Subscribes to events that a subscriber lost or that have no subscriber, for debugging. The
    /// subscription is lossy and may be opened after the start. To set its capacity, or to receive
    /// dead letters in a set, subscribe to [`DeadLetter`] like any other event.
    #[track_caller]
    pub fn dead_letters(&self, name: impl Into<String>) -> Subscription<DeadLetter> {
        self.subscriber(name).lossy().late().subscribe()
    }
}

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, draining) = {
            let registry = self.core().registry();
            (registry.phase, registry.draining)
        };
        let mut shown = f.debug_struct("Bus");
        shown.field("phase", &phase);
        if draining && phase != Phase::Closed {
            shown.field("draining", &true);
        }
        shown.finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let (waiting, never_started) = {
            let registry = self.core.registry();
            (registry.buffer.describe(), registry.first_start.is_none())
        };
        if let Some(waiting) = waiting {
            let why = if never_started { "never started" } else { "paused" };
            crate::report::say!(
                warn,
                "a bus that was {why} is dropped with events waiting: {waiting}; call `start`"
            );
        }
        self.core.close();
    }
}
