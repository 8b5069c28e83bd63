//! Payloads that are counted: each is dropped once, and all of them by the end of their bus.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Who is alive. One per lane; a bus hands it on empty.
pub(crate) struct Census {
    /// A bit per life.
    alive: Box<[AtomicU64]>,
    next: AtomicU64,
    born: AtomicU64,
    ended: AtomicU64,
    ended_twice: AtomicU64,
}

/// More are not alive at once: the capacities of a bus's subscriptions don't add up to it.
const PLACES: u64 = 1 << 22;

impl Census {
    /// A census for the rest of the process, so that an event need not own a share of it.
    pub(crate) fn leak() -> &'static Self {
        let words = PLACES / u64::from(u64::BITS);
        Box::leak(Box::new(Self {
            alive: (0..words).map(|_| AtomicU64::new(0)).collect(),
            next: AtomicU64::new(0),
            born: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            ended_twice: AtomicU64::new(0),
        }))
    }

    /// How many are alive.
    pub(crate) fn alive(&self) -> u64 {
        let ended = self.ended.load(Ordering::SeqCst);
        self.born.load(Ordering::SeqCst) - ended
    }

    /// How many have been born so far.
    pub(crate) fn born(&self) -> u64 {
        self.born.load(Ordering::SeqCst)
    }

    /// How many have ended that were not alive.
    pub(crate) fn ended_twice(&self) -> u64 {
        self.ended_twice.load(Ordering::SeqCst)
    }

    fn bit(&self, place: u64) -> (&AtomicU64, u64) {
        let word = usize::try_from(place / u64::from(u64::BITS)).unwrap_or(0);
        (&self.alive[word], 1 << (place % u64::from(u64::BITS)))
    }
}

impl fmt::Debug for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Census").field("alive", &self.alive()).finish_non_exhaustive()
    }
}

/// What makes an event a counted one.
#[derive(Debug)]
pub(crate) struct Life {
    census: &'static Census,
    place: u64,
}

impl Life {
    pub(crate) fn new(census: &'static Census) -> Self {
        census.born.fetch_add(1, Ordering::SeqCst);
        loop {
            let place = census.next.fetch_add(1, Ordering::Relaxed) % PLACES;
            let (word, bit) = census.bit(place);
            if word.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                return Self { census, place };
            }
        }
    }

    /// Another one of the same census.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.census)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let (word, bit) = self.census.bit(self.place);
        if word.fetch_and(!bit, Ordering::Relaxed) & bit == 0 {
            self.census.ended_twice.fetch_add(1, Ordering::SeqCst);
        }
        self.census.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{Census, Life};

    #[test]
    fn tells_who_is_alive_and_who_ended_twice() {
        let census = Census::leak();
        let (one, other) = (Life::new(census), Life::new(census));
        let twin = Life { census, place: other.place };
        drop(one);
        assert_eq!((census.born(), census.alive(), census.ended_twice()), (2, 1, 0));
        drop(other);
        assert_eq!(census.ended_twice(), 0);
        drop(twin);
        assert_eq!(census.ended_twice(), 1);
    }
}
