//! Which requests wait for which, across nodes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callboard::{Asker, CallContext};

use crate::wire::Hop;

/// The most requests that may wait for one another across nodes.
pub(crate) const MOST_HOPS: usize = 32;

/// The open requests sent and received by this node.
#[derive(Default)]
pub(crate) struct Chains {
    number: AtomicU64,
    /// The sent requests.
    left: Mutex<HashMap<u64, Left>>,
    /// The requests that wait for a received one, by the name of its asker on this bus.
    came: Mutex<HashMap<Box<str>, Vec<Hop>>>,
}

/// A request sent by this node.
pub(crate) struct Left {
    /// The node that was asked, and its responders.
    pub(crate) node: Arc<str>,
    pub(crate) names: Vec<String>,
    /// For each responder, the context for asking on its behalf.
    pub(crate) contexts: Vec<CallContext>,
    /// The handlers of this bus that wait for it.
    pub(crate) askers: Vec<String>,
    /// The cycle that it would be in, if no responder in it has a free handler.
    pub(crate) circle: Option<String>,
}

impl Chains {
    /// A number that is unique among the requests of this link.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds a sent request.
    pub(crate) fn leave(&self, id: u64, left: Left) {
        lock(&self.left).insert(id, left);
    }

    /// Removes a sent request. Returns the cycle that it may have been in.
    pub(crate) fn end(&self, id: u64) -> Option<String> {
        let left = lock(&self.left).remove(&id);
        left.and_then(|left| left.circle)
    }

    /// Handles a node's request to these responders for its handlers `askers`. Requests of the
    /// responders to those handlers may form a cycle with it.
    pub(crate) fn cross(&self, node: &str, names: &[String], askers: &[String]) {
        if askers.is_empty() {
            return;
        }
        for left in lock(&self.left).values_mut().filter(|left| *left.node == *node) {
            left.circle = left
                .circle
                .take()
                .or_else(|| crossing(node, (&left.askers, &left.names), (askers, names)));
        }
    }

    /// How many sent requests are open.
    pub(crate) fn open(&self) -> usize {
        lock(&self.left).len()
    }

    /// The context for asking on behalf of the sent request with this number, if it is open: that of
    /// the responder which asks, or of the first if the request comes by further nodes. The handlers
    /// that ask are `askers`, the outermost last.
    pub(crate) fn context(&self, id: u64, askers: &[String]) -> Option<CallContext> {
        let left = lock(&self.left);
        let Left { names, contexts, .. } = left.get(&id)?;
        let place_of = |asker| names.iter().position(|name| name == asker);
        let place = askers.iter().rev().find_map(place_of).unwrap_or(0);
        contexts.get(place).cloned()
    }

    /// Adds a received request, which is made on this bus under this name.
    pub(crate) fn come(&self, name: &str, chain: Vec<Hop>) {
        lock(&self.came).insert(name.into(), chain);
    }

    /// Removes a received request.
    pub(crate) fn go(&self, name: &str) {
        lock(&self.came).remove(name);
    }

    /// The requests on other nodes that wait for a call of these askers.
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

/// The cycle formed by a sent request, of handlers `askers` to responders `names`, and one received
/// from `node`, if each waits for the other.
pub(super) fn crossing(
    node: &str,
    (askers, names): (&[String], &[String]),
    (their_askers, their_names): (&[String], &[String]),
) -> Option<String> {
    let own = askers.iter().find(|asker| their_names.contains(asker))?;
    let other = names.iter().find(|name| their_askers.contains(name))?;
    Some(format!("`{own}` → `{other}` of node `{node}` → `{own}`"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
