//! Leaving the console's own subscription out of what is shown.

use std::collections::HashMap;

use callboard::{AnyEvent, Bus, Overflow, Snapshot, SubscriberSnapshot, Subscription};

/// The name of the console's own subscription.
const NAME: &str = "console";
/// How many events it may hold. It is looked at so often that this is a bound and nothing more: what
/// it lost would be shown as lost by its types.
const CAPACITY: usize = 16_384;

/// What the console's own subscriptions have done to the accounts.
#[derive(Default)]
pub(super) struct Own {
    /// What those that ended took, by type.
    taken: HashMap<&'static str, u64>,
    /// Whether anybody but the console has ever heard a type.
    heard: HashMap<String, bool>,
}

/// Subscribes to everything, for a moment.
pub(super) fn open(bus: &Bus) -> Subscription<AnyEvent> {
    let tap = bus.subscriber(NAME).capacity(CAPACITY).overflow(Overflow::DropOldest);
    tap.late().lossy().subscribe()
}

/// Whether this is a subscription of [`open`], and not one of the program's that is called the same.
fn is_own(of: &SubscriberSnapshot) -> bool {
    of.name == NAME && of.call_site.starts_with(file!())
}

impl Own {
    /// Counts what a subscription took.
    pub(super) fn count(&mut self, event_type: &'static str) {
        *self.taken.entry(event_type).or_default() += 1;
    }

    /// Makes a snapshot what it would be without the console.
    ///
    /// What a subscription held when it ended stays counted, as dropped since it ended.
    pub(super) fn leave_out(&mut self, snapshot: &mut Snapshot) {
        let own: Vec<_> = snapshot.subscribers.extract_if(.., |of| is_own(of)).collect();
        for of in &mut snapshot.types {
            of.subscribers = of.subscribers.saturating_sub(own.len());
            let by_others = of.subscribers + of.responders > 0;
            let unheard = of.unheard == of.published;
            let heard = self.heard.entry(of.event_type.clone());
            // A type that was met while the console listened is as unheard as it looks.
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
