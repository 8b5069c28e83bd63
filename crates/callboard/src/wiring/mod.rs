//! The wiring graph: which component publishes, hears, asks and answers what.
//!
//! [`build`] derives it from a snapshot and the catalogue. [`mermaid`], [`dot`] and [`text`] render
//! it, with identifiers from `id`; with the feature `asyncapi`, `asyncapi` renders it as a
//! document.

#[cfg(feature = "asyncapi")]
mod asyncapi;
mod build;
mod dot;
mod id;
mod mermaid;
#[cfg(feature = "asyncapi")]
mod schema;
mod text;

use crate::bus::Bus;
use crate::catalogue::{CatalogueEntry, EventRole};
use crate::snapshot::Snapshot;

/// The components of a program, its event types, and which component publishes, hears, asks and
/// answers which type. Returned by [`Bus::wiring`].
///
/// It contains no counts, and everything is in alphabetical order, so two runs that use the bus in
/// the same way have equal wirings. A test can pin one with
/// [`assert_wiring`](crate::testing::assert_wiring).
///
/// Its `Display` is a paragraph per component. With the feature `serde` it implements `Serialize`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Wiring {
    /// The components, by name.
    pub components: Vec<WiredComponent>,
    /// The event types, by name.
    pub types: Vec<WiredType>,
    /// The relations between components and types, sorted by component, then type, then relation.
    pub edges: Vec<WiredEdge>,
}

/// A component: everything that publishes or subscribes under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WiredComponent {
    /// The component's name; [`Wiring::UNNAMED`] stands for all unnamed publications, and
    /// [`Wiring::BUS`] for the bus itself, which publishes dead letters.
    pub name: String,
    /// The patterns that it subscribes to. A pattern has an edge for each known type that it
    /// matches.
    pub patterns: Vec<String>,
    /// Whether it subscribes to everything, with [`AnyEvent`](crate::AnyEvent) or the pattern `>`.
    /// It has no edges for that.
    pub hears_everything: bool,
}

/// An event type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WiredType {
    /// The type's name on the bus.
    pub event_type: String,
    /// Whether it is an event, a request or an answer.
    pub role: EventRole,
    /// Whether an event of the type was published.
    pub seen: bool,
    /// Whether a component publishes or requests it, or declared that it would.
    pub has_publisher: bool,
    /// Whether a component hears it; one that hears everything counts. For a request, whether a
    /// component answers it.
    pub has_listener: bool,
}

/// What a component does with an event type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WiredEdge {
    /// The component's name.
    pub component: String,
    /// The type's name.
    pub event_type: String,
    /// What the component does with the type.
    pub relation: Relation,
    /// Whether the edge was seen: an event was published, or offered to the subscription. Otherwise
    /// it was only declared, by a [`Publisher`](crate::Publisher) or a subscription.
    pub seen: bool,
}

/// What a component does with an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Relation {
    /// It publishes events of the type.
    Publishes,
    /// It subscribes to the type.
    Hears,
    /// It publishes requests of the type.
    Asks,
    /// It is a responder of the type, which is a request.
    Answers,
    /// It answers requests with events of the type.
    Replies,
    /// It makes requests that are answered with events of the type.
    Collects,
}

impl Relation {
    /// Whether events go from the component to the type: it publishes, asks or replies.
    #[must_use]
    pub fn is_outgoing(self) -> bool {
        matches!(self, Self::Publishes | Self::Asks | Self::Replies)
    }

    /// The label of the edge in a drawing: "asks" for requests, "answers" for answers, and none for
    /// events.
    #[must_use]
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::Publishes | Self::Hears => None,
            Self::Asks | Self::Answers => Some("asks"),
            Self::Replies | Self::Collects => Some("answers"),
        }
    }

    /// The relation of an edge in this direction with this label.
    pub(crate) fn of(outgoing: bool, label: Option<&str>) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.is_outgoing() == outgoing && it.label() == label)
    }

    /// In the order in which the text form lists them.
    const ALL: [Self; 6] =
        [Self::Publishes, Self::Hears, Self::Asks, Self::Answers, Self::Replies, Self::Collects];
}

