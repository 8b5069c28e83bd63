//! Whether the subscribers of a type have taken what was published.

use std::time::Duration;

use callboard::{Bus, Event, Importance, Phase};

use crate::shared::Shared;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until the bus runs, somebody listens, and everybody has room for this many events of the
/// type; `false` once the bus is gone. Subscribers that are lossy by their own account don't count,
/// and neither does the link.
pub(super) async fn has_room<E: Event>(shared: &Shared, events: usize) -> bool {
    wait::<E>(shared, |of| of.free >= events.min(of.capacity)).await
}

/// Waits until everybody has taken what was published; `false` once the bus is gone.
pub(super) async fn is_taken<E: Event>(shared: &Shared) -> bool {
    wait::<E>(shared, |of| of.queued == 0).await
}

/// A subscriber of the type.
struct Listening {
    capacity: usize,
    free: usize,
    /// How many events of the type wait for it.
    queued: u64,
}

async fn wait<E: Event>(shared: &Shared, done: impl Fn(&Listening) -> bool) -> bool {
    loop {
        let Some(bus) = shared.bus.upgrade() else { return false };
        let listening = listening::<E>(&bus, &shared.name);
        match bus.phase() {
            Phase::Closed => return false,
            Phase::Running if !listening.is_empty() && listening.iter().all(&done) => return true,
            _ => {}
        }
        drop(bus);
        tokio::time::sleep(LOOK).await;
    }
}

fn listening<E: Event>(bus: &Bus, own: &str) -> Vec<Listening> {
    let snapshot = bus.snapshot();
    let critical = snapshot
        .subscribers
        .into_iter()
        .filter(|of| of.importance == Importance::Critical && of.name != own);
    let listening = critical.filter_map(|of| {
        let account = of.accounts.iter().find(|account| account.event_type == E::TYPE)?;
        let free = of.capacity.saturating_sub(of.queued);
        Some(Listening { capacity: of.capacity, free, queued: account.ledger.queued })
    });
    listening.collect()
}
