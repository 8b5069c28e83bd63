//! Which requests wait for which, across nodes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use callboard::{Asker, CallContext};

use crate::wire::Hop;

/// The most requests that may wait for one another across nodes.
pub(crate) const MOST_HOPS: usize = 32;

/// The open requests that left this node, and those that came to it.
#[derive(Default)]
pub(crate) struct Chains {
    number: AtomicU64,
    /// How to ask in the place of a request that left.
    left: Mutex<HashMap<u64, CallContext>>,
    /// What waits for a request that came, by the name of its asker on this bus.
    came: Mutex<HashMap<Box<str>, Vec<Hop>>>,
}

impl Chains {
    /// A number that no other request of this link has.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A request leaves.
    pub(crate) fn leave(&self, id: u64, context: CallContext) {
        lock(&self.left).insert(id, context);
    }

    /// It has ended.
    pub(crate) fn end(&self, id: u64) {
        let context = lock(&self.left).remove(&id);
        drop(context);
    }

    /// How many have left and not ended.
    pub(crate) fn open(&self) -> usize {
        lock(&self.left).len()
    }

    /// How to ask in the place of the request that left under this number, if it is open.
    pub(crate) fn context(&self, id: u64) -> Option<CallContext> {
        lock(&self.left).get(&id).cloned()
    }

    /// A request came, and is asked on this bus under this name.
    pub(crate) fn come(&self, name: &str, chain: Vec<Hop>) {
        lock(&self.came).insert(name.into(), chain);
    }

    /// It has ended.
    pub(crate) fn go(&self, name: &str) {
        lock(&self.came).remove(name);
    }

    /// What waits for a call of these askers beyond this bus.
    pub(crate) fn beyond(&self, askers: &[Asker]) -> Vec<Hop> {
        if askers.is_empty() {
            return Vec::new();
        }
        let came = lock(&self.came);
        let hops = askers.iter().filter_map(|asker| came.get(&*asker.name)).flatten();
        let mut chain: Vec<Hop> = Vec::new();
        for hop in hops {
            if !chain.contains(hop) {
                chain.push(hop.clone());
            }
        }
        chain
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
