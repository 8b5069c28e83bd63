//! Merging events that are about the same thing.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Abilities, Event};

/// Events that may stand for one another: a newer one about the same thing absorbs an older one
/// that nobody has read yet.
///
/// It happens in two places: in the queue of a subscription that asked for
/// [`Overflow::Coalesce`](crate::Overflow::Coalesce), and in the bus while it buffers (before
/// `start` and while paused), so that a burst about few things never overflows the buffer. The
/// merged event takes the newer one's place in the order. Requests never coalesce, whatever their
/// type: each has an asker.
///
/// `#[derive(Event)]` notices an `impl Coalesce` by itself; an `Event` written by hand says
/// [`Abilities::coalesce`].
///
/// # Panics
///
/// A [`key`](Self::key) that panics makes the event one without a key; an [`absorb`](Self::absorb)
/// that panics counts as `None`. Both run on the publishing thread, with no lock held.
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
    /// What the event is about. Two keys are the same when they are equal; the bus relies on
    /// `Hash` feeding the hasher the same bytes for equal keys and different ones for others. That holds
    /// for numbers, strings, arrays and slices of them, and whatever derives `Hash` of such. It does not
    /// hold for `Path` and `PathBuf`, which leave their separators out: take `as_os_str()` of it.
    type Key: Hash + Eq;

    /// What this event is about.
    fn key(&self) -> Self::Key;

    /// Merges `older`, which is about the same thing and was not read, into this event: `Some`
    /// is published in this event's place, and `None` (the default: the latest wins) means that
    /// this event says it all.
    fn absorb(&self, older: &Self) -> Option<Self> {
        let _ = older;
        None
    }
}

/// A key as the bytes that its `Hash` feeds a hasher: compared without running a user's code.
pub(crate) type Key = Arc<Vec<u8>>;

/// A type's [`Coalesce`] implementation as plain functions.
pub(crate) struct Coalescing<E> {
    pub(crate) key: fn(&E) -> Key,
    pub(crate) absorb: fn(&E, &E) -> Option<E>,
}

impl<E: Coalesce> Coalescing<E> {
    pub(super) const fn of() -> Self {
        Self {
            key: |event| {
                let mut bytes = Bytes(Vec::new());
                event.key().hash(&mut bytes);
                Arc::new(bytes.0)
            },
            absorb: E::absorb,
        }
    }
}

/// A hasher that keeps what it is fed.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Lets the derive find out whether a type implements [`Coalesce`]: the inherent constant exists
/// only for those that do, and wins over [`NotCoalescing`]'s.
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
