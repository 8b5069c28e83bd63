//! Weak handles, which do not keep the bus open.

use std::fmt;
use std::sync::{Arc, Weak};

use super::{Bus, Handle};

/// A handle that does not keep its bus open: the bus closes when its last [`Bus`] is dropped.
///
/// Use it in values that the bus itself owns, such as a drop callback, and in components that
/// should not outlive the program's own handles. Created by [`Bus::downgrade`].
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event};
///
/// #[derive(Debug, Event)]
/// struct Lost(String);
///
/// let bus = Bus::new();
/// bus.on_drop({
///     let bus = bus.downgrade();
///     move |dropped| {
///         if let Some(bus) = bus.upgrade() {
///             bus.publish(Lost(dropped.to_string()));
///         }
///     }
/// });
///
/// let weak = bus.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(bus);
/// assert!(weak.upgrade().is_none(), "the callback does not keep it open");
/// ```
#[derive(Clone)]
pub struct WeakBus {
    handle: Weak<Handle>,
}

impl WeakBus {
    /// Returns the bus, unless its last [`Bus`] was dropped. (A bus that was [closed](Bus::close)
    /// is still returned; publishing reports that it is closed.)
    #[must_use]
    pub fn upgrade(&self) -> Option<Bus> {
        self.handle.upgrade().map(|handle| Bus { handle })
    }
}

impl fmt::Debug for WeakBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.upgrade() {
            Some(bus) => f.debug_tuple("WeakBus").field(&bus).finish(),
            None => f.write_str("WeakBus(gone)"),
        }
    }
}

impl Bus {
    /// Returns a handle that does not keep the bus open.
    #[must_use]
    pub fn downgrade(&self) -> WeakBus {
        WeakBus { handle: Arc::downgrade(&self.handle) }
    }
}
