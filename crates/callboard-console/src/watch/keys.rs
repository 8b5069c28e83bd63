//! Keys: unique names of subscriptions, as several may share a name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use callboard::Snapshot;

/// The key of each subscription, in the order of the snapshot: its name, and from the second
/// subscription of that name on `name#2`, `name#3`.
pub(super) fn keys(snapshot: &Snapshot) -> Vec<Arc<str>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let key = |name| {
        let count = seen.entry(name).or_default();
        *count += 1;
        if *count == 1 { Arc::from(name) } else { Arc::from(format!("{name}#{count}")) }
    };
    snapshot.subscribers.iter().map(|subscriber| subscriber.name.as_str()).map(key).collect()
}

/// Finds keys that moved: when one of several subscriptions of a name ends, each later one gets the key
/// of its predecessor, and the counts of the two must not be compared.
#[derive(Default)]
pub(super) struct Moves {
    /// How many subscriptions of each name the last snapshot has.
    sizes: HashMap<String, usize>,
}

impl Moves {
    /// The keys that may belong to another subscription than in the last snapshot.
    pub(super) fn since_last(
        &mut self,
        snapshot: &Snapshot,
        keys: &[Arc<str>],
    ) -> HashSet<Arc<str>> {
        let mut sizes: HashMap<String, usize> = HashMap::new();
        for of in &snapshot.subscribers {
            *sizes.entry(of.name.clone()).or_default() += 1;
        }
        let shrank = |name: &str| self.sizes.get(name).copied() > sizes.get(name).copied();
        let named = snapshot.subscribers.iter().zip(keys);
        let moved = named.filter(|(of, _)| shrank(&of.name)).map(|(_, key)| Arc::clone(key));
        let moved = moved.collect();
        self.sizes = sizes;
        moved
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
    }
}
