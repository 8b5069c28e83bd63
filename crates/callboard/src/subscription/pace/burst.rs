//! Several items merged into one.

use std::ops::Deref;

/// The latest of several consecutive items; see [`Paced`](super::Paced). It dereferences to that
/// item.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Event, testing::block_on};
/// use std::time::Duration;
///
/// #[derive(Debug, Event)]
/// struct FileChanged { version: u32 }
///
/// let bus = Bus::new();
/// let mut changes = bus.subscribe::<FileChanged>("parser").throttle(Duration::from_secs(60));
/// bus.start();
/// for version in 1..=3 {
///     bus.publish(FileChanged { version });
/// }
/// let burst = block_on(changes.recv()).unwrap();
/// assert_eq!((burst.version, burst.merged(), burst.missed()), (3, 2, 0));
/// let latest = burst.into_item();
/// assert_eq!(latest.sequence(), 3);
/// ```
#[derive(Debug, Clone)]
pub struct Burst<T> {
    item: T,
    merged: u64,
    missed: u64,
}

impl<T> Burst<T> {
    pub(super) fn new(item: T, missed: u64) -> Self {
        Self { item, merged: 0, missed }
    }

    /// Replaces the item with a later one. Returns the older one.
    pub(super) fn merge(&mut self, later: Self) -> T {
        self.merged += 1 + later.merged;
        self.missed += later.missed;
        std::mem::replace(&mut self.item, later.item)
    }

    /// Returns the latest item.
    #[must_use]
    pub fn into_item(self) -> T {
        self.item
    }

    /// How many older items the latest one replaced.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// How many events the subscription lost before any of these items; see
    /// [`Delivery::missed`](crate::Delivery::missed).
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl<T> Deref for Burst<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}
