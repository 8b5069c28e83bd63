//! Keys: unique names of subscriptions and of links, as several may share a name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use callboard::Snapshot;

/// The key of each subscription, in the order of the snapshot: its name, and from the second
/// subscription of that name on `name#2`, `name#3`.
pub(super) fn keys(snapshot: &Snapshot) -> Vec<Arc<str>> {
    numbered(snapshot.subscribers.iter().map(|subscriber| subscriber.name.as_str()))
}

/// The same for the links to other processes.
pub(super) fn link_keys(snapshot: &Snapshot) -> Vec<Arc<str>> {
    numbered(snapshot.links.iter().map(|link| link.name.as_str()))
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Arc<str>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let key = |name| {
        let count = seen.entry(name).or_default();
        *count += 1;
        if *count == 1 { Arc::from(name) } else { Arc::from(format!("{name}#{count}")) }
    };
    names.map(key).collect()
}

/// Finds keys that moved: when one of several subscriptions of a name ends, each later one gets the
/// key of its predecessor; or a new one takes its place. The counts of the two must not be
/// compared.
#[derive(Default)]
pub(super) struct Moves {
    /// When the subscription of each key signed in, in the last snapshot.
    signed_in: HashMap<Arc<str>, Duration>,
}

impl Moves {
    /// The keys that belong to another subscription than in the last snapshot.
    pub(super) fn since_last(
        &mut self,
        snapshot: &Snapshot,
        keys: &[Arc<str>],
    ) -> HashSet<Arc<str>> {
        let named = keys.iter().cloned().zip(&snapshot.subscribers);
        let now = named.map(|(key, of)| (key, of.signed_in)).collect();
        let before = std::mem::replace(&mut self.signed_in, now);
        let moved =
            |key: &&Arc<str>| before.get(*key).is_some_and(|at| *at != self.signed_in[*key]);
        keys.iter().filter(moved).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use callboard::{AnyEvent, Bus};

    use super::*;

    #[test]
    fn namesakes_are_numbered() {
        let bus = Bus::new();
        let _subscriptions =
            ["a", "b", "a", "a"].map(|name| bus.subscriber(name).subscribe::<AnyEvent>());
        let keys = keys(&bus.snapshot());
        assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["a", "b", "a#2", "a#3"]);
    }

    #[test]
    fn keys_move_when_a_namesake_ends() {
        let bus = Bus::new();
        let mut all = Vec::from(
            ["a", "b", "a", "a"].map(|name| bus.subscriber(name).subscribe::<AnyEvent>()),
        );
        let mut moves = Moves::default();
        let mut moved = |bus: &Bus| {
            let snapshot = bus.snapshot();
            let moved = moves.since_last(&snapshot, &keys(&snapshot));
            let mut moved: Vec<_> = moved.iter().map(ToString::to_string).collect();
            moved.sort();
            moved
        };
        assert_eq!(moved(&bus), [""; 0], "there was none before");
        drop(all.remove(0));
        assert_eq!(moved(&bus), ["a", "a#2"]);
        assert_eq!(moved(&bus), [""; 0], "only once");
        all.push(bus.subscriber("b").subscribe());
        assert_eq!(moved(&bus), [""; 0], "a new one is the last");
        drop(all.pop());
        all.push(bus.subscriber("b").subscribe());
        assert_eq!(moved(&bus), ["b#2"], "another has its place");
    }
}
