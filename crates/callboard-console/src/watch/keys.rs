//! What a subscription is called where several may share a name.

use std::collections::HashMap;
use std::sync::Arc;

use callboard::Snapshot;

/// The key of each subscription, in the order of the snapshot: its name, and from the second of that
/// name on `name#2`, `name#3`.
pub(super) fn keys(snapshot: &Snapshot) -> Vec<Arc<str>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let key = |name| {
        let count = seen.entry(name).or_default();
        *count += 1;
        if *count == 1 { Arc::from(name) } else { Arc::from(format!("{name}#{count}")) }
    };
    snapshot.subscribers.iter().map(|subscriber| subscriber.name.as_str()).map(key).collect()
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
}
