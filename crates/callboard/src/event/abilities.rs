//! What an event type can do beyond being published.

use std::fmt;

use super::coalesce::Coalescing;
use super::{Coalesce, Contract, Event, TypeInfo};

/// How urgent an event is. In each subscriber's queue, a more urgent event overtakes less urgent
/// ones.
///
/// Events of one priority stay in order. Priority is strict: while a subscriber has urgent events
/// queued, it receives no others. It makes no room: a full subscription that drops the newest drops an
/// urgent event, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Priority {
    /// After everything else.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Before everything else.
    High,
}

impl Priority {
    pub(crate) const COUNT: usize = 3;

    /// The lane of a queue that events of this priority wait in; lane 0 is served first.
    pub(crate) const fn lane(self) -> usize {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        })
    }
}

/// What an event type can do beyond being published.
///
/// `#[derive(Event)]` generates this from the `#[event(…)]` attribute; a manual implementation
/// looks the same:
///
/// # Examples
///
/// ```
/// use callboard::{Abilities, Bus, Event, Priority};
///
/// #[derive(Debug)]
/// struct LeaderElected(&'static str);
///
/// impl Event for LeaderElected {
///     const TYPE: &'static str = "leader.elected";
///     const ABILITIES: Abilities<Self> = Abilities::new().priority(Priority::High).retain();
/// }
///
/// let bus = Bus::new();
/// bus.start();
/// bus.publish(LeaderElected("a"));
/// let mut leader = bus.subscriber("late").late().with_retained().subscribe::<LeaderElected>();
/// assert_eq!(leader.try_recv().unwrap().0, "a");
/// ```
pub struct Abilities<E> {
    ranking: Ranking<E>,
    pub(crate) retain: bool,
    /// The type of the answers, if the events are requests. It is a function, since the types of a
    /// request and its answer may refer to each other.
    pub(crate) response: Option<fn() -> &'static TypeInfo>,
    pub(crate) coalescing: Option<Coalescing<E>>,
    pub(crate) contract: &'static Contract,
    /// Returns the JSON Schema of the type.
    #[cfg(feature = "schemars")]
    pub(crate) schema: Option<fn() -> serde_json::Value>,
    /// Whether the bus itself publishes the events.
    pub(crate) of_the_bus: bool,
}

enum Ranking<E> {
    Fixed(Priority),
    ByValue(fn(&E) -> Priority),
}

impl<E> Abilities<E> {
    /// No abilities: normal priority, not retained, not coalescing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ranking: Ranking::Fixed(Priority::Normal),
            retain: false,
            response: None,
            coalescing: None,
            contract: &Contract::EMPTY,
            #[cfg(feature = "schemars")]
            schema: None,
            of_the_bus: false,
        }
    }

    /// Every event of the type has this priority. Attribute: `priority = high`.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.ranking = Ranking::Fixed(priority);
        self
    }

    /// Each event's priority is computed from its value. Attribute: `priority = Self::urgency`.
    ///
    /// A `rank` that panics counts as [`Priority::Normal`].
    #[must_use]
    pub const fn priority_by(mut self, rank: fn(&E) -> Priority) -> Self {
        self.ranking = Ranking::ByValue(rank);
        self
    }

    /// The bus keeps the latest event of the type, for subscribers that ask for it with
    /// [`with_retained`](crate::SubscriberBuilder::with_retained). Attribute: `retain`.
    #[must_use]
    pub const fn retain(mut self) -> Self {
        self.retain = true;
        self
    }

    /// The documentation of the type, which [`Bus::catalogue`](crate::Bus::catalogue) lists. The
    /// derive generates it from the doc comments.
    #[must_use]
    pub const fn contract(mut self, contract: &'static Contract) -> Self {
        self.contract = contract;
        self
    }

    /// The bus itself publishes the events, so a program that never does is correct.
    pub(crate) const fn of_the_bus(mut self) -> Self {
        self.of_the_bus = true;
        self
    }

    pub(crate) const fn answered_by(mut self, response: fn() -> &'static TypeInfo) -> Self {
        self.response = Some(response);
        self
    }

    /// The priority of all events of the type; `None` if it is computed from each value.
    pub(crate) const fn fixed_priority(&self) -> Option<Priority> {
        match self.ranking {
            Ranking::Fixed(priority) => Some(priority),
            Ranking::ByValue(_) => None,
        }
    }

    /// The priority of all events of the type, or the default if it is computed from each value.
    pub(crate) const fn fixed_rank(&self) -> Priority {
        match self.fixed_priority() {
            Some(priority) => priority,
            None => Priority::Normal,
        }
    }

    #[inline]
    pub(crate) fn rank(&self, event: &E) -> Priority {
        match self.ranking {
            Ranking::Fixed(priority) => priority,
            Ranking::ByValue(rank) => {
                let what = "the function of `priority_by`";
                let then = "the event has normal priority";
                crate::sync::isolate(what, then, || rank(event)).unwrap_or_default()
            }
        }
    }
}

impl<E: Coalesce + Event> Abilities<E> {
    /// Events of the type coalesce by their key (see [`Coalesce`]). The derive detects the
    /// implementation.
    #[must_use]
    pub const fn coalesce(mut self) -> Self {
        self.coalescing = Some(Coalescing::of());
        self
    }
}

impl<E> Default for Abilities<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Abilities<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let priority: &dyn fmt::Debug = match &self.ranking {
            Ranking::Fixed(priority) => priority,
            Ranking::ByValue(_) => &"by value",
        };
        f.debug_struct("Abilities")
            .field("priority", priority)
            .field("retain", &self.retain)
            .field("coalesce", &self.coalescing.is_some())
            .finish()
    }
}
