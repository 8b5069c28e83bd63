//! Coalescing: merging events with the same key.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

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
/// counts as `None`. Both run on the publishing thread, with no lock held.
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
    /// The type of the keys, which identify what an event is about. The bus relies on `Hash`
    /// feeding the hasher the same bytes for equal keys and different bytes for others. This holds
    /// for numbers, strings, arrays and slices of them, and types that derive `Hash` from such. It
    /// does not hold for `Path` and `PathBuf`, which leave out separators: use `as_os_str()`
    /// instead.
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

/// A key as the bytes that its `Hash` feeds a hasher, so that comparing runs no user code. It is
/// hashed once, and up to 16 bytes are stored inline.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    hash: u64,
    bytes: Bytes,
}

#[derive(Debug, Clone)]
enum Bytes {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Arc<Vec<u8>>),
}

const SHORT: usize = 16;

impl Key {
    fn of(key: &impl Hash) -> Self {
        static STATE: OnceLock<RandomState> = OnceLock::new();
        let mut fed = Fed(Bytes::Short { length: 0, bytes: [0; SHORT] });
        key.hash(&mut fed);
        let hash = STATE.get_or_init(RandomState::new).hash_one(fed.0.as_slice());
        Self { hash, bytes: fed.0 }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes.as_slice() == other.bytes.as_slice()
    }
}

impl Eq for Key {}

/// Feeds a hasher the randomly seeded hash of the bytes.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

/// A type's [`Coalesce`] implementation as plain functions.
pub(crate) struct Coalescing<E> {
    pub(crate) key: fn(&E) -> Key,
    pub(crate) absorb: fn(&E, &E) -> Option<E>,
}

impl<E: Coalesce> Coalescing<E> {
    pub(super) const fn of() -> Self {
        Self { key: |event| Key::of(&event.key()), absorb: E::absorb }
    }
}

/// A hasher that records its input.
struct Fed(Bytes);

impl Hasher for Fed {
    fn write(&mut self, more: &[u8]) {
        match &mut self.0 {
            Bytes::Short { length, bytes } => {
                let (start, end) = (usize::from(*length), usize::from(*length) + more.len());
                if let (Some(place), Ok(end)) = (bytes.get_mut(start..end), u8::try_from(end)) {
                    place.copy_from_slice(more);
                    *length = end;
                } else {
                    self.0 = Bytes::Long(Arc::new([&bytes[..start], more].concat()));
                }
            }
            Bytes::Long(bytes) => Arc::make_mut(bytes).extend_from_slice(more),
        }
    }

    fn finish(&self) -> u64 {
        0
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
