//! Coalescing: merging events with the same key.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::OnceLock;

use super::{Abilities, Event};

/// Events that may be merged: a newer event absorbs an older, unread event with the same key.
///
/// Events coalesce in two places: in the queue of a subscription with
/// [`Overflow::Coalesce`](crate::Overflow::Coalesce), and in the bus while it buffers (before
/// `start` and while paused), so that a burst with few keys never overflows the buffer. The merged
/// event takes the newer one's place in the order. Requests of any type never coalesce, since each
/// has an asker.
///
/// `#[derive(Event)]` detects an `impl Coalesce`; a manual implementation of `Event` must set
/// [`Abilities::coalesce`].
///
/// # Panics
///
/// If [`key`](Self::key) panics, the event has no key; if [`absorb`](Self::absorb) panics, it
/// counts as `None`. Both run on the publishing thread, with no lock held; `key` again, for both
/// events, before they are merged.
///
/// # Examples
///
/// ```
/// use callboard::{Bus, Coalesce, Event, Overflow};
///
/// #[derive(Debug, Event)]
/// struct Changed {
///     resource: &'static str,
///     times: u32,
/// }
///
/// impl Coalesce for Changed {
///     type Key = &'static str;
///
///     fn key(&self) -> Self::Key {
///         self.resource
///     }
///
///     fn absorb(&self, older: &Self) -> Option<Self> {
///         Some(Self { resource: self.resource, times: self.times + older.times })
///     }
/// }
///
/// let bus = Bus::new();
/// bus.start();
/// let mut changes =
///     bus.subscriber("reconciler").late().overflow(Overflow::Coalesce).subscribe::<Changed>();
/// for resource in ["a", "b", "a", "a"] {
///     bus.publish(Changed { resource, times: 1 });
/// }
/// let merged: Vec<_> = changes.try_iter().map(|change| (change.resource, change.times)).collect();
/// assert_eq!(merged, [("b", 1), ("a", 3)]);
/// ```
pub trait Coalesce: Event {
    /// The type of the keys, which identify what an event is about. A key is hashed when the event is
    /// published, and compared with that of an older event before the two are merged. Its `Hash`
    /// should tell keys apart, as a derived one does. A subscription that meets two keys with one hash
    /// may exceed its capacity by them, and merges nothing until its queue is empty; a comparison
    /// that panics has the same effect.
    type Key: Hash + Eq;

    /// Returns the key of this event.
    fn key(&self) -> Self::Key;

    /// Merges `older`, an unread event with the same key, into this event. `Some` is published in
    /// this event's place; `None` (the default: the latest wins) publishes this event unchanged.
    fn absorb(&self, older: &Self) -> Option<Self> {
        let _ = older;
        None
    }
}

/// The hash of a key, by a hasher that is seeded at random. Two keys with one hash are told apart when
/// their events are about to be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(NonZeroU64);

impl Key {
    fn of(key: &impl Hash) -> Self {
        static STATE: OnceLock<RandomState> = OnceLock::new();
        let hash = STATE.get_or_init(RandomState::new).hash_one(key);
        Self(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }
}

/// A map whose keys contain [`Key`]s, which are not hashed again.
pub(crate) type ByKey<K> = HashMap<K, u64, BuildHasherDefault<AsIs>>;

/// A hasher that combines the numbers that it is fed.
#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(32) ^ number;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A type's [`Coalesce`] implementation as plain functions.
pub(crate) struct Coalescing<E> {
    pub(crate) key: fn(&E) -> Key,
    /// Whether two events have equal keys.
    pub(crate) equal: fn(&E, &E) -> bool,
    pub(crate) absorb: fn(&E, &E) -> Option<E>,
}

impl<E: Coalesce> Coalescing<E> {
    pub(super) const fn of() -> Self {
        Self {
            key: |event| Key::of(&event.key()),
            equal: |one, other| one.key() == other.key(),
            absorb: E::absorb,
        }
    }
}

/// Lets the derive detect whether a type implements [`Coalesce`]: the inherent constant exists only
/// for types that do, and takes precedence over [`NotCoalescing`]'s.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<E>(PhantomData<E>);

impl<E: Coalesce> Probe<E> {
    #[doc(hidden)]
    pub const ABILITIES: Abilities<E> = Abilities::new().coalesce();
}

#[doc(hidden)]
pub trait NotCoalescing<E> {
    #[doc(hidden)]
    const ABILITIES: Abilities<E> = Abilities::new();
}

impl<E> NotCoalescing<E> for Probe<E> {}
