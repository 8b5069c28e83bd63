//! What the bus knows of an event type once the type itself is erased.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use super::{Event, Key};
use crate::sync::isolate;

/// An event without its type.
pub(crate) type Payload = Arc<dyn Any + Send + Sync>;

/// One event type, erased.
pub(crate) struct TypeInfo {
    id: fn() -> TypeId,
    rust_name: fn() -> &'static str,
    debug: fn(&Payload, &mut fmt::Formatter<'_>) -> fmt::Result,
    absorb: Option<fn(&Payload, &Payload) -> Option<Payload>>,
    pub(crate) name: &'static str,
    /// Bytes of the value itself, without what it owns elsewhere.
    pub(crate) size: usize,
    pub(crate) retain: bool,
    pub(crate) request: bool,
}

impl TypeInfo {
    pub(crate) const fn of<E: Event>() -> &'static Self {
        const {
            &Self {
                id: TypeId::of::<E>,
                rust_name: std::any::type_name::<E>,
                debug: |event, f| match event.downcast_ref::<E>() {
                    Some(event) => fmt::Debug::fmt(event, f),
                    None => Err(fmt::Error),
                },
                absorb: match E::ABILITIES.coalescing {
                    Some(_) => Some(absorb::<E>),
                    None => None,
                },
                name: E::TYPE,
                size: size_of::<E>(),
                retain: E::ABILITIES.retain,
                request: E::ABILITIES.request,
            }
        }
    }

    pub(crate) fn id(&self) -> TypeId {
        (self.id)()
    }

    pub(crate) fn rust_name(&self) -> &'static str {
        (self.rust_name)()
    }

    pub(crate) fn debug(&self, event: &Payload, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.debug)(event, f)
    }

    /// What stands for both events: `newer` itself unless the type merges them into a third.
    /// Runs the user's code.
    pub(crate) fn absorb(&self, newer: &Payload, older: &Payload) -> Payload {
        self.absorb
            .and_then(|absorb| isolate("Coalesce::absorb", || absorb(newer, older)).flatten())
            .unwrap_or_else(|| Arc::clone(newer))
    }
}

impl fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn absorb<E: Event>(newer: &Payload, older: &Payload) -> Option<Payload> {
    let coalescing = E::ABILITIES.coalescing.as_ref()?.absorb;
    let merged = coalescing(newer.downcast_ref()?, older.downcast_ref()?)?;
    Some(Arc::new(merged))
}

/// The event's coalescing key, if its type has them. Runs the user's code.
pub(crate) fn key_of<E: Event>(event: &E) -> Option<Key> {
    let coalescing = E::ABILITIES.coalescing.as_ref()?.key;
    isolate("Coalesce::key", || coalescing(event))
}
