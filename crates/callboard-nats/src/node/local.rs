//! What this node's bus offers to others.

use std::collections::{BTreeMap, BTreeSet};

use callboard::{InterestSnapshot, Pattern};

use crate::shared::Shared;
use crate::wire::Hello;

/// Its responders for the request types that the link serves, and its subscribers of the types that
/// the link imports, without the link's own proxies.
pub(super) fn offer(shared: &Shared) -> Hello {
    let exports = shared.outbox.next().into_iter().map(|(name, ..)| name.to_owned()).collect();
    // Types shared by a group are not probed, since only one member would receive the probe.
    let whole = shared.imports.iter().filter(|of| !of.shares());
    let imports = whole.map(|of| of.event_type.to_owned()).collect();
    let mut offer = Hello { exports, imports, ..Hello::default() };
    let Some(bus) = shared.bus.upgrade() else { return offer };
    let snapshot = bus.snapshot();
    drop(bus);
    let mut responders: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut subscribers = BTreeSet::new();
    for of in &snapshot.subscribers {
        for request_type in &of.answers {
            let names = responders.entry(request_type).or_default();
            *names.entry(&of.name).or_default() += 1;
        }
        let hears = match &of.interest {
            InterestSnapshot::Types(types) => {
                types.iter().any(|of| shared.imports.iter().any(|import| import.event_type == of))
            }
            InterestSnapshot::Everything => true,
            InterestSnapshot::Matching(pattern) => {
                let pattern = Pattern::new(pattern);
                let matches = |pattern: &Pattern| {
                    shared.imports.iter().any(|import| pattern.matches(import.event_type))
                };
                pattern.is_ok_and(|pattern| matches(&pattern))
            }
            _ => false,
        };
        if hears && of.name != shared.name && !of.name.starts_with('@') {
            subscribers.insert(of.name.clone());
        }
    }
    offer.subscribers = subscribers.into_iter().collect();
    for request_type in shared.serves.keys() {
        let names = responders.remove(*request_type).unwrap_or_default();
        let own =
            |(name, count): &(&str, usize)| *count > shared.standins.count(request_type, name);
        let names = names.into_iter().filter(own).map(|(name, _)| name.to_owned());
        offer.responders.insert((*request_type).to_owned(), names.collect());
    }
    if !offer.is_bounded() {
        let names = offer.subscribers.len();
        shared
            .problem(format!("other nodes are not told of {names} subscribers: they are too many"));
        offer.subscribers.clear();
    }
    offer
}