impl Bus {
    /// Returns the wiring of the program: its components, its event types, and which component
    /// publishes, hears, asks and answers which type.
    ///
    /// - A component is a name: that of a subscription, of a [`Publisher`](crate::Publisher), or of
    ///   the subscriber whose served handler publishes. Unnamed publications belong to the
    ///   component [`(unnamed)`](Wiring::UNNAMED).
    /// - The types are those of the [catalogue](Self::catalogue).
    /// - Edges that were declared but not seen so far are marked: a publisher that has not
    ///   published, a subscription that was offered nothing. So are orphans: types without a
    ///   publisher or without a subscriber.
    /// - Answers from a hand-written loop count for every responder that was asked, since they
    ///   carry no name.
    /// - A dropped subscription is removed. A publisher stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced;
    ///
    /// let bus = Bus::new();
    /// let _orders = bus.subscribe::<OrderPlaced>("billing");
    /// let shop = bus.publisher::<OrderPlaced>("shop");
    /// bus.start();
    /// shop.publish(OrderPlaced);
    ///
    /// let wiring = bus.wiring();
    /// assert_eq!(wiring.to_string(), "\
    /// billing
    ///   hears order.placed
    /// shop
    ///   publishes order.placed
    /// ");
    /// assert!(wiring.to_mermaid().contains("c_shop --> e_order_placed"));
    /// ```
    pub fn wiring(&self) -> Wiring {
        // Take the snapshot first, so that the catalogue knows all of its types.
        let snapshot = self.snapshot();
        Wiring::of(&snapshot, &self.catalogue())
    }
}

impl Wiring {
    /// The name of the component that stands for all publications without a name.
    pub const UNNAMED: &'static str = "(unnamed)";

    /// The name of the component that stands for the bus itself.
    pub const BUS: &'static str = "(bus)";

    /// The wiring of a snapshot. The catalogue of the same bus says which types answer which
    /// requests.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Wiring};
    ///
    /// let bus = Bus::new();
    /// assert_eq!(Wiring::of(&bus.snapshot(), &bus.catalogue()), bus.wiring());
    /// ```
    #[must_use]
    pub fn of(snapshot: &Snapshot, catalogue: &[CatalogueEntry]) -> Self {
        build::build(snapshot, catalogue)
    }

    /// Removes some components, such as a recorder or a console. Their edges are left out, and a
    /// type that only they published or heard becomes an orphan.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::Recorder;
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let _recorder = Recorder::attach(&bus);
    /// bus.start();
    /// bus.publish(Tick);
    /// let tick = |wiring: callboard::Wiring| wiring.types[0].clone();
    /// assert!(tick(bus.wiring()).has_listener);
    /// assert!(!tick(bus.wiring().without(["recorder"])).has_listener);
    /// ```
    #[must_use]
    pub fn without<'a>(mut self, components: impl IntoIterator<Item = &'a str>) -> Self {
        for name in components {
            self.components.retain(|component| component.name != name);
            self.edges.retain(|edge| edge.component != name);
        }
        self.mark_orphans();
        self
    }

    /// Marks every edge as seen, for programs in which timing decides whether an edge is used. The
    /// wiring then only depends on whether an edge was declared or seen.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let clock = bus.publisher::<Tick>("clock");
    /// bus.start();
    /// let before = bus.wiring();
    /// clock.publish(Tick);
    /// assert_ne!(before, bus.wiring());
    /// assert_eq!(before.all_seen(), bus.wiring().all_seen());
    /// ```
    #[must_use]
    pub fn all_seen(mut self) -> Self {
        self.edges.iter_mut().for_each(|edge| edge.seen = true);
        self.types.iter_mut().for_each(|of| of.seen = true);
        self
    }

    /// Sets for each type whether it has publishers and listeners, according to the edges.
    fn mark_orphans(&mut self) {
        let everything = self.components.iter().any(|component| component.hears_everything);
        for of in &mut self.types {
            let request = matches!(of.role, EventRole::Request { .. });
            of.has_publisher = false;
            of.has_listener = everything && !request;
            for edge in self.edges.iter().filter(|edge| edge.event_type == of.event_type) {
                let outgoing = edge.relation.is_outgoing();
                of.has_publisher |= outgoing;
                // Observing a request is not answering it.
                let reads = request && edge.relation == Relation::Hears;
                of.has_listener |= !outgoing && !reads;
            }
        }
    }
}

impl From<&Bus> for Wiring {
    fn from(bus: &Bus) -> Self {
        bus.wiring()
    }
}

impl WiredComponent {
    /// Notes on the component, in words.
    fn notes(&self) -> Vec<String> {
        let everything = self.hears_everything.then(|| "hears everything".to_owned());
        let patterns = self.patterns.iter().map(|pattern| format!("hears {pattern}"));
        everything.into_iter().chain(patterns).collect()
    }
}

impl WiredType {
    /// Notes on what the type lacks, in words.
    fn notes(&self) -> Vec<String> {
        let (publisher, listener) = match self.role {
            EventRole::Request { .. } => ("nobody asks", "no responder"),
            _ => ("no publisher", "no subscriber"),
        };
        let missing = [(self.has_publisher, publisher), (self.has_listener, listener)];
        let missing = missing.into_iter().filter(|(there, _)| !there);
        missing.map(|(_, what)| what.to_owned()).collect()
    }
}
