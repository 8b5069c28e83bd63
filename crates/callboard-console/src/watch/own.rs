//! The console's own subscription, and removing its traces from snapshots.

use std::collections::HashMap;

use callboard::{AnyEvent, Bus, Overflow, Snapshot, SubscriberSnapshot, Subscription};

/// The name of the console's own subscription.
const NAME: &str = "console";
/// The capacity of that subscription. It is large enough that it never fills between two reads,
/// since what it drops is counted by the event types.
const CAPACITY: usize = 16_384;

/// What the console's own subscriptions have added to the counts of the bus.
#[derive(Default)]
pub(super) struct Own {
    /// How many events they received, by type.
    taken: HashMap<&'static str, u64>,
    /// Whether any other subscription has ever received a type.
    heard: HashMap<String, bool>,
}

/// Subscribes to everything.
pub(super) fn open(bus: &Bus) -> Subscription<AnyEvent> {
    let tap = bus.subscriber(NAME).capacity(CAPACITY).overflow(Overflow::DropOldest);
    tap.late().lossy().subscribe()
}

/// Whether a subscription was opened by [`open`]: the program may have one of the same name.
fn is_own(of: &SubscriberSnapshot) -> bool {
    of.name == NAME && of.call_site.starts_with(file!())
}

impl Own {
    /// Counts an event that the console received.
    pub(super) fn count(&mut self, event_type: &'static str) {
        *self.taken.entry(event_type).or_default() += 1;
    }

    /// Removes the console's subscription and its counts from a snapshot.
    ///
    /// Events that were queued when the subscription ended remain counted, as dropped by
    /// unsubscribing, which is no loss.
    pub(super) fn leave_out(&mut self, snapshot: &mut Snapshot) {
        let own: Vec<_> = snapshot.subscribers.extract_if(.., |of| is_own(of)).collect();
        for of in &mut snapshot.types {
            of.subscribers = of.subscribers.saturating_sub(own.len());
            let by_others = of.subscribers + of.responders > 0;
            let unheard = of.unheard == of.published;
            let heard = self.heard.entry(of.event_type.clone());
            // A type that appeared while the console was subscribed has no earlier listener.
            let heard = heard.or_insert(by_others || (own.is_empty() && !unheard));
            *heard |= by_others;
            if !*heard && !of.request {
                of.unheard = of.published;
            }
            let accounts = own.iter().flat_map(|own| &own.accounts);
            let queued: u64 = accounts
                .filter(|account| account.event_type == of.event_type)
                .map(|account| account.ledger.queued)
                .sum();
            let taken = self.taken.get(of.event_type.as_str()).copied().unwrap_or_default();
            let ledger = &mut of.ledger;
            ledger.queued = ledger.queued.saturating_sub(queued);
            ledger.delivered = ledger.delivered.saturating_sub(taken);
            ledger.offered = ledger.offered.saturating_sub(queued + taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use callboard::{Event, Ledger};

    use super::*;

    #[derive(Debug, Event)]
    struct Tick;

    #[test]
    fn a_snapshot_has_no_trace_of_the_tap() {
        let bus = Bus::new();
        let mut clock = bus.subscribe::<Tick>("clock");
        bus.start();
        let mut own = Own::default();
        let mut tap = open(&bus);
        let look = |own: &mut Own| -> (Ledger, usize) {
            let mut snapshot = bus.snapshot();
            own.leave_out(&mut snapshot);
            assert!(snapshot.balances());
            assert!(snapshot.subscriber(NAME).is_none());
            (snapshot.types[0].ledger, snapshot.types[0].subscribers)
        };
        bus.publish(Tick);
        bus.publish(Tick);
        assert_eq!(look(&mut own), (clock.ledger(), 1), "the tap holds two");
        tap.try_recv().map(|event| own.count(event.event_type())).unwrap();
        clock.try_recv().unwrap();
        assert_eq!(look(&mut own), (clock.ledger(), 1), "it took one");
        tap.try_recv().map(|event| own.count(event.event_type())).unwrap();
        drop(tap);
        assert_eq!(look(&mut own), (clock.ledger(), 1), "it took both, and is gone");
    }
}
