//! Named publishers.

use std::fmt;
use std::marker::PhantomData;
use std::ops::AddAssign;
use std::sync::Arc;

use crate::bus::{Bus, publish, publish_batch};
use crate::engine::Origin;
use crate::event::{Cause, Event};
use crate::published::Published;
use crate::registry::Core;

/// How many events are published in one critical section, so that the lock is not held for long.
const BATCH: usize = 64;

/// One component's handle for publishing events of one type. Created by [`Bus::publisher`].
///
/// Its publications are counted under its name: the [snapshot](crate::Snapshot) lists the
/// publishers of each type. Like any clone of the bus, it keeps the bus open.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Tick(u32);
///
/// let bus = Bus::new();
/// let mut ticks = bus.subscribe::<Tick>("clock");
/// let metronome = bus.publisher::<Tick>("metronome");
/// bus.start();
/// metronome.publish(Tick(0));
/// let all = metronome.publish_all((1..=3).map(Tick));
/// assert_eq!((all.events(), all.delivered()), (3, 3));
/// assert!(ticks.try_iter().map(|tick| tick.0).eq(0..=3));
///
/// let snapshot = bus.snapshot();
/// let publishers = &snapshot.event_type("tick").unwrap().publishers;
/// assert_eq!((publishers[0].name.as_str(), publishers[0].published), ("metronome", 4));
/// ```
pub struct Publisher<E: Event> {
    bus: Bus,
    name: Arc<str>,
    number: u32,
    event: PhantomData<fn(E)>,
}

impl Bus {
    /// Returns a handle for publishing events of one type under the name of a component.
    ///
    /// Without one, publications of a served handler count for its subscriber, and all others are
    /// unnamed. Several handles may share a name.
    pub fn publisher<E: Event>(&self, name: impl Into<String>) -> Publisher<E> {
        let name: Arc<str> = name.into().into();
        let number =
            self.core().with(|registry, deferred| registry.declare_publisher::<E>(&name, deferred));
        Publisher { bus: self.clone(), name, number, event: PhantomData }
    }
}

impl<E: Event> Publisher<E> {
    pub(crate) fn core(&self) -> &Arc<Core> {
        self.bus.core()
    }

    /// The component's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Publishes an event, as [`Bus::publish`] does.
    #[inline]
    pub fn publish(&self, event: E) -> Published {
        let priority = E::ABILITIES.rank(&event);
        publish(self.bus.core(), event, priority, self.origin())
    }

    /// Publishes an event with its cause, as [`Bus::publish_caused_by`] does.
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
    /// let worker = bus.publisher::<Done>("worker");
    /// bus.start();
    /// bus.publish(Asked);
    /// let cause = asked.try_recv().unwrap();
    /// worker.publish_caused_by(Done, &cause);
    /// assert_eq!(done.try_recv().unwrap().cause(), Some(cause.sequence()));
    /// assert!(bus.wiring().to_string().contains("worker\n  publishes done\n"));
    /// ```
    pub fn publish_caused_by(&self, event: E, cause: impl Into<Cause>) -> Published {
        let priority = E::ABILITIES.rank(&event);
        let origin = self.origin().caused_by(cause.into().0);
        publish(self.bus.core(), event, priority, origin)
    }

    /// Publishes events in order, and returns the sum of their results.
    ///
    /// They are collected into batches of up to 64. Where possible, each batch is published in one
    /// critical section: no other event comes in between, and every reader is woken once. The
    /// iterator runs with no lock held. If it panics, the previous batches are published, and the
    /// events of the last one are dropped.
    pub fn publish_all(&self, events: impl IntoIterator<Item = E>) -> PublishedAll {
        let mut events = events.into_iter();
        let mut all = PublishedAll::default();
        loop {
            let batch: Vec<E> = events.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return all;
            }
            publish_batch(self.bus.core(), batch, self.origin(), |published| all += published);
        }
    }

    /// The origin of its publications: within a handler, that handler's event.
    #[inline]
    pub(crate) fn origin(&self) -> Origin {
        self.bus.core().origin().published_by(self.number)
    }
}

impl<E: Event> Clone for Publisher<E> {
    fn clone(&self) -> Self {
        let name = Arc::clone(&self.name);
        Self { bus: self.bus.clone(), name, number: self.number, event: PhantomData }
    }
}

impl<E: Event> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("name", &self.name).field("event", &E::TYPE).finish()
    }
}

/// The combined outcome of several published events; see [`Publisher::publish_all`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublishedAll {
    events: usize,
    delivered: usize,
    dropped: usize,
    buffered: usize,
    closed: usize,
}

impl PublishedAll {
    /// How many events were published.
    pub fn events(&self) -> usize {
        self.events
    }

    /// The sum of the events' [`Published::delivered`].
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// How many events subscribers lost by this call; see [`Published::dropped`].
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many of the events are buffered until the start.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// How many of the events were refused because the bus is closed, or being drained.
    pub fn closed(&self) -> usize {
        self.closed
    }
}

impl AddAssign<Published> for PublishedAll {
    fn add_assign(&mut self, published: Published) {
        self.events += 1;
        self.delivered += published.delivered();
        self.dropped += published.dropped();
        self.buffered += usize::from(published.buffered());
        self.closed += usize::from(published.closed());
    }
}
