//! The catalogue of a program's event types, with their documentation.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::bus::Bus;
use crate::event::{FieldContract, Priority, TypeInfo, VariantContract};
use crate::subscription::EventSet;

/// One event type with its contract. Returned by [`Bus::catalogue`].
///
/// Its `Display` is one line: the name, the role and the first paragraph of the documentation. With
/// the feature `serde` it implements `Serialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CatalogueEntry {
    /// The type's name on the bus.
    pub event_type: &'static str,
    /// The type's Rust name.
    pub rust_type: &'static str,
    /// Whether it is an event, a request or an answer.
    pub role: EventRole,
    /// The type's doc comment, as markdown; empty if there is none, or if a manual implementation
    /// of `Event` has no [`Contract`](crate::Contract).
    pub doc: &'static str,
    /// The fields of a struct, in the order of the source.
    pub fields: &'static [FieldContract],
    /// The variants of an enum, in the order of the source.
    pub variants: &'static [VariantContract],
    /// The priority of its events; `None` if it is computed from each value.
    pub priority: Option<Priority>,
    /// Whether the bus keeps the latest event for late subscribers.
    pub retained: bool,
    /// Whether its events [coalesce](crate::Coalesce).
    pub coalesces: bool,
    /// The JSON Schema of the type, if it [offers one](crate::Abilities::schema).
    #[cfg(feature = "schemars")]
    pub schema: Option<serde_json::Value>,
}

/// The role of an event type among the others. Types are named as on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum EventRole {
    /// A plain event.
    Event,
    /// A request, even if it also answers another request.
    Request {
        /// The type of the answers.
        response: &'static str,
    },
    /// An answer.
    Response {
        /// The types of the requests that it answers, in alphabetical order. It may also be
        /// published without a request.
        requests: Vec<&'static str>,
    },
}

impl Bus {
    /// Returns every event type that the bus knows, with its contract, sorted by name.
    ///
    /// The bus knows a type once it was subscribed to (by itself or in a set), published,
    /// requested, or [declared](Self::declare), and it knows the responses of all known requests.
    /// It never forgets a type. [`Contract`](crate::Contract) describes what a contract contains.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Request};
    ///
    /// /// Asks a warehouse how many it has.
    /// #[derive(Debug, Request)]
    /// #[request(type = "stock.ask", response = StockCounted)]
    /// struct AskStock {
    ///     /// The number in the price list.
    ///     item: u32,
    /// }
    ///
    /// /// How many there are.
    /// #[derive(Debug, Event)]
    /// #[event(type = "stock.counted")]
    /// struct StockCounted(u32);
    ///
    /// let bus = Bus::new();
    /// let _warehouse = bus.responder::<AskStock>("warehouse");
    ///
    /// let catalogue = bus.catalogue();
    /// let lines: Vec<String> = catalogue.iter().map(ToString::to_string).collect();
    /// assert_eq!(lines, [
    ///     "`stock.ask` (request, answered by `stock.counted`): Asks a warehouse how many it has.",
    ///     "`stock.counted` (response to `stock.ask`): How many there are.",
    /// ]);
    /// let item = &catalogue[0].fields[0];
    /// assert_eq!((item.name, item.rust_type, item.doc), ("item", "u32", "The number in the price list."));
    /// ```
    pub fn catalogue(&self) -> Vec<CatalogueEntry> {
        let mut types: Vec<_> = self.core().registry().types.iter().map(|it| it.info).collect();
        add_responses(&mut types);
        types.sort_by_key(|info| (info.name, info.rust_name()));
        let mut requests = HashMap::<_, Vec<_>>::new();
        for info in &types {
            if let Some(response) = info.response() {
                requests.entry(response.id()).or_default().push(info.name);
            }
        }
        let entry = |info: &&'static TypeInfo| {
            let role = match (info.response(), requests.remove(&info.id())) {
                (Some(response), _) => EventRole::Request { response: response.name },
                (None, Some(requests)) => EventRole::Response { requests },
                (None, None) => EventRole::Event,
            };
            CatalogueEntry::new(info, role)
        };
        types.iter().map(entry).collect()
    }

    /// Makes event types known to the bus, for [`catalogue`](Self::catalogue), without subscribing
    /// to them.
    ///
    /// `S` is an event type or a set, so a program can keep one enum that lists all its events.
    /// [`AnyEvent`](crate::AnyEvent) declares nothing. The types appear in
    /// [`snapshot`](Self::snapshot). Nothing else changes: delivery is the same, and
    /// [`diagnose`](Self::diagnose) reports a type that was only declared only if it shares its
    /// name with another type. Declaring a type twice has no effect.
    ///
    /// The derives do not declare their types automatically: that would need code that the linker
    /// collects or that runs before `main`, does not work on all platforms, and would list the
    /// types of every linked crate on every bus of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Delivery, Event, EventSet};
    ///
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced;
    /// #[derive(Debug, Event)]
    /// struct OrderPaid;
    ///
    /// #[derive(Debug, EventSet)]
    /// enum AllEvents {
    ///     Placed(Delivery<OrderPlaced>),
    ///     Paid(Delivery<OrderPaid>),
    /// }
    ///
    /// let bus = Bus::new();
    /// bus.declare::<AllEvents>();
    /// let names: Vec<_> = bus.catalogue().iter().map(|entry| entry.event_type).collect();
    /// assert_eq!(names, ["order.paid", "order.placed"]);
    /// assert!(bus.diagnose().findings.is_empty());
    /// ```
    pub fn declare<S: EventSet>(&self) {
        let wanted = S::interest().0;
        self.core().with(|registry, deferred| registry.declare(&wanted, deferred));
    }
}

/// Adds the responses of the requests among `types`, recursively.
fn add_responses(types: &mut Vec<&'static TypeInfo>) {
    let mut known: HashSet<_> = types.iter().map(|info| info.id()).collect();
    let mut next = 0;
    while let Some(info) = types.get(next) {
        types.extend(info.response().filter(|response| known.insert(response.id())));
        next += 1;
    }
}

impl CatalogueEntry {
    fn new(info: &'static TypeInfo, role: EventRole) -> Self {
        Self {
            event_type: info.name,
            rust_type: info.rust_name(),
            role,
            doc: info.contract.doc,
            fields: info.contract.fields,
            variants: info.contract.variants,
            priority: info.priority,
            retained: info.retain,
            coalesces: info.coalesces(),
            #[cfg(feature = "schemars")]
            schema: info.schema(),
        }
    }
}

impl fmt::Display for CatalogueEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.event_type, self.role)?;
        let summary = self.doc.lines().map(str::trim).take_while(|line| !line.is_empty());
        for (number, line) in summary.enumerate() {
            write!(f, "{}{line}", if number == 0 { ": " } else { " " })?;
        }
        Ok(())
    }
}

impl fmt::Display for EventRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event => f.write_str("event"),
            Self::Request { response } => write!(f, "request, answered by `{response}`"),
            Self::Response { requests } => write!(f, "response to `{}`", requests.join("`, `")),
        }
    }
}
