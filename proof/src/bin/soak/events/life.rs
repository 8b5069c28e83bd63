//! Payloads that are counted: by the end of their bus each is dropped, and none twice.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many payloads were made and dropped. One per lane; a bus hands it on with both the same.
#[derive(Debug, Default)]
pub(crate) struct Census {
    born: AtomicU64,
    ended: AtomicU64,
}

impl Census {
    /// A census for the rest of the process, so that an event need not own a share of it.
    pub(crate) fn leak() -> &'static Self {
        Box::leak(Box::default())
    }

    /// How many have been born so far.
    pub(crate) fn born(&self) -> u64 {
        self.born.load(Ordering::SeqCst)
    }

    /// How many have ended so far: one that is dropped twice has ended twice.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }
}

/// What makes an event a counted one.
#[derive(Debug)]
pub(crate) struct Life(&'static Census);

impl Life {
    pub(crate) fn new(census: &'static Census) -> Self {
        census.born.fetch_add(1, Ordering::SeqCst);
        Self(census)
    }

    /// Another one of the same census.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}
