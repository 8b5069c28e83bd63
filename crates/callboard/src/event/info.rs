//! Type-erased information about event types.

use std::any::TypeId;
use std::fmt;

use super::{Contract, Event, Key, Priority};
use crate::log::{Held, Shape};
use crate::sync::isolate;

/// One event type, erased.
pub(crate) struct TypeInfo {
    id: fn() -> TypeId,
    rust_name: fn() -> &'static str,
    debug: fn(&Held, &mut fmt::Formatter<'_>) -> fmt::Result,
    coalescing: Option<Coalescing>,
    pub(crate) shape: &'static Shape,
    pub(crate) name: &'static str,
    /// The priority of all its events, or the default if it is computed from each value.
    pub(crate) rank: Priority,
    /// Bytes of the value itself, without heap data.
    pub(crate) size: usize,
    pub(crate) retain: bool,
    /// The priority of all its events; `None` if it is computed from each value.
    pub(crate) priority: Option<Priority>,
    pub(crate) contract: &'static Contract,
    response: Option<fn() -> &'static Self>,
    #[cfg(feature = "schemars")]
    schema: Option<fn() -> serde_json::Value>,
    /// Whether the bus itself publishes the events.
    pub(crate) of_the_bus: bool,
}

/// How its events are merged, if they have keys.
struct Coalescing {
    equal: fn(&Held, &Held) -> bool,
    absorb: fn(&Held, &Held) -> Option<Held>,
}

impl TypeInfo {
    pub(crate) const fn of<E: Event>() -> &'static Self {
        const {
            &Self {
                id: TypeId::of::<E>,
                rust_name: std::any::type_name::<E>,
                debug: |event, f| match event.get::<E>() {
                    Some(event) => fmt::Debug::fmt(event, f),
                    None => Err(fmt::Error),
                },
                coalescing: match E::ABILITIES.coalescing {
                    Some(_) => {
                        Some(Coalescing { equal: have_equal_keys::<E>, absorb: absorb::<E> })
                    }
                    None => None,
                },
                shape: Shape::of::<E>(),
                name: E::TYPE,
                rank: E::ABILITIES.fixed_rank(),
                size: size_of::<E>(),
                retain: E::ABILITIES.retain,
                priority: E::ABILITIES.fixed_priority(),
                contract: E::ABILITIES.contract,
                response: E::ABILITIES.response,
                #[cfg(feature = "schemars")]
                schema: E::ABILITIES.schema,
                of_the_bus: E::ABILITIES.of_the_bus,
            }
        }
    }

    pub(crate) fn id(&self) -> TypeId {
        (self.id)()
    }

    pub(crate) fn rust_name(&self) -> &'static str {
        (self.rust_name)()
    }

    pub(crate) fn debug(&self, event: &Held, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.debug)(event, f)
    }

    /// Whether its events are requests.
    pub(crate) fn is_request(&self) -> bool {
        self.response.is_some()
    }

    /// The type of the answers, if its events are requests.
    pub(crate) fn response(&self) -> Option<&'static Self> {
        self.response.map(|response| response())
    }

    /// The JSON Schema of the type, if it has one. Runs user code.
    #[cfg(feature = "schemars")]
    pub(crate) fn schema(&self) -> Option<serde_json::Value> {
        isolate("the schema of an event type", "the catalogue does without it", self.schema?)
    }

    /// Whether its events have keys, by which they coalesce.
    pub(crate) fn coalesces(&self) -> bool {
        self.coalescing.is_some()
    }

    /// Merges two events whose keys have one hash: into `newer` itself unless the type merges both
    /// into a third. `None` if the keys differ. Runs user code.
    pub(crate) fn merge(&self, newer: &Held, older: &Held) -> Option<Held> {
        let Coalescing { equal, absorb } = self.coalescing.as_ref()?;
        let what = format_args!("`Coalesce::key` of `{}`", self.name);
        if !isolate(what, "the two events stay apart", || equal(newer, older)).unwrap_or(false) {
            return None;
        }
        let what = format_args!("`Coalesce::absorb` of `{}`", self.name);
        let merged = isolate(what, "the newer event stands for both", || absorb(newer, older));
        Some(merged.flatten().unwrap_or_else(|| newer.clone()))
    }
}

impl fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn have_equal_keys<E: Event>(one: &Held, other: &Held) -> bool {
    let (Some(one), Some(other)) = (one.get::<E>(), other.get()) else { return false };
    E::ABILITIES.coalescing.as_ref().is_some_and(|coalescing| (coalescing.equal)(one, other))
}

fn absorb<E: Event>(newer: &Held, older: &Held) -> Option<Held> {
    let coalescing = E::ABILITIES.coalescing.as_ref()?.absorb;
    let merged = coalescing(newer.get()?, older.get()?)?;
    Some(Held::new(*newer.stamp(), merged))
}

/// The event's coalescing key, if its type has keys. Runs user code.
pub(crate) fn key_of<E: Event>(event: &E) -> Option<Key> {
    let coalescing = E::ABILITIES.coalescing.as_ref()?.key;
    isolate(
        format_args!("`Coalesce::key` of `{}`", E::TYPE),
        "the event coalesces with no other",
        || coalescing(event),
    )
}

/// Describes two Rust types by name. Types of two versions of one crate have the same name.
pub(crate) fn two_types(first: &str, second: &str) -> String {
    if first == second {
        format!("two types `{first}`, as two versions of a crate have them")
    } else {
        format!("`{first}` and `{second}`")
    }
}
